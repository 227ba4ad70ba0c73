import { expect, test } from 'vitest';
import { logLoss } from './log-loss.ts';

test('is the mean of −ln of the probability of the true class', () => {
  // (−ln .5 − ln .8) / 2
  expect(logLoss([0, 1], [0.5, 0.5, 0.2, 0.8], 2)).toBeCloseTo((Math.LN2 - Math.log(0.8)) / 2, 14);
});

test('weights rows', () => {
  expect(logLoss([0, 1], [0.5, 0.5, 0.2, 0.8], 2, [3, 1])).toBeCloseTo(
    (3 * Math.LN2 - Math.log(0.8)) / 4,
    14,
  );
});

test('divides every row by its sum', () => {
  // 2/10 of .2 + .3 + .5 = 1; here .1 of .5 in all.
  expect(logLoss([0], [0.1, 0.15, 0.25], 3)).toBeCloseTo(-Math.log(0.2), 14);
});

test('a certain and wrong prediction costs 52 ln 2, not infinity', () => {
  expect(logLoss([0], [0, 1], 2)).toBeCloseTo(52 * Math.LN2, 12);
  expect(logLoss([1], [0, 1], 2)).toBeCloseTo(0, 14);
});

test('refuses NaN', () => {
  expect(() => logLoss([0], [Number.NaN, 1], 2)).toThrow(/got NaN in row 1, class 0/);
});
