import { ConfigError } from '#core';
import {
  balancedWeights,
  type ImageItem,
  imageFolds,
  resampleClasses,
  type SampleOrder,
  weightedOrder,
} from '#data';
import type { ClassifySettings } from './classify-settings.ts';

/** Which pictures are learnt from and which are validated on, by their positions. */
export interface SelectedRows {
  /** [M]; with resampling a picture may come several times. */
  readonly train: Uint32Array;
  readonly valid: Uint32Array;
  /** Folds that there are; 1 where the pictures to validate on come from another source. */
  readonly folds: number;
  /** Order of the training rows where classes are drawn equally often. */
  readonly order?: SampleOrder;
}

type RowSettings = Pick<ClassifySettings, 'fold' | 'folds' | 'sampling' | 'cap' | 'floor' | 'seed'>;

/**
 * Divides pictures by fold and balances the classes of those to learn from. A recording is in one fold with all its
 * pictures.
 *
 * @param validation positions from which on pictures are validated on, where they come from another source
 * @throws ConfigError for a fold that leaves nothing to learn from or to validate on
 */
export function selectRows(
  items: readonly ImageItem[],
  settings: RowSettings,
  validation: number | undefined,
): SelectedRows {
  const { fold, sampling, cap, floor, seed } = settings;
  const { kept, valid, folds } =
    validation === undefined
      ? divide(items, settings)
      : { kept: span(0, validation), valid: span(validation, items.length), folds: 1 };
  if (kept.length < 2 || valid.length === 0) {
    throw new ConfigError(
      `classify: a fold must leave at least two pictures to learn from and one to validate on, but fold ${fold} leaves ${kept.length} and ${valid.length}. Folds are counted from 0; change fold or folds.`,
      { fold, train: kept.length, valid: valid.length },
    );
  }
  const labels = Uint32Array.from(kept, (row) => items[row].label);
  if (sampling === 'resample') {
    return { train: resampleClasses(labels, { cap, floor, seed }).map((i) => kept[i]), valid, folds };
  }
  if (sampling === 'all') return { train: kept, valid, folds };
  return { train: kept, valid, folds, order: weightedOrder(balancedWeights(labels), kept.length, seed) };
}

function divide(
  items: readonly ImageItem[],
  { fold, folds, seed }: RowSettings,
): { kept: Uint32Array; valid: Uint32Array; folds: number } {
  const given = items.some((item) => item.fold !== undefined);
  if (!given && fold >= folds) {
    throw new ConfigError(
      `classify: fold must be below the number of folds, but got ${fold} of ${folds}. Folds are counted from 0.`,
      { fold, folds },
    );
  }
  const all = imageFolds(items, folds, seed);
  const rows = span(0, items.length);
  return {
    kept: rows.filter((row) => all[row] !== fold),
    valid: rows.filter((row) => all[row] === fold),
    folds: all.reduce((most, each) => Math.max(most, each), 0) + 1,
  };
}

function span(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, i) => from + i);
}

/** [K] rows of each class. */
export function countClasses(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}
