import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '#core';
import { labelCounts } from './label-counts.ts';
import { labelMetric } from './label-metrics.ts';
import type { LabelMetricName } from './metric-names.ts';
import { predictWithThreshold } from './predict-labels.ts';
import { tuneThreshold } from './tune-threshold.ts';

const bothColumns = (p: ArrayLike<number>) =>
  Float64Array.from({ length: 2 * p.length }, (_, i) => (i % 2 === 1 ? p[i >> 1] : 1 - p[i >> 1]));

const valueAt = (
  metric: LabelMetricName,
  yTrue: number[],
  p: number[],
  threshold: number,
  weights?: number[],
) => labelMetric(metric, labelCounts(yTrue, predictWithThreshold(bothColumns(p), threshold), 2, weights), 1);

describe('hand-worked', () => {
  test('takes the middle between the scores it separates', () => {
    // Thresholds in (.25, .5] make no mistake.
    const tuned = tuneThreshold('accuracy', [0, 0, 1, 1], [0.125, 0.25, 0.5, 0.75]);
    expect(tuned).toEqual({ threshold: 0.375, value: 1, defaultValue: 1 });
  });

  test('reports what 0.5 is worth', () => {
    const tuned = tuneThreshold('balanced_accuracy', [0, 0, 0, 1], [0.125, 0.125, 0.125, 0.25]);
    expect(tuned).toEqual({ threshold: 0.1875, value: 1, defaultValue: 0.5 });
  });

  test('of equally good intervals the widest is taken', () => {
    // Accuracy by interval, from the top: 2/4; (.75, .875] 3/4; (.25, .75] 2/4; (.125, .25] 3/4; 2/4.
    const labels = [1, 0, 1, 0];
    expect(tuneThreshold('accuracy', labels, [0.875, 0.75, 0.25, 0.125]).threshold).toBe(0.8125);
    // With the second row lower, (.625, .875] is the wider one.
    expect(tuneThreshold('accuracy', labels, [0.875, 0.625, 0.25, 0.125])).toMatchObject({
      threshold: 0.75,
      value: 0.75,
    });
  });

  test('a plateau over several scores is taken in its middle', () => {
    // The rows between .125 and .875 weigh nothing, so every threshold in (.125, .875] is perfect.
    const weights = [1, 0, 0, 1];
    const tuned = tuneThreshold('accuracy', [0, 1, 0, 1], [0.125, 0.25, 0.375, 0.875], { weights });
    expect(tuned).toEqual({ threshold: 0.5, value: 1, defaultValue: 1 });
  });

  test('can be best to predict one class only', () => {
    // Scores turned around: accuracy 3/4 at best, by never predicting 1.
    const never = tuneThreshold('accuracy', [0, 0, 0, 1], [0.75, 0.5, 0.5, 0.25]);
    expect(never).toEqual({ threshold: 0.875, value: 0.75, defaultValue: 0 });
    const always = tuneThreshold('accuracy', [1, 1, 1, 0], [0.25, 0.5, 0.5, 0.75]);
    expect(always).toEqual({ threshold: 0.125, value: 0.75, defaultValue: 0.5 });
  });

  test('a threshold above 1 where even a sure row should not be predicted', () => {
    const tuned = tuneThreshold('accuracy', [0, 0, 1], [1, 1, 0]);
    expect(tuned.threshold).toBeGreaterThan(1);
    expect(Array.from(predictWithThreshold(bothColumns([1, 1, 0]), tuned.threshold))).toEqual([0, 0, 0]);
  });

  test('weights move the optimum', () => {
    const labels = [0, 1, 0, 1];
    const scores = [0.125, 0.25, 0.5, 0.75];
    expect(tuneThreshold('accuracy', labels, scores, { weights: [1, 1, 9, 1] }).threshold).toBe(0.625);
    expect(tuneThreshold('accuracy', labels, scores, { weights: [1, 9, 1, 1] }).threshold).toBe(0.1875);
  });

  test('F1 of class 0 is tuned on the probability of class 1', () => {
    const tuned = tuneThreshold('f1_score_binary', [0, 0, 1], [0.125, 0.75, 0.875], { positiveClass: 0 });
    expect(tuned.value).toBe(1);
    expect(tuned.threshold).toBe(0.8125);
  });
});

