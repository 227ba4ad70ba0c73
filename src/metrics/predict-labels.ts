import { checkLength } from './check-arrays.ts';

/**
 * The class of the highest probability of every row, the first of equals: what ONNX `ArgMax` gives.
 *
 * @param probabilities [N, K] row-major
 * @returns [N] class indices
 */
export function argmaxRows(probabilities: ArrayLike<number>, classes: number): Int32Array {
  const rows = probabilities.length / classes;
  const labels = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    let best = probabilities[i * classes];
    for (let k = 1; k < classes; k++) {
      const p = probabilities[i * classes + k];
      if (p > best) {
        best = p;
        labels[i] = k;
      }
    }
  }
  return labels;
}

/**
 * Labels of a two-class model with a tuned threshold: class 1 where p[1] ≥ threshold, compared in float32 as the
 * exported ONNX model does it. At 0.5 it differs from `argmaxRows` only where p[1] is exactly a half.
 *
 * @param probabilities [N, 2] row-major
 * @param threshold as `tuneThreshold` gives it
 * @returns [N] class indices 0 or 1
 */
export function predictWithThreshold(probabilities: ArrayLike<number>, threshold: number): Int32Array {
  const rows = probabilities.length / 2;
  checkLength('predictWithThreshold', 'probabilities [N, 2]', probabilities, Math.floor(rows) * 2);
  const labels = new Int32Array(rows);
  const t = Math.fround(threshold);
  for (let i = 0; i < rows; i++) labels[i] = Math.fround(probabilities[2 * i + 1]) >= t ? 1 : 0;
  return labels;
}

/**
 * Labels with a tuned weight per class: argmax_k of w_k · p_k, the product in float32 as the exported ONNX model does
 * it, the first of equals.
 *
 * @param probabilities [N, K] row-major
 * @param classWeights [K] numbers > 0, as `tuneClassWeights` gives them
 * @returns [N] class indices
 */
export function predictWithClassWeights(
  probabilities: ArrayLike<number>,
  classWeights: ArrayLike<number>,
): Int32Array {
  const classes = classWeights.length;
  const rows = probabilities.length / classes;
  checkLength(
    'predictWithClassWeights',
    `probabilities [N, ${classes}]`,
    probabilities,
    Math.floor(rows) * classes,
  );
  const weighted = new Float32Array(probabilities.length);
  for (let i = 0; i < weighted.length; i++) {
    weighted[i] = Math.fround(probabilities[i]) * Math.fround(classWeights[i % classes]);
  }
  return argmaxRows(weighted, classes);
}
