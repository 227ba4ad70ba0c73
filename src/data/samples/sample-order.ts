import { DataError, Rng } from '#core';
import { checkIndex } from './dataset.ts';

/** Which samples an epoch goes through, in which order; PyTorch's sampler. */
export interface SampleOrder {
  /** Samples per epoch. */
  readonly length: number;
  /** Indices of the samples of an epoch, counted from 0; the same whenever it is asked for. */
  order(epoch: number): ArrayLike<number>;
}

/** Every sample once, in order. */
export function sequentialOrder(length: number): SampleOrder {
  return { length, order: () => Uint32Array.from({ length }, (_, i) => i) };
}

/** Every sample once, in an order that depends on seed and epoch alone. */
export function shuffledOrder(length: number, seed: number): SampleOrder {
  return { length, order: (epoch) => new Rng(seed).fork(`epoch ${epoch}`).permutation(length) };
}

/** @throws DataError when an order has another length than it says, or samples that are not there */
export function takeOrder(source: SampleOrder, epoch: number, samples: number): Uint32Array {
  const order = source.order(epoch);
  if (order.length !== source.length) {
    throw new DataError(
      `DataLoader: an order must have the length that it tells, but epoch ${epoch} has ${order.length} samples instead of ${source.length}. Change the order or its length.`,
      { epoch, length: source.length },
    );
  }
  for (let i = 0; i < order.length; i++) checkIndex(order[i], samples);
  return order instanceof Uint32Array ? order : Uint32Array.from(order);
}
