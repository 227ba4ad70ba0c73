import { expect, test } from 'vitest';
import { ConfigError, Rng } from '#core';
import { averageFolds } from './average-folds.ts';
import { classificationMetrics } from './classification-metrics.ts';
import { regressionMetrics } from './regression-metrics.ts';

const left = classificationMetrics({
  yTrue: [0, 1, 1],
  probabilities: [0.9, 0.1, 0.2, 0.8, 0.7, 0.3],
  classes: 2,
});
const right = classificationMetrics({ yTrue: [0, 1], probabilities: [0.6, 0.4, 0.1, 0.9], classes: 2 });
const oneClass = classificationMetrics({ yTrue: [1], probabilities: [0.4, 0.6], classes: 2 });

test('scalars are the mean of the folds, each fold counting once', () => {
  // Accuracies 2/3 and 1.
  expect(averageFolds([left, right]).scalars.accuracy).toBeCloseTo(5 / 6, 14);
});

test('folds in which a scalar is undefined are left out of its mean', () => {
  expect(oneClass.scalars.AUC_macro).toBeNaN();
  expect(averageFolds([left, oneClass]).scalars.AUC_macro).toBe(left.scalars.AUC_macro);
  expect(averageFolds([oneClass, oneClass]).scalars.AUC_macro).toBeNaN();
});

test('matrices and tables are summed, percentile thresholds averaged', () => {
  const { confusion_matrix, accuracy_table } = averageFolds([left, right]);
  expect(confusion_matrix.data.matrix).toEqual([
    [2, 0],
    [1, 2],
  ]);
  expect(accuracy_table.data.probability_tables[1][0]).toEqual([3, 2, 0, 0]);
  expect(accuracy_table.data.probability_thresholds).toEqual(left.accuracy_table.data.probability_thresholds);
  // Least probabilities .1 and .1, greatest .9 and .9.
  expect(accuracy_table.data.percentile_thresholds[0]).toBeCloseTo(0.1, 14);
  expect(accuracy_table.data.percentile_thresholds[99]).toBeCloseTo(0.9, 14);
});

test('regression documents pool to those of all rows together', () => {
  const rng = new Rng(5);
  const yTrue = Float64Array.from({ length: 60 }, () => rng.normal() * 3);
  const predictions = yTrue.map((y) => 0.5 * y + rng.normal());
  const settings = { range: { min: Math.min(...yTrue), max: Math.max(...yTrue) }, standardDeviation: 0.5 };
  const part = (from: number, to: number) =>
    regressionMetrics({
      yTrue: yTrue.subarray(from, to),
      predictions: predictions.subarray(from, to),
      ...settings,
    });
  const whole = part(0, 60);
  const pooled = averageFolds([part(0, 13), part(13, 40), part(40, 60)]);
  const close = (actual: readonly number[], expected: readonly number[]) => {
    expect(actual).toHaveLength(expected.length);
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 10);
    });
  };
  close(pooled.residuals.data.bin_edges, whole.residuals.data.bin_edges);
  expect(pooled.residuals.data.bin_counts).toEqual(whole.residuals.data.bin_counts);
  expect(pooled.residuals.data.mean).toBeCloseTo(whole.residuals.data.mean, 12);
  expect(pooled.residuals.data.stddev).toBeCloseTo(whole.residuals.data.stddev, 12);
  expect(pooled.residuals.data.res_count).toBe(60);
  expect(pooled.predicted_true.data.bin_counts).toEqual(whole.predicted_true.data.bin_counts);
  close(pooled.predicted_true.data.bin_averages, whole.predicted_true.data.bin_averages);
  close(pooled.predicted_true.data.bin_errors, whole.predicted_true.data.bin_errors);
});

test('one fold is its own average', () => {
  expect(averageFolds([left])).toEqual(left);
});

test('folds that do not fit together are refused', () => {
  expect(() => averageFolds([])).toThrow(ConfigError);
  const other = classificationMetrics({
    yTrue: [0, 1],
    probabilities: [0.6, 0.4, 0.1, 0.9],
    classes: 2,
    classLabels: ['no', 'yes'],
  });
  expect(() => averageFolds([left, other])).toThrow(
    'averageFolds: the class labels must be the same in all folds, but got [0,1] in fold 1 and [no,yes] in fold 2. ' +
      'Compute every fold with the settings of the whole data.',
  );
  const a = regressionMetrics({ yTrue: [1, 2], predictions: [1, 2] });
  const b = regressionMetrics({ yTrue: [1, 5], predictions: [1, 2] });
  expect(() => averageFolds([a, b])).toThrow(/bins of the residuals must be the same/);
  expect(() => averageFolds([left, a])).toThrow(/must be of one task/);
});
