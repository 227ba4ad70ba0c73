import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import {
  groupKFold,
  holdOut,
  kFold,
  largestStratifiedFolds,
  monteCarlo,
  predefinedFolds,
  type Split,
  stratifiedGroupKFold,
  stratifiedKFold,
  timeSeriesSplit,
} from './splits.ts';

const seed = fc.integer({ min: 0, max: 1e6 });

function expectPartition(splits: readonly Split[], rows: number): void {
  const held = splits.flatMap((split) => [...split.test]).sort((a, b) => a - b);
  expect(held).toEqual(Array.from({ length: rows }, (_, i) => i));
  for (const split of splits) expectDisjoint(split, rows);
}

function expectDisjoint({ train, test }: Split, rows: number): void {
  expect([...train, ...test].sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i));
  for (const part of [train, test]) expect([...part]).toEqual([...part].sort((a, b) => a - b));
}

function countOf(values: ArrayLike<number>, rows: Uint32Array, value: number): number {
  return [...rows].filter((row) => values[row] === value).length;
}

describe('kFold', () => {
  it('holds every row out once in folds of almost equal size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 2, max: 10 }),
        seed,
        (rows, folds, s) => {
          fc.pre(folds <= rows);
          const splits = kFold(rows, { folds, seed: s });
          expectPartition(splits, rows);
          const sizes = splits.map((split) => split.test.length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('gives the same splits for the same seed and others for another', () => {
    expect(kFold(50, { folds: 5, seed: 1 })).toEqual(kFold(50, { folds: 5, seed: 1 }));
    expect(kFold(50, { folds: 5, seed: 1 })).not.toEqual(kFold(50, { folds: 5, seed: 2 }));
  });

  it('refuses more folds than rows and fewer than two', () => {
    expect(() => kFold(3, { folds: 4, seed: 0 })).toThrow(ConfigError);
    expect(() => kFold(3, { folds: 1, seed: 0 })).toThrow('from 2 to the number of rows (3)');
  });
});

describe('stratifiedKFold', () => {
  it('partitions the rows and spreads each class evenly', () => {
    const classes = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 80 });
    fc.assert(
      fc.property(classes, fc.integer({ min: 2, max: 4 }), seed, (strata, folds, s) => {
        fc.pre(largestStratifiedFolds(strata) >= folds);
        const splits = stratifiedKFold(strata, { folds, seed: s });
        expectPartition(splits, strata.length);
        for (const value of new Set(strata)) {
          const counts = splits.map((split) => countOf(strata, split.test, value));
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('names the class that has too few rows and the most folds that work', () => {
    expect(() => stratifiedKFold([0, 0, 0, 0, 1, 1], { folds: 3, seed: 0 })).toThrow(
      'class 1 has 2 rows for 3 folds. Use at most 2 folds',
    );
  });
});

describe('monteCarlo and holdOut', () => {
  it('hold out the share of every class', () => {
    const strata = Array.from({ length: 100 }, (_, i) => (i < 80 ? 0 : 1));
    const splits = monteCarlo(100, { repeats: 3, share: 0.2, seed: 4, strata });
    expect(splits).toHaveLength(3);
    for (const split of splits) {
      expectDisjoint(split, 100);
      expect([countOf(strata, split.test, 0), countOf(strata, split.test, 1)]).toEqual([16, 4]);
    }
    expect(splits[0]).not.toEqual(splits[1]);
    expect(holdOut(10, { share: 0.3, seed: 0 })[0].test).toHaveLength(3);
  });

  it('refuse a share outside (0, 1)', () => {
    expect(() => holdOut(10, { share: 1, seed: 0 })).toThrow('between 0 and 1');
  });
});

describe('groupKFold', () => {
  it('never lets a group straddle two folds', () => {
    const groups = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 10, maxLength: 60 });
    fc.assert(
      fc.property(groups, fc.integer({ min: 2, max: 3 }), seed, (values, folds, s) => {
        fc.pre(new Set(values).size >= folds);
        const splits = groupKFold(values, { folds, seed: s });
        expectPartition(splits, values.length);
        for (const { train, test } of splits) {
          const held = new Set([...test].map((row) => values[row]));
          expect([...train].some((row) => held.has(values[row]))).toBe(false);
          expect(test.length).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('keeps classes even when groups allow it', () => {
    // Eight groups of two rows, half of them of each class: two of each per fold.
    const groups = Array.from({ length: 16 }, (_, i) => i >> 1);
    const strata = groups.map((group) => group % 2);
    for (const { test } of stratifiedGroupKFold(groups, strata, { folds: 2, seed: 3 })) {
      expect([countOf(strata, test, 0), countOf(strata, test, 1)]).toEqual([4, 4]);
    }
  });
});

describe('timeSeriesSplit', () => {
  it('judges only on rows later than those learned from, and keeps one instant together', () => {
    const times = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 10, maxLength: 60 });
    fc.assert(
      fc.property(times, (values) => {
        fc.pre(new Set(values).size >= 4);
        for (const { train, test } of timeSeriesSplit(values, { folds: 3 })) {
          const last = Math.max(...[...train].map((row) => values[row]));
          expect(Math.min(...[...test].map((row) => values[row]))).toBeGreaterThan(last);
        }
      }),
    );
  });
});

describe('predefinedFolds', () => {
  it('holds out each value once and never rows with a negative one', () => {
    const splits = predefinedFolds([0, 1, 1, -1, 0]);
    expect(splits.map((split) => [...split.test])).toEqual([
      [0, 4],
      [1, 2],
    ]);
    expect([...splits[0].train]).toEqual([1, 2, 3]);
  });

  it('refuses a column that leaves nothing to learn from', () => {
    expect(() => predefinedFolds([3, 3, 3])).toThrow('leave rows to learn from');
  });
});
