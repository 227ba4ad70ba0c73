import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Rng } from '#core';
import { labelCounts } from './label-counts.ts';
import { labelMetric } from './label-metrics.ts';
import type { LabelMetricName } from './metric-names.ts';
import { predictWithClassWeights } from './predict-labels.ts';
import { tuneClassWeights } from './tune-class-weights.ts';
import { tuneThreshold } from './tune-threshold.ts';

/** Rows of K classes with falling priors whose probabilities are the true ones. */
function calibrated(rows: number, classes: number, seed: number) {
  const rng = new Rng(seed);
  const yTrue = new Int32Array(rows);
  const probabilities = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    let total = 0;
    for (let k = 0; k < classes; k++) {
      const strength = Math.exp(rng.normal() - 1.5 * k);
      probabilities[i * classes + k] = strength;
      total += strength;
    }
    let left = rng.uniform();
    for (let k = 0; k < classes; k++) {
      probabilities[i * classes + k] /= total;
      if (left >= 0) yTrue[i] = k;
      left -= probabilities[i * classes + k];
    }
  }
  return { yTrue, probabilities };
}

test('lifts a rare class that argmax never predicts', () => {
  // Class 1 always has .3, but in its own row class 0 has only .35 against .6 and .65 elsewhere.
  const probabilities = [0.65, 0.3, 0.05, 0.35, 0.3, 0.35, 0.1, 0.3, 0.6];
  const tuned = tuneClassWeights('accuracy', [0, 1, 2], probabilities, 3);
  expect(tuned.defaultValue).toBeCloseTo(2 / 3, 14);
  expect(tuned.value).toBe(1);
  expect(Array.from(predictWithClassWeights(probabilities, tuned.classWeights))).toEqual([0, 1, 2]);
});

test('helps macro recall of several classes much, on new rows too', () => {
  const train = calibrated(4000, 4, 1);
  const fresh = calibrated(4000, 4, 2);
  const tuned = tuneClassWeights('norm_macro_recall', train.yTrue, train.probabilities, 4);
  const score = (weights: ArrayLike<number>) =>
    labelMetric(
      'norm_macro_recall',
      labelCounts(fresh.yTrue, predictWithClassWeights(fresh.probabilities, weights), 4),
    );
  expect(tuned.value).toBeGreaterThan(tuned.defaultValue + 0.1);
  expect(score(tuned.classWeights)).toBeGreaterThan(score([1, 1, 1, 1]) + 0.1);
});

test('with two classes it finds what the threshold search finds', () => {
  const { yTrue, probabilities } = calibrated(3000, 2, 3);
  const positive = Float64Array.from({ length: 3000 }, (_, i) => probabilities[2 * i + 1]);
  for (const metric of ['balanced_accuracy', 'f1_score_macro', 'matthews_correlation']) {
    const byWeights = tuneClassWeights(metric, yTrue, probabilities, 2);
    const byThreshold = tuneThreshold(metric, yTrue, positive);
    expect(byWeights.value, metric).toBeCloseTo(byThreshold.value, 6);
  }
});

test('is never worse than no weights, and its value is what prediction with it gives', () => {
  const rows = fc.array(
    fc.record({
      y: fc.integer({ min: 0, max: 2 }),
      p: fc.tuple(
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
      ),
      weight: fc.constantFrom(1, 2, 0.1, 1 / 3, 0.7),
    }),
    { minLength: 1, maxLength: 25 },
  );
  const metrics = fc.constantFrom<LabelMetricName>(
    'accuracy',
    'norm_macro_recall',
    'f1_score_macro',
    'matthews_correlation',
    'precision_score_macro',
  );
  fc.assert(
    fc.property(rows, metrics, (table, metric) => {
      const yTrue = table.map((row) => row.y);
      const probabilities = table.flatMap(({ p }) => p.map((part) => part / (p[0] + p[1] + p[2])));
      const weights = table.map((row) => row.weight);
      const tuned = tuneClassWeights(metric, yTrue, probabilities, 3, { weights });
      expect(tuned.value).toBeGreaterThanOrEqual(tuned.defaultValue);
      for (const weight of tuned.classWeights) {
        expect(weight).toBeGreaterThan(0);
        expect(Math.fround(weight)).toBe(weight);
      }
      const predicted = predictWithClassWeights(probabilities, tuned.classWeights);
      expect(labelMetric(metric, labelCounts(yTrue, predicted, 3, weights))).toBeCloseTo(tuned.value, 12);
    }),
    { numRuns: 150 },
  );
});

test('leaves perfect predictions alone', () => {
  const tuned = tuneClassWeights('accuracy', [0, 1], [0.9, 0.1, 0.2, 0.8], 2);
  expect(Array.from(tuned.classWeights)).toEqual([1, 1]);
  expect(tuned.value).toBe(1);
});

test('bad input is refused', () => {
  expect(() => tuneClassWeights('log_loss', [0], [1, 0], 2)).toThrow(/must depend on predicted labels/);
  expect(() => tuneClassWeights('accuracy', [0], new Float64Array(21), 21)).toThrow(
    'tuneClassWeights: there must be 2 … 20 classes, but got 21. Leave the predictions as they are.',
  );
  expect(() => tuneClassWeights('accuracy', [0], [Number.NaN, 1], 2)).toThrow(/got NaN in row 1/);
});
