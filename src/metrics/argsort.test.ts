import fc from 'fast-check';
import { expect, test } from 'vitest';
import { argsort, rankProbabilities } from './argsort.ts';

test('gives the rows in rising order, equal values by row', () => {
  expect(Array.from(argsort([3, -1, 2, -1, 0]))).toEqual([1, 3, 4, 2, 0]);
});

test('gives the rows in falling order, equal values still by row', () => {
  expect(Array.from(argsort([3, -1, 2, -1, 0, 3], { descending: true }))).toEqual([0, 5, 2, 4, 1, 3]);
});

test('takes -0 and 0 for the same value and sorts infinities to the ends', () => {
  const { POSITIVE_INFINITY: infinity } = Number;
  expect(Array.from(argsort([0, -0, infinity, -infinity, -0, 0]))).toEqual([3, 0, 1, 4, 5, 2]);
});

test('sorts nothing and one value', () => {
  expect(Array.from(argsort([]))).toEqual([]);
  expect(Array.from(argsort([7]))).toEqual([0]);
});

test('agrees with a stable comparison sort on any doubles', () => {
  const doubles = fc.array(fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: -3, max: 3 })));
  fc.assert(
    fc.property(doubles, fc.boolean(), (values, descending) => {
      const expected = values
        .map((_, i) => i)
        .sort((a, b) => (values[a] === values[b] ? a - b : values[a] < values[b] === descending ? 1 : -1));
      expect(Array.from(argsort(values, { descending }))).toEqual(expected);
    }),
  );
});

test('deals the common order of a matrix out to its columns', () => {
  // Columns: [.9, .2, .5] and [.1, .8, .5].
  const { all, perClass } = rankProbabilities([0.9, 0.1, 0.2, 0.8, 0.5, 0.5], 2);
  expect(Array.from(all.scores)).toEqual([0.9, 0.8, 0.5, 0.5, 0.2, 0.1]);
  expect(perClass.map(({ rows }) => Array.from(rows))).toEqual([
    [0, 2, 1],
    [1, 2, 0],
  ]);
  expect(perClass.map(({ scores }) => Array.from(scores))).toEqual([
    [0.9, 0.5, 0.2],
    [0.8, 0.5, 0.1],
  ]);
});
