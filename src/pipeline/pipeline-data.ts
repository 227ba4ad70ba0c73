import { ConfigError } from '#core';
import type { Json } from '#tracking';

/** Which result of AutoML an output holds: the metrics of all child runs as JSON, or the best model as ONNX. */
export type TrainingOutputType = 'Metrics' | 'Model';

export class TrainingOutput {
  readonly type: TrainingOutputType;

  /** @throws ConfigError for another type */
  constructor(type: TrainingOutputType) {
    if (type !== 'Metrics' && type !== 'Model') {
      throw new ConfigError(
        `TrainingOutput: type must be Metrics or Model, but got ${JSON.stringify(type)}. Use one of them.`,
        { type },
      );
    }
    this.type = type;
  }
}

export interface PipelineDataOptions {
  /** Name for `PipelineRun.getPipelineOutput`; the data's own name when absent. */
  readonly pipelineOutputName?: string;
  readonly trainingOutput?: TrainingOutput;
}

/** A file, or folder of files, that one step writes and others read. */
export class PipelineData {
  readonly name: string;
  readonly pipelineOutputName: string;
  readonly trainingOutput: TrainingOutput | undefined;

  /** @throws ConfigError for a name that is no file name */
  constructor(name: string, { pipelineOutputName = name, trainingOutput }: PipelineDataOptions = {}) {
    checkPartName('PipelineData', name);
    this.name = name;
    this.pipelineOutputName = pipelineOutputName;
    this.trainingOutput = trainingOutput;
  }
}

/** A value that can be changed when the pipeline is started, with the one it has otherwise. */
export class PipelineParameter {
  readonly name: string;
  readonly defaultValue: Json;

  constructor({ name, defaultValue }: { readonly name: string; readonly defaultValue: Json }) {
    checkPartName('PipelineParameter', name);
    this.name = name;
    this.defaultValue = defaultValue;
  }
}

/** @throws ConfigError for a name that cannot be one of a file or a field */
export function checkPartName(what: string, name: string): void {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_. -]{0,127}$/u.test(name) && !/[. ]$/.test(name)) return;
  throw new ConfigError(
    `${what}: name must be 1 to 128 letters, digits, '_', '-', '.' and spaces, but got ${JSON.stringify(name)}. Use train_model.`,
    { name },
  );
}
