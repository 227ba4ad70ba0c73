import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '#core';
import type { Json } from '#tracking';
import { TabularDataset } from '#workspace';
import type { InputDefinition, StepDefinition } from './definition.ts';
import { PipelineData, type PipelineParameter } from './pipeline-data.ts';
import { BaseStep, parametersIn, type StepOptions, settingOf } from './step.ts';

/** Text on the command line of a script; data stand for the paths of their files. */
export type ScriptArgument = string | number | PipelineParameter | PipelineData;

export interface ScriptStepOptions extends StepOptions {
  /**
   * JavaScript or TypeScript module. Its default export, if it has one, is called with a `ScriptInput`; a module
   * without one does its work when it is loaded, with `arguments` in `process.argv`.
   */
  readonly script: string | URL;
  readonly arguments?: readonly ScriptArgument[];
  /** What it reads, by name; a list names data as they are called. */
  readonly inputs?: readonly PipelineData[] | Readonly<Record<string, PipelineData | TabularDataset>>;
  /** Values for the function, which may be pipeline parameters. */
  readonly parameters?: Readonly<Record<string, Json | PipelineParameter>>;
  /** Other files whose content counts as the step's source; relative imports do anyway. */
  readonly sourceFiles?: readonly string[];
}

/** What the function of a script is given. */
export interface ScriptInput {
  /** Paths of the files of each input; the one path where there is one. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Where each output is to be written: a file, or a folder that the script makes. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly arguments: readonly string[];
}

/**
 * A step that runs a program of yours in a process of its own. What it prints is the log of its run; messages
 * `{ metric: name, value, step? }` given to `context.emit` are metrics, `{ progress: done, total }` its progress.
 *
 * @example
 * // double.ts: export default async ({ inputs, outputs }: ScriptInput) => { … };
 * const step = new ScriptStep({ name: 'double', script: 'double.ts', inputs: [numbers], outputs: [doubled] });
 */
export class ScriptStep extends BaseStep {
  readonly parameters: readonly PipelineParameter[];
  readonly reads: readonly PipelineData[];
  private readonly inputs: Readonly<Record<string, PipelineData | TabularDataset>>;
  private readonly script: ScriptStepOptions;
  private readonly path: string;

  /** @throws ConfigError when the script does not exist */
  constructor(options: ScriptStepOptions) {
    super(options);
    this.script = options;
    const { script, inputs = [] } = options;
    this.path = resolve(script instanceof URL || script.startsWith('file:') ? fileURLToPath(script) : script);
    if (!existsSync(this.path) || !statSync(this.path).isFile()) {
      throw new ConfigError(
        `step ${options.name}: script must be a file, but got ${this.path}. Check the path.`,
        { script: this.path },
      );
    }
    this.inputs = Array.isArray(inputs)
      ? Object.fromEntries(inputs.map((data: PipelineData) => [data.name, data]))
      : (inputs as Readonly<Record<string, PipelineData | TabularDataset>>);
    const isRead = (value: unknown): value is PipelineData =>
      value instanceof PipelineData && !this.outputs.includes(value);
    this.reads = [...new Set([...Object.values(this.inputs), ...(options.arguments ?? [])].filter(isRead))];
    this.parameters = [...parametersIn(options.parameters), ...parametersIn(options.arguments)];
  }

  override define(locate: (data: PipelineData) => InputDefinition): StepDefinition {
    const { arguments: given = [], parameters = {}, sourceFiles = [] } = this.script;
    const inputs = Object.fromEntries(
      Object.entries(this.inputs).map(([name, value]): [string, InputDefinition] => [
        name,
        value instanceof TabularDataset ? { kind: 'dataset', dataset: value.toJSON() } : locate(value),
      ]),
    );
    for (const value of given) {
      const isNew = value instanceof PipelineData && !this.outputs.includes(value);
      if (isNew && inputs[value.name] === undefined) inputs[value.name] = locate(value);
    }
    return {
      ...this.common(),
      kind: 'script',
      inputs,
      settings: {
        script: this.path,
        sourceFiles: sourceFiles.map((file) => resolve(file)),
        arguments: given.map((value) => this.argumentOf(value)),
        parameters: settingOf(parameters, `step ${this.name}: parameters`),
      },
    };
  }

  private argumentOf(value: ScriptArgument): Json {
    if (!(value instanceof PipelineData)) return settingOf(value, `step ${this.name}: arguments`);
    return this.outputs.includes(value) ? { output: value.name } : { input: this.inputName(value) };
  }

  private inputName(data: PipelineData): string {
    const entry = Object.entries(this.inputs).find(([, value]) => value === data);
    return entry?.[0] ?? data.name;
  }
}
