import { ConfigError } from '#core';
import { argsort } from './argsort.ts';
import { checkClassIndices, checkProbabilities, checkRows, checkWeights } from './check-arrays.ts';
import { exactWeights } from './exact-weights.ts';
import { type LabelCounts, labelCounts } from './label-counts.ts';
import { labelMetric } from './label-metrics.ts';
import type { LabelMetricName } from './metric-names.ts';
import { predictWithClassWeights } from './predict-labels.ts';
import { checkTunable } from './tune-threshold.ts';

export interface ClassWeightOptions {
  /** [N] sample weights ≥ 0; all 1 when absent. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Class the `*_binary` metrics are of. */
  readonly positiveClass?: number | undefined;
  /** Most passes over all classes, ≥ 1. Default 10. */
  readonly maxSweeps?: number;
}

/** One weight per class and what they are worth on the rows they were tuned on. */
export interface TunedClassWeights {
  /** [K] float32 numbers > 0 with mean 1: the prediction is argmax_k of w_k · p_k. */
  readonly classWeights: Float64Array;
  /** The metric with these weights. */
  readonly value: number;
  /** The metric with all weights 1. */
  readonly defaultValue: number;
}

const MAX_CLASSES = 20;
const SAME = 1e-12;

/**
 * Weights per class that maximise a metric of predicted labels, for any number of classes up to 20: what
 * `tuneThreshold` does for two. Coordinate ascent: for one class at a time, the rows are sorted by the weight at which
 * they would change to it, and one pass finds the best weight; the middle (geometric mean) of the best interval is
 * taken, of equal ones the widest. Two starts, all ones and one over the class frequencies; the better end wins. Never worse than all ones on the
 * rows given. Tune on out-of-fold predictions. `predictWithClassWeights` applies the result, in float32.
 *
 * @param metric a metric with `needsThreshold`
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, in [0, 1]
 * @param classes K, 2 … 20
 * @throws ConfigError for another metric or too many classes; ShapeError, DataError for unusable arrays
 */
export function tuneClassWeights(
  metric: string,
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  options: ClassWeightOptions = {},
): TunedClassWeights {
  const where = 'tuneClassWeights';
  const { positiveClass, maxSweeps = 10 } = options;
  const name = checkTunable(where, metric);
  if (!(classes >= 2 && classes <= MAX_CLASSES)) {
    throw new ConfigError(
      `${where}: there must be 2 … ${MAX_CLASSES} classes, but got ${classes}. Leave the predictions as they are.`,
      { classes },
    );
  }
  checkRows(where, yTrue.length);
  checkClassIndices(where, 'yTrue', yTrue, classes);
  checkProbabilities(where, probabilities, yTrue.length, classes);
  checkWeights(where, options.weights, yTrue.length);
  const weights = exactWeights(options.weights);

  const ones = new Float64Array(classes).fill(1);
  const score = (classWeights: Float64Array) =>
    labelMetric(
      name,
      labelCounts(yTrue, predictWithClassWeights(probabilities, classWeights), classes, weights),
      positiveClass,
    );
  const defaultValue = score(ones);
  let best: { classWeights: Float64Array; value: number } = { classWeights: ones, value: defaultValue };
  const task: Task = { name, yTrue, probabilities, classes, weights, positiveClass };
  for (const start of [ones, inverseFrequencies(yTrue, classes)]) {
    const classWeights = ascend(task, start, score(start), maxSweeps);
    const value = score(classWeights);
    if (value > best.value + SAME) best = { classWeights, value };
  }
  return { ...best, defaultValue };
}

interface Task {
  readonly name: LabelMetricName;
  readonly yTrue: ArrayLike<number>;
  readonly probabilities: ArrayLike<number>;
  readonly classes: number;
  readonly weights: ArrayLike<number> | undefined;
  readonly positiveClass: number | undefined;
}

