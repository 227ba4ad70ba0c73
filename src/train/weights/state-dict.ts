import type { DType, Shape } from '#core';
import type { StateDict } from '#nn';

export type { StateDict };

/** What a model expects under one name. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** How weights are read. */
export interface ReadOptions {
  /**
   * `'float32'` widens 16-bit floats, which is exact; `'float16'` keeps them as 16-bit patterns, which rounds
   * bfloat16 to the nearest float16. Default `'float32'`.
   */
  readonly half?: 'float32' | 'float16';
  /**
   * Most bytes the tensors may take in memory. Default: 16 times the file and 64 MiB, which no honest file
   * exceeds; an expanded view over a tiny storage does.
   */
  readonly maxBytes?: number;
}

/** A file of weights, read. */
export interface WeightFile {
  readonly state: StateDict;
  /** What the file says besides tensors: safetensors' `__metadata__`, or the plain values of a checkpoint. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly format: 'safetensors' | 'pytorch-zip' | 'pytorch-legacy';
}
