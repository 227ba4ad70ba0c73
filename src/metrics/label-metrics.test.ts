import { describe, expect, test } from 'vitest';
import { ConfigError, DataError, ShapeError } from '#core';
import { confusionMatrix, countsOfMatrix, labelCounts } from './label-counts.ts';
import {
  accuracy,
  balancedAccuracy,
  f1Score,
  matthewsCorrelation,
  normMacroRecall,
  precisionScore,
  recallScore,
  weightedAccuracy,
} from './label-metrics.ts';

/**
 * Ten rows of three classes, matrix rows = true:
 *   0: [4 1 0]   n_0 = 5
 *   1: [1 2 0]   n_1 = 3
 *   2: [0 1 1]   n_2 = 2
 * predicted:     p = 5, 4, 1; right: 4 + 2 + 1 = 7 of 10.
 */
const three = countsOfMatrix(Float64Array.of(4, 1, 0, 1, 2, 0, 0, 1, 1), 3);

describe('hand-worked values of three classes', () => {
  test('accuracy is 7 / 10', () => {
    expect(accuracy(three)).toBeCloseTo(0.7, 14);
  });

  test('weighted accuracy weights rows by the size of their class', () => {
    // (5·4 + 3·2 + 2·1) / (25 + 9 + 4) = 28 / 38
    expect(weightedAccuracy(three)).toBeCloseTo(28 / 38, 14);
  });

  test('balanced accuracy is the mean recall, and its norm is above chance', () => {
    // recalls 4/5, 2/3, 1/2; mean 59/90; (59/90 − 1/3) / (2/3) = 29/60
    expect(balancedAccuracy(three)).toBeCloseTo(59 / 90, 14);
    expect(recallScore(three, 'macro')).toBe(balancedAccuracy(three));
    expect(normMacroRecall(three)).toBeCloseTo(29 / 60, 14);
  });

  test('precision is averaged in four ways', () => {
    // precisions 4/5, 2/4, 1/1; weighted (5·.8 + 3·.5 + 2·1) / 10 = .75
    expect(precisionScore(three, 'macro')).toBeCloseTo(2.3 / 3, 14);
    expect(precisionScore(three, 'weighted')).toBeCloseTo(0.75, 14);
    expect(precisionScore(three, 'micro')).toBeCloseTo(0.7, 14);
    expect(precisionScore(three, 'binary', 1)).toBe(0.5);
  });

  test('recall is averaged in four ways', () => {
    // weighted (5·4/5 + 3·2/3 + 2·1/2) / 10 = accuracy
    expect(recallScore(three, 'weighted')).toBeCloseTo(0.7, 14);
    expect(recallScore(three, 'micro')).toBeCloseTo(0.7, 14);
    expect(recallScore(three, 'binary', 2)).toBe(0.5);
  });

  test('F1 is averaged in four ways', () => {
    // 2c/(n + p): 8/10, 4/7, 2/3; macro (.8 + 4/7 + 2/3)/3; weighted (5·.8 + 3·4/7 + 2·2/3)/10
    expect(f1Score(three, 'macro')).toBeCloseTo((0.8 + 4 / 7 + 2 / 3) / 3, 14);
    expect(f1Score(three, 'weighted')).toBeCloseTo((4 + 12 / 7 + 4 / 3) / 10, 14);
    expect(f1Score(three, 'micro')).toBeCloseTo(0.7, 14);
    expect(f1Score(three, 'binary', 0)).toBeCloseTo(0.8, 14);
  });

  test('Matthews correlation', () => {
    // c·N − Σ n p = 70 − (25 + 12 + 2) = 31; (100 − 42)(100 − 38) = 3596
    expect(matthewsCorrelation(three)).toBeCloseTo(31 / Math.sqrt(3596), 14);
  });
});

test('Matthews correlation of two classes is the fourfold formula', () => {
  // tp 6, fp 1, fn 2, tn 3: (6·3 − 1·2) / √(7·8·4·5)
  const two = countsOfMatrix(Float64Array.of(3, 1, 2, 6), 2);
  expect(matthewsCorrelation(two)).toBeCloseTo(16 / Math.sqrt(1120), 14);
});

test('a predictor of one class has Matthews correlation 0 and chance recall', () => {
  const constant = countsOfMatrix(Float64Array.of(8, 0, 2, 0), 2);
  expect(matthewsCorrelation(constant)).toBe(0);
  expect(balancedAccuracy(constant)).toBe(0.5);
  expect(normMacroRecall(constant)).toBe(0);
  // Precision of the class never predicted is 0: (8/10 + 0) / 2.
  expect(precisionScore(constant, 'macro')).toBe(0.4);
});

