import { DataError, type HostTensor } from '#core';
import type { DatasetDescription } from './open-dataset.ts';

/** Inputs and target of one sample, or of a batch of them. */
export type Sample = readonly HostTensor[];

/** Samples by index. */
export interface Dataset {
  readonly length: number;
  /** The sample at `index`, in [0, length). */
  get(index: number): Sample | Promise<Sample>;
  /**
   * A whole batch at once, where that is faster than one sample at a time.
   * @param place an earlier batch of as many samples, whose memory may be written
   */
  getBatch?(indices: ArrayLike<number>, place?: Sample): Sample | Promise<Sample>;
  /** How a worker thread opens the same data set; without it, only this thread can read the samples. */
  readonly worker?: DatasetDescription | undefined;
}

/** @throws DataError for an index outside [0, length) */
export function checkIndex(index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new DataError(
    `Dataset: the index must lie in [0, ${length}), but got ${index}. Use one below the length.`,
    { index, length },
  );
}
