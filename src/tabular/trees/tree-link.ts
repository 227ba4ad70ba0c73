import type { Link } from './tree-ensemble.ts';

/**
 * Turns raw scores into predictions.
 *
 * @param scores [N, outputs]; may be overwritten
 * @param classes K, or 0 in regression
 * @returns probabilities [N, K], or values [N]
 */
export function applyLink(link: Link, scores: Float64Array, outputs: number, classes: number): Float64Array {
  if (link === 'identity') return scores;
  if (link === 'exp') return scores.map(Math.exp);
  if (link === 'softmax') return softmaxRows(scores, outputs);
  if (link === 'probability' && outputs === classes) return scores;
  const out = new Float64Array(2 * scores.length);
  for (let i = 0; i < scores.length; i++) {
    const p = link === 'logistic' ? 1 / (1 + Math.exp(-scores[i])) : scores[i];
    out[2 * i] = 1 - p;
    out[2 * i + 1] = p;
  }
  return out;
}

/** exp(s − max) / Σ exp(s − max) in place, row by row of `width` values. */
function softmaxRows(scores: Float64Array, width: number): Float64Array {
  for (let start = 0; start < scores.length; start += width) {
    const end = start + width;
    let max = scores[start];
    for (let i = start + 1; i < end; i++) if (scores[i] > max) max = scores[i];
    let sum = 0;
    for (let i = start; i < end; i++) {
      scores[i] = Math.exp(scores[i] - max);
      sum += scores[i];
    }
    for (let i = start; i < end; i++) scores[i] /= sum;
  }
  return scores;
}
