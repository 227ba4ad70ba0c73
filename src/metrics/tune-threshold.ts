import { ConfigError } from '#core';
import { argsort } from './argsort.ts';
import { checkClassIndices, checkProbabilities, checkRows, checkWeights } from './check-arrays.ts';
import { exactWeights } from './exact-weights.ts';
import type { LabelCounts } from './label-counts.ts';
import { isLabelMetric, labelMetric, labelMetricNames } from './label-metrics.ts';
import type { LabelMetricName } from './metric-names.ts';

export interface ThresholdOptions {
  /** [N] sample weights ≥ 0; all 1 when absent. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Class the `*_binary` metrics are of; the threshold is on the probability of class 1 either way. Default 1. */
  readonly positiveClass?: 0 | 1;
}

/** A decision threshold and what it is worth on the rows it was tuned on. */
export interface TunedThreshold {
  /** A float32 number ≥ 0: class 1 is predicted where p ≥ threshold. Above 1 it is never predicted. */
  readonly threshold: number;
  /** The metric with this threshold. */
  readonly value: number;
  /** The metric with the threshold 0.5. */
  readonly defaultValue: number;
}

/** Values nearer than this are one plateau: the sums they come from carry rounding. */
const SAME = 1e-12;

/**
 * The decision threshold that maximises a metric of predicted labels in a two-class task. One sort, then one pass over
 * the distinct probabilities: O(N log N). Where neighbouring thresholds are equally good, the middle of their interval
 * is taken; of several such plateaus the widest. Tune on out-of-fold predictions, never on the training rows' own.
 *
 * The rule is `p ≥ threshold`, both in float32, as the exported ONNX model compares them: probabilities are rounded to
 * float32 before the search, and the returned threshold is a float32 number. `predictWithThreshold` applies it.
 *
 * @param metric a metric with `needsThreshold`; `recall_score_binary` alone is maximised by predicting the class always
 * @param yTrue [N] class indices 0 or 1
 * @param positiveProbabilities [N] probability of class 1
 * @throws ConfigError for a metric that does not depend on the threshold; ShapeError, DataError for unusable arrays
 */
export function tuneThreshold(
  metric: string,
  yTrue: ArrayLike<number>,
  positiveProbabilities: ArrayLike<number>,
  options: ThresholdOptions = {},
): TunedThreshold {
  const { positiveClass = 1 } = options;
  const name = checkTunable('tuneThreshold', metric);
  checkInput(yTrue, positiveProbabilities, options.weights);
  const weights = exactWeights(options.weights);
  const scores = Float32Array.from(positiveProbabilities);
  const order = argsort(scores, { descending: true });
  const counts = emptyCounts(yTrue, weights);
  const search = new PlateauSearch();
  let atHalf = Number.NaN;
  let above = Math.max(1, nextFloat32(scores[order[0]]));
  for (let i = 0; ; ) {
    // Here rows order[0 … i) are predicted 1: thresholds in (below, above] do that.
    const below = i < order.length ? scores[order[i]] : Math.min(0, above);
    const value = labelMetric(name, counts, positiveClass);
    search.add(value, below, above);
    if (Number.isNaN(atHalf) && (below < 0.5 || i === order.length)) atHalf = value;
    if (i === order.length) break;
    for (; i < order.length && scores[order[i]] === below; i++) {
      const weight = weights === undefined ? 1 : weights[order[i]];
      moveToOne(counts, yTrue[order[i]], weight);
    }
    above = below;
  }
  return { threshold: search.middle(), value: search.value, defaultValue: atHalf };
}

/** @throws ConfigError unless the metric is a function of predicted labels */
export function checkTunable(where: string, metric: string): LabelMetricName {
  if (isLabelMetric(metric)) return metric;
  throw new ConfigError(
    `${where}: the metric must depend on predicted labels, but got ${metric}. ` +
      `Choose one of ${labelMetricNames.slice(0, 5).join(', ')}, …`,
    { metric },
  );
}

/** Remembers the best run of neighbouring intervals with one value; intervals are added from the top down. */
class PlateauSearch {
  value = Number.NEGATIVE_INFINITY;
  private low = 0;
  private high = 0;
  private runValue = Number.NaN;
  private runHigh = 0;

  add(value: number, below: number, above: number): void {
    if (!(Math.abs(value - this.runValue) <= SAME)) {
      this.runValue = value;
      this.runHigh = above;
    }
    const better = this.runValue - this.value;
    if (better > SAME || (better >= -SAME && this.runHigh - below > this.high - this.low)) {
      this.value = this.runValue;
      this.low = below;
      this.high = this.runHigh;
    }
  }

  /** A float32 number in (low, high]. */
  middle(): number {
    const middle = Math.fround((this.low + this.high) / 2);
    return middle > this.low ? middle : this.high;
  }
}

function emptyCounts(yTrue: ArrayLike<number>, weights: ArrayLike<number> | undefined): LabelCounts {
  const actual = new Float64Array(2);
  for (let i = 0; i < yTrue.length; i++) actual[yTrue[i]] += weights === undefined ? 1 : weights[i];
  const total = actual[0] + actual[1];
  return {
    classes: 2,
    correct: Float64Array.of(actual[0], 0),
    actual,
    predicted: Float64Array.of(total, 0),
    total,
  };
}

function moveToOne(counts: LabelCounts, label: number, weight: number): void {
  counts.predicted[0] -= weight;
  counts.predicted[1] += weight;
  if (label === 1) counts.correct[1] += weight;
  else counts.correct[0] -= weight;
}

/** The next float32 above a float32 number ≥ 0. */
function nextFloat32(value: number): number {
  const float = Float32Array.of(value);
  new Uint32Array(float.buffer)[0]++;
  return float[0];
}

function checkInput(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  weights: ArrayLike<number> | undefined,
): void {
  const where = 'tuneThreshold';
  checkRows(where, yTrue.length);
  checkProbabilities(where, probabilities, yTrue.length, 1);
  checkClassIndices(where, 'yTrue', yTrue, 2);
  checkWeights(where, weights, yTrue.length);
}
