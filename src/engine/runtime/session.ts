import type * as Ort from 'onnxruntime-node';
import { RuntimeFailure } from '#core';
import type { OnnxDType } from '../onnx/dtype.ts';
import { type OnnxModelInfo, readOnnxModel } from '../onnx/read-model.ts';
import { firstLine, loadRuntime } from './load-runtime.ts';

export type TensorData =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | readonly string[];

export interface RuntimeTensor {
  readonly dtype: OnnxDType;
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export interface SessionOptions {
  /** Threads within one operator; ONNX Runtime's default when absent. */
  readonly threads?: number;
}

/** An ONNX model loaded into ONNX Runtime (CPU). Release it when done. */
export class OnnxSession {
  readonly info: OnnxModelInfo;
  private readonly session: Ort.InferenceSession;
  private readonly runtime: typeof Ort;

  private constructor(info: OnnxModelInfo, session: Ort.InferenceSession, runtime: typeof Ort) {
    this.info = info;
    this.session = session;
    this.runtime = runtime;
  }

  /**
   * @param bytes an ONNX model file
   * @throws DataError when the bytes are no ONNX model
   * @throws RuntimeFailure when ONNX Runtime refuses the model
   */
  static async create(bytes: Uint8Array, options: SessionOptions = {}): Promise<OnnxSession> {
    const info = readOnnxModel(bytes, 'OnnxSession');
    const runtime = await loadRuntime();
    try {
      const session = await runtime.InferenceSession.create(bytes, {
        logSeverityLevel: 3,
        ...(options.threads === undefined
          ? {}
          : { intraOpNumThreads: options.threads, interOpNumThreads: 1 }),
      });
      return new OnnxSession(info, session, runtime);
    } catch (error) {
      throw new RuntimeFailure(
        `OnnxSession: ONNX Runtime must accept the model, but it answered: ${firstLine(error)}`,
        {},
        { cause: error },
      );
    }
  }

  /**
   * Runs the model.
   * @param feeds one tensor per graph input
   * @returns one tensor per graph output
   * @throws RuntimeFailure when ONNX Runtime fails
   */
  async run(feeds: Readonly<Record<string, RuntimeTensor>>): Promise<Record<string, RuntimeTensor>> {
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [
        name,
        new this.runtime.Tensor(tensor.dtype as 'float32', tensor.data as Float32Array, tensor.dims),
      ]),
    );
    try {
      const results = await this.session.run(inputs);
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [
          name,
          { dtype: tensor.type as OnnxDType, data: tensor.data as unknown as TensorData, dims: tensor.dims },
        ]),
      );
    } catch (error) {
      throw new RuntimeFailure(
        `OnnxSession.run: ONNX Runtime must run the model, but it answered: ${firstLine(error)}`,
        {},
        { cause: error },
      );
    }
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