function ascend(task: Task, start: Float64Array, startValue: number, maxSweeps: number): Float64Array {
  const classWeights = Float64Array.from(start);
  let value = startValue;
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    const before = value;
    for (let k = 0; k < task.classes; k++) {
      const found = bestWeightOf(task, classWeights, k);
      if (found.value > value + SAME) {
        classWeights[k] = found.weight;
        value = found.value;
      }
    }
    if (value <= before + SAME) break;
  }
  return normalise(classWeights);
}

/** The best weight of class `k` with the others fixed. */
function bestWeightOf(task: Task, classWeights: Float64Array, k: number): { weight: number; value: number } {
  const { name, yTrue, weights, positiveClass } = task;
  const { rivals, ratios } = turningPoints(task, classWeights, k);
  const order = argsort(ratios);
  const counts = labelCounts(yTrue, rivals, task.classes, weights);
  let best = { weight: classWeights[k], value: Number.NEGATIVE_INFINITY, width: 0 };
  let runValue = Number.NaN;
  let runLow = 0;
  for (let i = 0, below = 0; ; ) {
    // Here rows order[0 … i) are predicted k: weights between `below` and `above` do that.
    const above = i < order.length ? ratios[order[i]] : Number.POSITIVE_INFINITY;
    if (above > below) {
      const value = labelMetric(name, counts, positiveClass);
      if (!(Math.abs(value - runValue) <= SAME)) {
        runValue = value;
        runLow = below;
      }
      const width = widthOf(runLow, above);
      const better = runValue - best.value;
      if (better > SAME || (better >= -SAME && width > best.width)) {
        best = { weight: middleOf(runLow, above), value: runValue, width };
      }
    }
    if (above === Number.POSITIVE_INFINITY) return best;
    for (; i < order.length && ratios[order[i]] === above; i++) {
      moveRow(counts, yTrue[order[i]], rivals[order[i]], k, weights === undefined ? 1 : weights[order[i]]);
    }
    below = above;
  }
}

/** For every row its best class other than k, and the weight of k from which k wins; infinite where it never does. */
function turningPoints(
  { probabilities, yTrue, classes }: Task,
  classWeights: Float64Array,
  k: number,
): { rivals: Int32Array; ratios: Float64Array } {
  const rows = yTrue.length;
  const rivals = new Int32Array(rows);
  const ratios = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let rival = k === 0 ? 1 : 0;
    let strength = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < classes; j++) {
      const weighted = classWeights[j] * probabilities[i * classes + j];
      if (j !== k && weighted > strength) {
        strength = weighted;
        rival = j;
      }
    }
    const p = probabilities[i * classes + k];
    rivals[i] = rival;
    ratios[i] = p > 0 ? Math.max(0, strength) / p : Number.POSITIVE_INFINITY;
  }
  return { rivals, ratios };
}

function moveRow(counts: LabelCounts, label: number, from: number, to: number, weight: number): void {
  counts.predicted[from] -= weight;
  counts.predicted[to] += weight;
  if (label === from) counts.correct[from] -= weight;
  if (label === to) counts.correct[to] += weight;
}

function middleOf(low: number, high: number): number {
  if (low === 0) return high === Number.POSITIVE_INFINITY ? 1 : high / 2;
  return high === Number.POSITIVE_INFINITY ? low * 2 : Math.sqrt(low) * Math.sqrt(high);
}

/** Of an interval of weights, in the logarithm; one without an end is as wide as the factor 2 to both sides. */
function widthOf(low: number, high: number): number {
  return Math.log(low === 0 || high === Number.POSITIVE_INFINITY ? 4 : high / low);
}

function inverseFrequencies(yTrue: ArrayLike<number>, classes: number): Float64Array {
  const counts = new Float64Array(classes);
  for (let i = 0; i < yTrue.length; i++) counts[yTrue[i]]++;
  return normalise(counts.map((count) => 1 / Math.max(1, count)));
}

/** Scaled to mean 1 and rounded to float32; not below 1e-30, so that no weight becomes 0. */
function normalise(classWeights: Float64Array): Float64Array {
  let total = 0;
  for (const weight of classWeights) total += weight;
  return classWeights.map((weight) => Math.fround(Math.max(1e-30, (weight * classWeights.length) / total)));
}
