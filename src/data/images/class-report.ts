import { DataError } from '#core';
import { formatNumber, formatTable } from '../format-table.ts';
import type { ImageIndex } from './image-index.ts';

export interface ClassCounts {
  readonly name: string;
  readonly images: number;
  /** Distinct groups; a picture without one is its own. */
  readonly groups: number;
  /** Pictures in every fold; empty without folds. */
  readonly perFold: readonly number[];
}

export interface ClassReport {
  /** By label. */
  readonly classes: readonly ClassCounts[];
  readonly images: number;
  readonly groups: number;
  /** Pictures of the largest class for one of the smallest; null when a class has none. */
  readonly imbalance: number | null;
}

/**
 * Counts pictures and groups by class.
 *
 * @param folds [N] fold of each picture, as `imageFolds` gives; those that the data names, when absent
 * @throws DataError for folds of another number of pictures, or far beyond it
 */
export function classReport(
  { items, classes }: ImageIndex,
  { folds }: { readonly folds?: ArrayLike<number> } = {},
): ClassReport {
  if (folds !== undefined && folds.length !== items.length) {
    throw new DataError(
      `classReport: there must be a fold for each of the ${items.length} pictures, but got ${folds.length}. Pass those of imageFolds.`,
    );
  }
  const given =
    folds ?? (items.every(({ fold }) => fold !== undefined) ? items.map(({ fold }) => fold as number) : []);
  const count = countFolds(given);
  const perFold = classes.map(() => new Array<number>(count).fill(0));
  const groups = classes.map(() => new Set<string>());
  for (const [i, { label, group }] of items.entries()) {
    groups[label].add(group === undefined ? `row ${i}` : `group ${group}`);
    if (count > 0) perFold[label][given[i]]++;
  }
  const images = new Array<number>(classes.length).fill(0);
  for (const { label } of items) images[label]++;
  const [largest, smallest] = [Math.max(...images), Math.min(...images)];
  return {
    classes: classes.map((name, k) => ({
      name,
      images: images[k],
      groups: groups[k].size,
      perFold: perFold[k],
    })),
    images: items.length,
    groups: new Set(groups.flatMap((own) => [...own])).size,
    imbalance: smallest === 0 ? null : largest / smallest,
  };
}

/** Folds up to the highest number. A stray number must not make a column for each one below it. */
function countFolds(folds: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < folds.length; i++) {
    if (!(Number.isInteger(folds[i]) && folds[i] >= 0 && folds[i] < Math.max(1000, folds.length))) {
      throw new DataError(
        `classReport: folds must be numbered from 0, at most one for each picture, but got ${folds[i]}. Number them anew.`,
      );
    }
    count = Math.max(count, folds[i] + 1);
  }
  return count;
}

/** A line per class, one of the sums, and the imbalance. */
export function formatClassReport({ classes, images, groups, imbalance }: ClassReport): string {
  const folds = classes[0]?.perFold.map((_, f) => `fold ${f}`) ?? [];
  const row = (name: string, counts: readonly number[]) => [name, ...counts.map(formatNumber)];
  const sums = folds.map((_, f) => classes.reduce((sum, { perFold }) => sum + perFold[f], 0));
  const table = formatTable(
    [
      ['class', 'images', 'groups', ...folds],
      ...classes.map((own) => row(own.name, [own.images, own.groups, ...own.perFold])),
      row('all', [images, groups, ...sums]),
    ],
    { align: ['left', 'right'] },
  );
  const ratio =
    imbalance === null ? 'A class has no picture.' : `Largest to smallest class: ${imbalance.toFixed(1)}.`;
  return `${table}\n${ratio}`;
}
