import { DataError } from '#core';
import {
  type Column,
  groupKFold,
  holdOut,
  kFold,
  monteCarlo,
  predefinedFolds,
  stratifiedGroupKFold,
  stratifiedKFold,
  timeSeriesSplit,
} from '#data';
import type { ValidationOption } from './automl-options.ts';
import type { Fold } from './trial-job.ts';
import type { FoldData } from './validation.ts';

export const MAX_FOLDS = 50;

/** A way to validate with every default filled in. */
export type FoldRule = Required<Exclude<ValidationOption, { kind: 'auto' }>>;

/**
 * Carries a way to validate out; stratified by class wherever the rows are dealt at random.
 *
 * @throws DataError for a column that gives no folds, ConfigError for more folds than groups or times
 */
export function makeFolds(rule: FoldRule, data: FoldData): Fold[] {
  const { y, classes, seed, table } = data;
  const strata = classes > 0 ? { strata: y } : {};
  switch (rule.kind) {
    case 'k-fold': {
      const { folds } = rule;
      const merged = classes > 0 ? mergeRareClasses(data, folds) : undefined;
      return asFolds(
        merged === undefined ? kFold(y.length, { folds, seed }) : stratifiedKFold(merged, { folds, seed }),
      );
    }
    case 'hold-out':
      return asFolds(holdOut(y.length, { share: rule.share, seed, ...strata }));
    case 'monte-carlo':
      return asFolds(monteCarlo(y.length, { share: rule.share, repeats: rule.repeats, seed, ...strata }));
    case 'given':
      return [
        {
          train: Uint32Array.from({ length: data.trainingRows }, (_, i) => i),
          validation: Uint32Array.from(
            { length: y.length - data.trainingRows },
            (_, i) => data.trainingRows + i,
          ),
        },
      ];
    case 'fold-column':
      return asFolds(predefinedFolds(foldNumbers(table.column(rule.column))));
    case 'group': {
      const groups = groupsOf(table.column(rule.column));
      const { folds } = rule;
      return asFolds(
        classes > 0 ? stratifiedGroupKFold(groups, y, { folds, seed }) : groupKFold(groups, { folds, seed }),
      );
    }
    case 'time':
      return asFolds(timeSeriesSplit(timesOf(table.column(rule.column)), { folds: rule.folds }));
  }
}

function asFolds(splits: readonly { readonly train: Uint32Array; readonly test: Uint32Array }[]): Fold[] {
  return splits.map(({ train, test }) => ({ train, validation: test }));
}

/**
 * Classes as strata, those with fewer rows than folds taken together: their rows are spread over as many folds as
 * they go. When even together they are too few, they are dealt with the largest class.
 * @returns `undefined` when there are no strata to speak of
 */
function mergeRareClasses({ y, classCounts }: FoldData, folds: number): Float64Array | undefined {
  const isRare = (k: number) => classCounts[k] < folds;
  let rareRows = 0;
  let largest = 0;
  for (const [k, count] of classCounts.entries()) {
    if (isRare(k)) rareRows += count;
    if (count > classCounts[largest]) largest = k;
  }
  if (isRare(largest)) return rareRows < folds ? undefined : y.map(() => 0);
  const together = rareRows >= folds ? classCounts.length : largest;
  return y.map((k) => (isRare(k) ? together : k));
}

/** Fold numbers of a column; missing ones are −1, rows that are never held out. */
function foldNumbers(column: Column): ArrayLike<number> {
  const numbers =
    column.kind === 'string'
      ? column.codes
      : column.values.map((value) => (Number.isNaN(value) ? -1 : value));
  const distinct = new Set(numbers);
  if (distinct.size <= MAX_FOLDS + 1) return numbers;
  throw new DataError(
    `automl: a fold column may name up to ${MAX_FOLDS} folds, but "${column.name}" has ${distinct.size} values. Name ` +
      'another column; for groups of rows use a group column.',
    { column: column.name },
  );
}

/** Rows without a group are a group of their own each. */
function groupsOf(column: Column): Float64Array {
  const known = new Map<number, number>();
  let next = 0;
  return Float64Array.from(column.kind === 'string' ? column.codes : column.values, (value) => {
    if (Number.isNaN(value) || (column.kind === 'string' && value < 0)) return next++;
    const group = known.get(value) ?? next++;
    known.set(value, group);
    return group;
  });
}

function timesOf(column: Column): Float64Array {
  if (column.kind === 'string') {
    throw new DataError(
      `automl: the time column must hold dates or numbers, but "${column.name}" holds text. Write dates as ` +
        'YYYY-MM-DD, or name another column.',
      { column: column.name },
    );
  }
  const missing = column.values.findIndex((value) => Number.isNaN(value));
  if (missing >= 0) {
    throw new DataError(
      `automl: every row must have a time, but row ${missing + 1} of "${column.name}" has none. Fill it in or remove ` +
        'the row.',
      { column: column.name, row: missing + 1 },
    );
  }
  return column.values;
}
