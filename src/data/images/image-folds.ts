import { DataError } from '#core';
import { stratifiedGroupKFold } from '../splits.ts';
import type { ImageItem } from './image-index.ts';

/**
 * Fold of each row, 0 … k − 1: no group in two folds, classes as even as the groups allow.
 *
 * @param labels [N] class of each row
 * @param groups [N] group of each row; each row its own when absent
 * @param k number of folds, 2 … groups
 * @throws ConfigError for a k that there are not enough groups for
 */
export function stratifiedGroupFolds(
  labels: ArrayLike<number>,
  groups: readonly string[] | undefined,
  k: number,
  seed: number,
): Uint32Array {
  const numbers = new Map<string, number>();
  const byRow = Uint32Array.from({ length: labels.length }, (_, i) => {
    if (groups === undefined) return i;
    if (!numbers.has(groups[i])) numbers.set(groups[i], numbers.size);
    return numbers.get(groups[i]) as number;
  });
  const fold = new Uint32Array(labels.length);
  for (const [f, { test }] of stratifiedGroupKFold(byRow, labels, { folds: k, seed }).entries())
    for (const row of test) fold[row] = f;
  return fold;
}

/**
 * The folds that the data names, or stratified ones by group; a picture without a group is its own.
 * @throws DataError when some pictures have a fold and others none
 */
export function imageFolds(items: readonly ImageItem[], k: number, seed: number): Uint32Array {
  const given = items.filter(({ fold }) => fold !== undefined).length;
  if (given > 0 && given < items.length) {
    throw new DataError(
      `imageFolds: all pictures must have a fold or none, but ${given} of ${items.length} have one. Fill or drop the column fold.`,
    );
  }
  if (given > 0) return Uint32Array.from(items, ({ fold }) => fold as number);
  const groups = items.map(({ group }, i) => (group === undefined ? `row ${i}` : `group ${group}`));
  return stratifiedGroupFolds(
    Uint32Array.from(items, ({ label }) => label),
    groups,
    k,
    seed,
  );
}
