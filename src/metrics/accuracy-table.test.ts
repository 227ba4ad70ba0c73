import { expect, test } from 'vitest';
import { accuracyTable } from './accuracy-table.ts';

// Three rows, classes 0, 1, 1; p of class 1: .2, .5, .8.
const table = accuracyTable([0, 1, 1], [0.8, 0.2, 0.5, 0.5, 0.2, 0.8], ['a', 'b']).data;

test('has a hundred even thresholds from 0 to 1', () => {
  expect(table.probability_thresholds).toHaveLength(100);
  expect(table.probability_thresholds[0]).toBe(0);
  expect(table.probability_thresholds[33]).toBeCloseTo(1 / 3, 14);
  expect(table.probability_thresholds[99]).toBe(1);
});

test('counts p ≥ threshold as positive, class by class', () => {
  const [, ofB] = table.probability_tables;
  // At 0 all three rows are positive: 2 right, 1 wrong.
  expect(ofB[0]).toEqual([2, 1, 0, 0]);
  // At 33/99 rows .5 and .8 are.
  expect(ofB[33]).toEqual([2, 0, 1, 0]);
  // At 66/99 only row .8 is.
  expect(ofB[66]).toEqual([1, 0, 1, 1]);
  // At 1 none is.
  expect(ofB[99]).toEqual([0, 0, 1, 2]);
  expect(table.probability_tables[0][33]).toEqual([1, 1, 1, 0]);
});

test('percentile thresholds run from the least to the greatest of all probabilities', () => {
  // Sorted: .2 .2 .5 .5 .8 .8.
  expect(table.percentile_thresholds[0]).toBe(0.2);
  expect(table.percentile_thresholds[99]).toBe(0.8);
  expect(table.percentile_tables[1][0]).toEqual([2, 1, 0, 0]);
  expect(table.percentile_tables[1][99]).toEqual([1, 0, 1, 1]);
  // A fifth of the way is .2 + (.5 − .2)·(33/99·5 − 1) at m = 33, which is above .2 and at most .5.
  expect(table.percentile_thresholds[33]).toBeCloseTo(0.4, 12);
});

test('sums sample weights', () => {
  const weighted = accuracyTable([0, 1, 1], [0.8, 0.2, 0.5, 0.5, 0.2, 0.8], ['a', 'b'], [5, 2, 3]).data;
  expect(weighted.probability_tables[1][0]).toEqual([5, 5, 0, 0]);
  expect(weighted.probability_tables[1][66]).toEqual([3, 0, 5, 2]);
});

test('fractional weights leave no residue where every row is positive', () => {
  const weights = [0.1, 0.2, 0.3];
  const [, ofB] = accuracyTable([0, 1, 1], [0.8, 0.2, 0.5, 0.5, 0.2, 0.8], ['a', 'b'], weights).data
    .probability_tables;
  expect(ofB[0].slice(2)).toEqual([0, 0]);
  expect(ofB[99].slice(0, 2)).toEqual([0, 0]);
});
