import { ConfigError, Rng } from '#core';
import type { SampleOrder } from '../samples/sample-order.ts';

export interface ResampleClassesOptions {
  /** Most rows of a class, drawn without replacement; 500 when absent. */
  readonly cap?: number;
  /** Fewest rows of a class, the missing ones drawn with replacement; 50 when absent. */
  readonly floor?: number;
  readonly seed: number;
}

/**
 * Rows to learn from, class by class: large classes cut, small ones filled up. All rows of a small class stay.
 * @param labels [N] class of each row
 * @throws ConfigError when not 0 ≤ floor ≤ cap, cap ≥ 1
 */
export function resampleClasses(
  labels: ArrayLike<number>,
  { cap = 500, floor = 50, seed }: ResampleClassesOptions,
): Uint32Array {
  if (!(Number.isInteger(cap) && Number.isInteger(floor) && floor >= 0 && cap >= Math.max(1, floor))) {
    throw new ConfigError(
      `resampleClasses: floor and cap must be whole numbers with 0 ≤ floor ≤ cap, cap ≥ 1, but got ${floor} and ${cap}. Mend them.`,
    );
  }
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const rows = byClass.get(labels[i]) ?? [];
    byClass.set(labels[i], rows);
    rows.push(i);
  }
  const chosen: number[] = [];
  for (const [label, rows] of [...byClass].sort(([a], [b]) => a - b)) {
    const rng = new Rng(seed).fork(`class ${label}`);
    const kept = rows.length > cap ? rng.shuffle([...rows]).slice(0, cap) : rows;
    const extra = Math.max(0, floor - kept.length);
    chosen.push(...kept, ...Array.from({ length: extra }, () => rows[rng.integer(rows.length)]));
  }
  return Uint32Array.from(chosen);
}

/**
 * An order for `DataLoader` that draws samples with replacement, each as often as its weight says.
 * @param weights [N] numbers ≥ 0, not all 0
 * @param length samples per epoch, at least 1
 * @throws ConfigError for other weights and lengths
 */
export function weightedOrder(weights: ArrayLike<number>, length: number, seed: number): SampleOrder {
  if (!(Number.isSafeInteger(length) && length >= 1)) {
    throw new ConfigError(
      `weightedOrder: an epoch must have a whole number of samples, at least 1, but got ${length}. Pass the size of the data.`,
    );
  }
  const sums = new Float64Array(weights.length);
  let total = 0;
  for (let i = 0; i < sums.length; i++) {
    if (!(weights[i] >= 0)) total = Number.NaN;
    total += weights[i];
    sums[i] = total;
  }
  if (!(total > 0 && total < Number.POSITIVE_INFINITY)) {
    throw new ConfigError(
      `weightedOrder: weights must be finite numbers ≥ 0, not all 0, but they sum to ${total}. Mend them.`,
    );
  }
  return {
    length,
    order: (epoch) => {
      const rng = new Rng(seed).fork(`weighted epoch ${epoch}`);
      return Uint32Array.from({ length }, () => upperBound(sums, rng.uniform() * total));
    },
  };
}

/** [N] weights that draw every class equally often. */
export function balancedWeights(labels: ArrayLike<number>): Float64Array {
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  return Float64Array.from({ length: labels.length }, (_, i) => 1 / (counts.get(labels[i]) as number));
}

/** The first place whose sum is above the value: samples of weight 0 are never drawn. */
function upperBound(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
