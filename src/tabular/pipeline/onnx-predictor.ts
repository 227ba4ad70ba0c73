import { readFile } from 'node:fs/promises';
import { DataError } from '#core';
import type { Table } from '#data';
import { OnnxSession, type RuntimeTensor } from '#engine';
import { type InputSpec, tableFeeds } from '../features/inputs.ts';
import type { Task } from '../learners/learner.ts';
import type { ClassLabels } from './class-labels.ts';
import type { PipelineStep } from './pipeline.ts';

/** Predictions of a table. N rows, K classes. */
export interface TablePredictions {
  readonly rows: number;
  /** [N] indices into the class labels; null in regression. */
  readonly classes: Int32Array | null;
  /** [N, K] row-major; null in regression. */
  readonly probabilities: Float64Array | null;
  /** [N]; null in classification. */
  readonly values: Float64Array | null;
}

interface OutputNames {
  readonly label?: string;
  readonly probabilities?: string;
  readonly variable?: string;
}

/** A tabular model's ONNX file, run by ONNX Runtime alone. */
export class TabularPredictor {
  readonly task: Task;
  readonly labels: ClassLabels | null;
  readonly labelColumn: string;
  readonly inputs: readonly InputSpec[];
  /** The pipeline's steps and settings; for an ensemble its members are settings of the last step. */
  readonly steps: readonly PipelineStep[];
  /** A row of what each column usually holds; empty where the file does not tell. */
  readonly example: Readonly<Record<string, string | number | null>>;
  /** `metadata_props` of the file. */
  readonly metadata: Readonly<Record<string, string>>;
  private readonly session: OnnxSession;
  private readonly outputs: OutputNames;
  private readonly batchRows: number;

  private constructor(session: OnnxSession) {
    const metadata = session.info.metadata;
    this.session = session;
    this.metadata = metadata;
    this.task = metadata['trainyard.task'] as Task;
    this.labelColumn = metadata['trainyard.labelColumn'];
    this.labels = JSON.parse(metadata['trainyard.labels']) as ClassLabels | null;
    this.inputs = JSON.parse(metadata['trainyard.inputs']) as InputSpec[];
    this.outputs = JSON.parse(metadata['trainyard.outputs']) as OutputNames;
    this.batchRows = Number(metadata['trainyard.batchRows']);
    this.example = JSON.parse(metadata['trainyard.example'] ?? '{}') as Record<string, string | number>;
    this.steps = JSON.parse(metadata['trainyard.steps'] ?? '[]') as PipelineStep[];
  }

  /**
   * @param source path or bytes of a model written by `trainyard automl`
   * @throws DataError when there is no such file, or it holds no tabular model of Trainyard
   */
  static async load(source: string | Uint8Array): Promise<TabularPredictor> {
    const name = typeof source === 'string' ? source : 'model';
    const bytes = typeof source === 'string' ? await readModelFile(source) : source;
    const session = await openSession(bytes, name);
    if (session.info.metadata['trainyard.kind'] !== 'tabular') {
      await session.release();
      throw new DataError(
        `${name}: the model must come from trainyard automl, but its metadata does not say so (producer ` +
          `"${session.info.producerName}"). Run foreign models with onnxruntime-node directly.`,
        { file: name },
      );
    }
    try {
      return new TabularPredictor(session);
    } catch (cause) {
      await session.release();
      throw new DataError(
        `${name}: the metadata of a model must be as trainyard automl wrote it, but it is damaged. Write the model again.`,
        { file: name },
        { cause },
      );
    }
  }

  /** @throws DataError when a column the model reads is missing or of another type */
  async predict(table: Table): Promise<TablePredictions> {
    const classes = this.labels?.values.length ?? 0;
    const result = {
      rows: table.rows,
      classes: this.labels === null ? null : new Int32Array(table.rows),
      probabilities: this.labels === null ? null : new Float64Array(table.rows * classes),
      values: this.labels === null ? new Float64Array(table.rows) : null,
    };
    const index = new Map(this.labels?.values.map((value, k) => [value, k]));
    for (let start = 0; start < table.rows; start += this.batchRows) {
      const size = Math.min(this.batchRows, table.rows - start);
      const whole = size === table.rows;
      const batch = whole ? table : table.take(Array.from({ length: size }, (_, i) => start + i));
      const outputs = await this.session.run(tableFeeds(batch, this.inputs));
      result.values?.set(floats(outputs, this.outputs.variable), start);
      result.probabilities?.set(floats(outputs, this.outputs.probabilities), start * classes);
      const labels = this.outputs.label === undefined ? undefined : outputs[this.outputs.label].data;
      for (let i = 0; i < size && labels !== undefined; i++) {
        (result.classes as Int32Array)[start + i] = index.get(String(labels[i])) as number;
      }
    }
    return result;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function floats(outputs: Record<string, RuntimeTensor>, name: string | undefined): Float32Array {
  return outputs[name as string].data as Float32Array;
}

async function openSession(bytes: Uint8Array, name: string): Promise<OnnxSession> {
  try {
    return await OnnxSession.create(bytes);
  } catch (error) {
    const reason = error instanceof DataError ? 'its bytes are no ONNX model' : 'ONNX Runtime refuses it';
    throw new DataError(
      `${name}: a model file of trainyard automl must be given, but ${reason}; it is damaged or of another kind. ` +
        'Write it again or name another file.',
      { file: name },
      { cause: error },
    );
  }
}

async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new DataError(
      `${path}: a model file must be given, but ${reason}. Check the path.`,
      { file: path },
      { cause: error },
    );
  }
}
