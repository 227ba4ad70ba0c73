import type { Value, Variable } from '../ir/value.ts';
import type { IndexRange } from '../runtime/index-range.ts';

/** What the layers of a model find while their forward pass is being recorded. */
export interface Trace {
  /** Whether layers behave as in training: batch statistics, dropout. */
  readonly training: boolean;
  /** Key (int64 `[2]`: seed, step) of random numbers; without one there is no randomness. */
  readonly key: Value | undefined;
  /** New contents of buffers, to be kept when the graph has run. */
  readonly updates: Map<Variable, Value>;
  /** What inputs that are taken as indices must be. */
  readonly ranges: IndexRange[];
  /** Number of streams of random numbers handed out. */
  streams: number;
}

let current: Trace | undefined;

/** The recording in progress, if any. */
export function currentTrace(): Trace | undefined {
  return current;
}

/**
 * Records what `forward` computes, with the layers in training or evaluation mode.
 * @returns its result, the new contents of buffers, and what inputs must be
 */
export function trace<T>(
  options: { readonly training: boolean; readonly key?: Value },
  forward: () => T,
): { result: T; updates: ReadonlyMap<Variable, Value>; ranges: readonly IndexRange[] } {
  const outer = current;
  const { training, key } = options;
  const recording: Trace = { training, key, updates: new Map(), ranges: [], streams: 0 };
  current = recording;
  try {
    return { result: forward(), updates: recording.updates, ranges: recording.ranges };
  } finally {
    current = outer;
  }
}
