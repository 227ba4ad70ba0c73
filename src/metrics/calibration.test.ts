import { describe, expect, test } from 'vitest';
import { Rng } from '#core';
import { brierScore, calibrationCurve, expectedCalibrationError } from './calibration.ts';

// Confidences .9 (right), .8 (wrong), .6 (right), .6 (right) of two classes.
const yTrue = [0, 0, 1, 0];
const probabilities = [0.9, 0.1, 0.2, 0.8, 0.4, 0.6, 0.6, 0.4];

test('the curve bins rows by the probability of the predicted class', () => {
  // Bins of a fifth: (.4, .6] has two rows, (.6, .8] one, (.8, 1] one.
  const curve = calibrationCurve(yTrue, probabilities, 2, { bins: 5 });
  expect(curve.map((bin) => bin.count)).toEqual([0, 0, 2, 1, 1]);
  expect(curve[2]).toMatchObject({ low: 0.4, high: 0.6, accuracy: 1 });
  expect(curve[2].confidence).toBeCloseTo(0.6, 14);
  expect(curve[3].accuracy).toBe(0);
  expect(curve[0].confidence).toBeNaN();
});

test('the expected calibration error weighs the gaps by rows', () => {
  // 2/4·|1 − .6| + 1/4·|0 − .8| + 1/4·|1 − .9| = .2 + .2 + .025
  expect(expectedCalibrationError(yTrue, probabilities, 2, { bins: 5 })).toBeCloseTo(0.425, 12);
});

test('calibrated probabilities have an error near 0, overconfident ones not', () => {
  const rng = new Rng(9);
  const p = Float64Array.from({ length: 20_000 }, () => rng.uniform());
  const labels = p.map((score) => (rng.uniform() < score ? 1 : 0));
  const both = (of: (score: number) => number) =>
    Float64Array.from({ length: 40_000 }, (_, i) => (i % 2 === 1 ? of(p[i >> 1]) : 1 - of(p[i >> 1])));
  expect(
    expectedCalibrationError(
      labels,
      both((score) => score),
      2,
    ),
  ).toBeLessThan(0.02);
  expect(
    expectedCalibrationError(
      labels,
      both((score) => (score < 0.5 ? 0 : 1)),
      2,
    ),
  ).toBeGreaterThan(0.2);
});

describe('the Brier score', () => {
  test('sums squared errors over the classes', () => {
    // Rows: 2·.01, 2·.64, 2·.16, 2·.16; mean 1.94 / 4
    expect(brierScore(yTrue, probabilities, 2)).toBeCloseTo(1.94 / 4, 14);
  });

  test('is 0 for certain and right, 2 for certain and wrong', () => {
    expect(brierScore([0], [1, 0, 0], 3)).toBe(0);
    expect(brierScore([0], [0, 0, 1], 3)).toBe(2);
  });
});

test('bad input is refused', () => {
  expect(() => calibrationCurve(yTrue, probabilities, 2, { bins: 0 })).toThrow(
    /bins must be a whole number ≥ 1/,
  );
  expect(() => brierScore([0], [Number.NaN, 1], 2)).toThrow(/got NaN in row 1/);
});