test('neighbouring float32 scores are separated', () => {
  const a = Math.fround(0.3);
  const b = Math.fround(a + 2 ** -25);
  expect(b).toBeGreaterThan(a);
  const { threshold, value } = tuneThreshold('accuracy', [0, 1], [a, b]);
  expect(value).toBe(1);
  expect(threshold).toBe(b);
});

test('scores that agree in float32 count as equal, as they do in the exported model', () => {
  expect(tuneThreshold('accuracy', [0, 1], [0.3, 0.3 + 1e-12]).value).toBe(0.5);
});

test('is never beaten by any threshold, and its value is what prediction with it gives', () => {
  const rows = fc.array(
    fc.record({
      y: fc.integer({ min: 0, max: 1 }),
      p: fc.oneof(
        fc.integer({ min: 0, max: 10 }).map((n) => n / 10),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
      weight: fc.constantFrom(1, 2, 0.1, 1 / 3, 0.7),
    }),
    { minLength: 1, maxLength: 20 },
  );
  const metrics = fc.constantFrom<LabelMetricName>(
    'accuracy',
    'norm_macro_recall',
    'balanced_accuracy',
    'f1_score_macro',
    'f1_score_binary',
    'matthews_correlation',
    'precision_score_weighted',
    'weighted_accuracy',
  );
  fc.assert(
    fc.property(rows, metrics, (table, metric) => {
      const yTrue = table.map((row) => row.y);
      const p = table.map((row) => row.p);
      const weights = table.map((row) => row.weight);
      const tuned = tuneThreshold(metric, yTrue, p, { weights });
      expect(Math.fround(tuned.threshold)).toBe(tuned.threshold);
      expect(valueAt(metric, yTrue, p, tuned.threshold, weights)).toBeCloseTo(tuned.value, 12);
      expect(valueAt(metric, yTrue, p, 0.5, weights)).toBeCloseTo(tuned.defaultValue, 12);
      for (const threshold of [0, ...p, 1.5]) {
        expect(valueAt(metric, yTrue, p, threshold, weights)).toBeLessThanOrEqual(tuned.value + 1e-12);
      }
    }),
    { numRuns: 200 },
  );
});

test('finds the prior as the best threshold for recall of calibrated probabilities', () => {
  // For calibrated scores, balanced accuracy is best where p equals the share of positives.
  const rng = new Rng(11);
  const p = Float64Array.from({ length: 20_000 }, () => 0.4 * rng.uniform() ** 2);
  const yTrue = p.map((score) => (rng.uniform() < score ? 1 : 0));
  const prior = yTrue.reduce((a, b) => a + b) / p.length;
  const tuned = tuneThreshold('norm_macro_recall', yTrue, p);
  expect(Math.abs(tuned.threshold - prior)).toBeLessThan(0.03);
  expect(tuned.value).toBeGreaterThan(tuned.defaultValue + 0.2);
});

test('bad input is refused', () => {
  expect(() => tuneThreshold('AUC_weighted', [0, 1], [0.1, 0.2])).toThrow(
    'tuneThreshold: the metric must depend on predicted labels, but got AUC_weighted. ' +
      'Choose one of accuracy, weighted_accuracy, balanced_accuracy, norm_macro_recall, matthews_correlation, …',
  );
  expect(() => tuneThreshold('accuracy', [], [])).toThrow(/must be rows/);
  expect(() => tuneThreshold('accuracy', [0, 2], [0.1, 0.2])).toThrow(/class indices 0 … 1, but got 2/);
  expect(() => tuneThreshold('accuracy', [0, 1], [0.1, Number.NaN])).toThrow(/got NaN in row 2/);
  expect(() => tuneThreshold('accuracy', [0, 1], [0.1])).toThrow(/must have 2 entries/);
});
