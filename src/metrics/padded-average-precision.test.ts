import { expect, it } from 'vitest';
import { paddedAveragePrecision } from './padded-average-precision.ts';
import { topKAccuracy } from './top-k-accuracy.ts';

it('averages padded precision over all classes, absent ones too', () => {
  // Class 0: 5 of 6 at the padding's recall, then its row is second: 5/6 + 1/6 · 6/7. Class 1: the same. Class 2: 1.
  const scores = [0.4, 0.6, 0, 0.6, 0.4, 0];
  expect(paddedAveragePrecision([0, 1], scores, 3)).toBeCloseTo((2 * (5 / 6 + 1 / 7) + 1) / 3, 12);
});

it('takes a wrong score of one and the padding as one threshold', () => {
  // Class 1: the padding and row 0 share the score 1: precision 5/6 at recall 1.
  expect(paddedAveragePrecision([0], [0, 1], 2)).toBeCloseTo((5 / 6 + 1 / 6 + 5 / 6) / 2, 12);
});

it('counts rows whose class is among the k best', () => {
  const scores = [0.5, 0.3, 0.2, 0.5, 0.3, 0.2];
  expect([1, 2, 3].map((k) => topKAccuracy([0, 2], scores, 3, k))).toEqual([0.5, 0.5, 1]);
  expect(() => topKAccuracy([0], scores, 3, 1)).toThrow(/row by row/);
});
