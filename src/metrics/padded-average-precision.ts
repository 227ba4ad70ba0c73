import { averagePrecision, averagePrecisionScore } from './ranking-metrics.ts';

/**
 * Padded cmAP: step-wise average precision of every class, averaged over all classes, after rows of ones are appended
 * to labels and scores alike, so that classes without rows count too. Equal scores are one threshold.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, in [0, 1]
 * @param classes K
 * @param padding rows appended; 5 when absent, as in BirdCLEF 2023
 * @throws ShapeError, DataError for arrays that do not fit or hold NaN
 */
export function paddedAveragePrecision(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  padding = 5,
): number {
  // Validates the arrays; its value leaves out absent classes.
  averagePrecisionScore(yTrue, probabilities, classes, 'macro');
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += paddedClass(yTrue, probabilities, classes, k, padding);
  return sum / classes;
}

function paddedClass(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  k: number,
  padding: number,
): number {
  const rows = yTrue.length;
  const isPositive = new Uint8Array(rows + padding).fill(1);
  const scores = new Float64Array(rows + padding).fill(1);
  for (let i = 0; i < rows; i++) {
    isPositive[i] = yTrue[i] === k ? 1 : 0;
    scores[i] = probabilities[i * classes + k];
  }
  return averagePrecision(isPositive, scores);
}
