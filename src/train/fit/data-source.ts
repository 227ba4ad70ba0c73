import type { Batch } from '../compile/compiled-model.ts';
import type { BatchType } from '../compile/record-step.ts';

/**
 * Where batches come from: a `DataLoader`, or anything like it. The batches of an epoch must be a function of the
 * epoch's number, so that training can go on in the middle of one.
 */
export interface DataSource {
  /** Batches per epoch. */
  readonly length: number;
  /** Samples per epoch. */
  readonly size: number;
  /** The batches of an epoch (counted from 0), from batch `start` on. */
  epoch(epoch: number, start?: number): AsyncIterable<Batch>;
  /**
   * Batches from `start` on, as many at a time as `countFor` says for their types, tensors `[count, N, …]`, as far as
   * whole groups of whole batches go: the rest is left to `epoch`. May give the same memory again and again.
   */
  stacks?(
    epoch: number,
    start: number,
    countFor: (types: readonly BatchType[]) => number,
  ): AsyncIterable<Batch>;
  /** Takes a batch back that was used, to write a later one into its memory. */
  recycle?(batch: Batch): void;
}
