import { ConfigError } from '#core';
import { checkClassIndices, checkProbabilities, checkRows } from './check-arrays.ts';
import { argmaxRows } from './predict-labels.ts';

/** How often the most probable class is right, by how probable the model said it was. */
export interface CalibrationBin {
  /** Lower and upper edge of the confidence; the lower one is excluded but in the first bin. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean probability of the predicted class; NaN in an empty bin. */
  readonly confidence: number;
  /** Share of right predictions; NaN in an empty bin. */
  readonly accuracy: number;
}

export interface CalibrationOptions {
  /** Bins of equal width in [0, 1], ≥ 1. Default 15. */
  readonly bins?: number;
}

/**
 * The reliability diagram of the predicted class: rows binned by the highest probability.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, in [0, 1]
 * @throws ShapeError, DataError for unusable arrays; ConfigError for fewer than one bin
 */
export function calibrationCurve(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  options: CalibrationOptions = {},
): CalibrationBin[] {
  const { bins = 15 } = options;
  if (!(Number.isInteger(bins) && bins >= 1)) {
    throw new ConfigError(
      `calibrationCurve: bins must be a whole number ≥ 1, but got ${bins}. Leave it out for 15.`,
    );
  }
  checkArrays('calibrationCurve', yTrue, probabilities, classes);
  const predicted = argmaxRows(probabilities, classes);
  const counts = new Float64Array(bins);
  const confidence = new Float64Array(bins);
  const right = new Float64Array(bins);
  for (let i = 0; i < yTrue.length; i++) {
    const p = probabilities[i * classes + predicted[i]];
    const bin = Math.max(0, Math.min(bins - 1, Math.ceil(p * bins) - 1));
    counts[bin]++;
    confidence[bin] += p;
    if (predicted[i] === yTrue[i]) right[bin]++;
  }
  return Array.from(counts, (count, bin) => ({
    low: bin / bins,
    high: (bin + 1) / bins,
    count,
    confidence: confidence[bin] / count,
    accuracy: right[bin] / count,
  }));
}

/**
 * Expected calibration error = Σ_b n_b / N · |accuracy_b − confidence_b| over the bins of `calibrationCurve`; in
 * [0, 1], 0 is calibrated.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, in [0, 1]
 * @source Guo et al., 2017, https://arxiv.org/abs/1706.04599
 * @throws as `calibrationCurve`
 */
export function expectedCalibrationError(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  options: CalibrationOptions = {},
): number {
  let error = 0;
  for (const bin of calibrationCurve(yTrue, probabilities, classes, options)) {
    if (bin.count > 0) error += (bin.count / yTrue.length) * Math.abs(bin.accuracy - bin.confidence);
  }
  return error;
}

/**
 * Brier score = mean_i Σ_k (p_ik − [y_i = k])²; in [0, 2], 0 is perfect. With two classes it is twice the mean of
 * (p − y)² of the positive class.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, in [0, 1]
 * @source Brier, 1950, https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
 * @throws ShapeError, DataError for unusable arrays
 */
export function brierScore(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): number {
  checkArrays('brierScore', yTrue, probabilities, classes);
  let total = 0;
  for (let i = 0; i < yTrue.length; i++) {
    for (let k = 0; k < classes; k++) {
      total += (probabilities[i * classes + k] - (yTrue[i] === k ? 1 : 0)) ** 2;
    }
  }
  return total / yTrue.length;
}

function checkArrays(
  where: string,
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
): void {
  checkRows(where, yTrue.length);
  checkClassIndices(where, 'yTrue', yTrue, classes);
  checkProbabilities(where, probabilities, yTrue.length, classes);
}