test('worse than chance has norm_macro_recall 0 and a negative Matthews correlation', () => {
  const wrong = countsOfMatrix(Float64Array.of(1, 4, 3, 2), 2);
  expect(normMacroRecall(wrong)).toBe(0);
  expect(matthewsCorrelation(wrong)).toBeLessThan(0);
});

test('a class neither seen nor predicted is left out, one only predicted counts as 0', () => {
  const neither = countsOfMatrix(Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, 0), 3);
  expect(recallScore(neither, 'macro')).toBe(1);
  expect(normMacroRecall(neither)).toBe(1);
  // Class 2 has no rows but one prediction: recalls 1/2, 1, 0.
  const predictedOnly = countsOfMatrix(Float64Array.of(1, 0, 1, 0, 2, 0, 0, 0, 0), 3);
  expect(recallScore(predictedOnly, 'macro')).toBe(0.5);
  expect(f1Score(predictedOnly, 'weighted')).toBeCloseTo((2 * (2 / 3) + 2 * 1) / 4, 14);
});

test('one class of all rows: everything right, chance undefined', () => {
  const one = countsOfMatrix(Float64Array.of(5), 1);
  expect(accuracy(one)).toBe(1);
  expect(normMacroRecall(one)).toBeNaN();
});

describe('the seed runs on the 3,295 hold-out rows', () => {
  test('the majority predictor of run 000_11: accuracy .888 and weighted_accuracy .984', () => {
    // 2,926 of 3,295 rows are of the larger class: 2926/3295 = .8880121396…
    const majority = countsOfMatrix(Float64Array.of(2926, 0, 369, 0), 2);
    expect(accuracy(majority)).toBeCloseTo(0.8880121396054628, 15);
    // 2926² / (2926² + 369²)
    expect(weightedAccuracy(majority)).toBeCloseTo(0.9843450583187134, 15);
    expect(recallScore(majority, 'macro')).toBe(0.5);
    expect(precisionScore(majority, 'weighted')).toBeCloseTo(0.788565560086672, 14);
  });

  test('the most accurate run 000_61 is the matrix [[2818, 108], [174, 195]]', () => {
    // Its accuracy and recall fix the matrix: tn + tp = 3013, tn/2926 + tp/369 = 2 · .745772…
    const run = countsOfMatrix(Float64Array.of(2818, 108, 174, 195), 2);
    expect(accuracy(run)).toBeCloseTo(0.9144157814871017, 15);
    expect(recallScore(run, 'macro')).toBeCloseTo(0.745772413294878, 14);
    expect(weightedAccuracy(run)).toBeCloseTo(0.9562853680833082, 14);
    expect(precisionScore(run, 'weighted')).toBeCloseTo(0.9084411176992018, 14);
    expect(normMacroRecall(run)).toBeCloseTo(0.491545, 6);
    expect(f1Score(run, 'macro')).toBeCloseTo(0.766353, 6);
    expect(f1Score(run, 'weighted')).toBeCloseTo(0.91069, 6);
    expect(precisionScore(run, 'macro')).toBeCloseTo(0.792705, 6);
  });
});

describe('counting', () => {
  test('rows are true classes, columns predicted ones, cells sums of weights', () => {
    const yTrue = [0, 1, 1, 0];
    const predicted = [0, 0, 1, 0];
    expect(Array.from(confusionMatrix(yTrue, predicted, 2))).toEqual([2, 0, 1, 1]);
    expect(Array.from(confusionMatrix(yTrue, predicted, 2, [1, 2, 4, 0.5]))).toEqual([1.5, 0, 2, 4]);
    expect(labelCounts(yTrue, predicted, 2, [1, 2, 4, 0.5]).total).toBe(7.5);
  });

  test('bad arrays are refused with the row named', () => {
    expect(() => confusionMatrix([0, 2], [0, 1], 2)).toThrow(
      'confusionMatrix: yTrue must be class indices 0 … 1, but got 2 in row 2. Encode the labels first.',
    );
    expect(() => confusionMatrix([0, 1], [0, Number.NaN], 2)).toThrow(/predicted .* got NaN in row 2/);
    expect(() => confusionMatrix([0, 0.5], [0, 0], 2)).toThrow(/got 0.5 in row 2/);
    expect(() => confusionMatrix([0, 1], [0], 2)).toThrow(ShapeError);
    expect(() => confusionMatrix([], [], 2)).toThrow(DataError);
    expect(() => confusionMatrix([0, 1], [0, 1], 2, [1, -1])).toThrow(/weights .* got -1 in row 2/);
    expect(() => confusionMatrix([0, 1], [0, 1], 2, [0, 0])).toThrow(/must not all be 0/);
  });

  test('a binary metric without its positive class is refused', () => {
    expect(() => f1Score(three, 'binary')).toThrow(ConfigError);
    expect(() => recallScore(three, 'binary', 3)).toThrow(/class index 0 … 2, but got 3/);
  });
});
