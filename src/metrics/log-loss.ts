import { checkClassIndices, checkProbabilities, checkRows, checkWeights } from './check-arrays.ts';

/**
 * log_loss = −mean_i ln p_i[y_i]. Probabilities are first clipped to [2⁻⁵², 1 − 2⁻⁵²], then every row is divided by
 * its sum, as scikit-learn does; so a certain and wrong prediction costs about 36, not infinity.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, in [0, 1]
 * @param classes K
 * @param weights [N] numbers ≥ 0; all 1 when absent
 * @throws ShapeError, DataError for arrays that do not fit or hold NaN
 */
export function logLoss(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  weights?: ArrayLike<number>,
): number {
  checkRows('logLoss', yTrue.length);
  checkClassIndices('logLoss', 'yTrue', yTrue, classes);
  checkProbabilities('logLoss', probabilities, yTrue.length, classes);
  checkWeights('logLoss', weights, yTrue.length);
  let loss = 0;
  let share = 0;
  for (let i = 0; i < yTrue.length; i++) {
    const start = i * classes;
    let rowSum = 0;
    for (let k = 0; k < classes; k++) rowSum += clip(probabilities[start + k]);
    const weight = weights === undefined ? 1 : weights[i];
    loss -= weight * Math.log(clip(probabilities[start + yTrue[i]]) / rowSum);
    share += weight;
  }
  return loss / share;
}

function clip(p: number): number {
  return Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, p));
}
