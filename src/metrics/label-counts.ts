import { checkClassIndices, checkLength, checkRows, checkWeights } from './check-arrays.ts';

/** What every metric of predicted labels is a function of. Sums of sample weights where weights were given. */
export interface LabelCounts {
  /** K */
  readonly classes: number;
  /** [K] rows of class k predicted as k */
  readonly correct: Float64Array;
  /** [K] rows of class k */
  readonly actual: Float64Array;
  /** [K] rows predicted as k */
  readonly predicted: Float64Array;
  /** All rows. */
  readonly total: number;
}

/**
 * Counts right predictions, rows and predictions per class.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param predicted [N] class indices 0 … K − 1
 * @param classes K
 * @param weights [N] numbers ≥ 0; all 1 when absent
 * @throws ShapeError for lengths that differ, DataError for no rows, entries that are no class, negative weights
 */
export function labelCounts(
  yTrue: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  weights?: ArrayLike<number>,
): LabelCounts {
  const matrix = confusionMatrix(yTrue, predicted, classes, weights);
  return countsOfMatrix(matrix, classes);
}

/**
 * Rows per true class and predicted class.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param predicted [N] class indices 0 … K − 1
 * @param weights [N] numbers ≥ 0; all 1 when absent
 * @returns [K, K] row-major: row = true class, column = predicted class
 * @throws ShapeError for lengths that differ, DataError for no rows, entries that are no class, negative weights
 */
export function confusionMatrix(
  yTrue: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  weights?: ArrayLike<number>,
): Float64Array {
  checkRows('confusionMatrix', yTrue.length);
  checkLength('confusionMatrix', 'predicted', predicted, yTrue.length);
  checkClassIndices('confusionMatrix', 'yTrue', yTrue, classes);
  checkClassIndices('confusionMatrix', 'predicted', predicted, classes);
  checkWeights('confusionMatrix', weights, yTrue.length);
  const matrix = new Float64Array(classes * classes);
  for (let i = 0; i < yTrue.length; i++) {
    matrix[yTrue[i] * classes + predicted[i]] += weights === undefined ? 1 : weights[i];
  }
  return matrix;
}

/** The counts of a confusion matrix [K, K], row = true class. */
export function countsOfMatrix(matrix: Float64Array, classes: number): LabelCounts {
  const correct = new Float64Array(classes);
  const actual = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  let total = 0;
  for (let t = 0; t < classes; t++) {
    for (let p = 0; p < classes; p++) {
      const count = matrix[t * classes + p];
      actual[t] += count;
      predicted[p] += count;
      total += count;
    }
    correct[t] = matrix[t * classes + t];
  }
  return { classes, correct, actual, predicted, total };
}
