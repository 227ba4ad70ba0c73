import { ConfigError } from '#core';
import { argsort } from './argsort.ts';
import { checkFinite, checkLength, checkRows, checkWeights } from './check-arrays.ts';
import type { RegressionMetricName } from './metric-names.ts';
import {
  type PredictedTrueDocument,
  predictedTrue,
  type ResidualsDocument,
  residuals,
} from './regression-documents.ts';

/** Least and greatest value of the target. */
export interface RegressionRange {
  readonly min: number;
  readonly max: number;
}

/** What a regression is judged on. N rows. */
export interface RegressionInput {
  /** [N] finite numbers */
  readonly yTrue: ArrayLike<number>;
  /** [N] finite numbers */
  readonly predictions: ArrayLike<number>;
  /** [N] sample weights ≥ 0, not all 0; the median and rank metrics and the documents take no account of them. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Of the whole target, so that folds normalise and bin alike; of `yTrue` when absent. */
  readonly range?: RegressionRange | undefined;
  /** Population standard deviation of the whole target, for the bins of the residuals; of `yTrue` when absent. */
  readonly standardDeviation?: number | undefined;
}

/** Azure ML's scalar metrics by name. */
export type RegressionScalars = Record<RegressionMetricName, number>;

export interface RegressionResult {
  readonly scalars: RegressionScalars;
  readonly residuals: ResidualsDocument;
  readonly predicted_true: PredictedTrueDocument;
}

/**
 * All metrics of a regression: Azure ML's scalars (definitions in docs/metrics.md) and the two chart documents.
 * NaN where undefined: spearman_correlation of a constant, the log errors with a negative number,
 * mean_absolute_percentage_error where every |y| ≤ 1e-8.
 *
 * @throws ShapeError for lengths that differ; DataError for no rows, NaN or infinite values, bad weights (the row is
 *   named); ConfigError for a range or standard deviation that is none
 */
export function regressionMetrics(input: RegressionInput): RegressionResult {
  checkInput('regressionMetrics', input);
  const { yTrue, predictions } = input;
  const range = input.range ?? rangeOf(yTrue);
  const scalars: Partial<RegressionScalars> = {};
  for (const name of Object.keys(regressionRules) as RegressionMetricName[]) {
    scalars[name] = regressionRules[name](input, range);
  }
  return {
    scalars: scalars as RegressionScalars,
    residuals: residuals(yTrue, predictions, input.standardDeviation ?? standardDeviationOf(yTrue)),
    predicted_true: predictedTrue(yTrue, predictions, range),
  };
}

/** One scalar of `regressionMetrics`. @throws as `regressionMetrics` */
export function regressionScore(name: RegressionMetricName, input: RegressionInput): number {
  checkInput('regressionScore', input);
  return regressionRules[name](input, input.range ?? rangeOf(input.yTrue));
}

type RegressionRule = (input: RegressionInput, range: RegressionRange) => number;

const regressionRules: { readonly [K in RegressionMetricName]: RegressionRule } = {
  explained_variance: explainedVariance,
  r2_score: r2Score,
  spearman_correlation: ({ yTrue, predictions }) => spearmanCorrelation(yTrue, predictions),
  mean_absolute_error: meanAbsoluteError,
  normalized_mean_absolute_error: (input, range) => normalized(meanAbsoluteError(input), input, range),
  median_absolute_error: medianAbsoluteError,
  normalized_median_absolute_error: (input, range) => normalized(medianAbsoluteError(input), input, range),
  root_mean_squared_error: rootMeanSquaredError,
  normalized_root_mean_squared_error: (input, range) => normalized(rootMeanSquaredError(input), input, range),
  root_mean_squared_log_error: rootMeanSquaredLogError,
  normalized_root_mean_squared_log_error: (input, range) =>
    normalized(rootMeanSquaredLogError(input), input, {
      min: logOfNonNegative(range.min),
      max: logOfNonNegative(range.max),
    }),
  mean_absolute_percentage_error: meanAbsolutePercentageError,
};

/** explained_variance = 1 − Var(y − ŷ) / Var(y); for a constant target 1 if the error is constant too, else 0. */
export function explainedVariance({ yTrue, predictions, weights }: RegressionInput): number {
  const error = weightedMean(yTrue.length, weights, (i) => yTrue[i] - predictions[i]);
  const unexplained = weightedMean(
    yTrue.length,
    weights,
    (i) => (yTrue[i] - predictions[i] - error) * (yTrue[i] - predictions[i] - error),
  );
  return oneMinusRatio(unexplained, varianceOf(yTrue, weights));
}

/** r2_score = 1 − Σ(y − ŷ)² / Σ(y − ȳ)², clipped to [−1, 1]; for a constant target 1 if perfect, else 0. */
export function r2Score({ yTrue, predictions, weights }: RegressionInput): number {
  const squared = weightedMean(yTrue.length, weights, (i) => (yTrue[i] - predictions[i]) ** 2);
  return Math.max(-1, oneMinusRatio(squared, varianceOf(yTrue, weights)));
}

/**
 * spearman_correlation: Pearson's correlation of the ranks, equal values sharing their mean rank; in [−1, 1].
 * NaN where one side is constant. Takes no weights.
 *
 * @param a [N]
 * @param b [N]
 */
export function spearmanCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkLength('spearmanCorrelation', 'b', b, a.length);
  const ranksA = averageRanks(a);
  const ranksB = averageRanks(b);
  const middle = (a.length - 1) / 2;
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += (ranksA[i] - middle) * (ranksB[i] - middle);
    aa += (ranksA[i] - middle) ** 2;
    bb += (ranksB[i] - middle) ** 2;
  }
  return aa === 0 || bb === 0 ? Number.NaN : Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb)));
}

/** mean_absolute_error = mean |y − ŷ| */
export function meanAbsoluteError({ yTrue, predictions, weights }: RegressionInput): number {
  return weightedMean(yTrue.length, weights, (i) => Math.abs(yTrue[i] - predictions[i]));
}

/** median_absolute_error = median |y − ŷ|, the mean of the middle two for an even number. Takes no weights. */
export function medianAbsoluteError({ yTrue, predictions }: RegressionInput): number {
  const n = yTrue.length;
  const errors = Float64Array.from({ length: n }, (_, i) => Math.abs(yTrue[i] - predictions[i])).sort();
  return (errors[(n - 1) >> 1] + errors[n >> 1]) / 2;
}

/** root_mean_squared_error = √ mean (y − ŷ)² */
export function rootMeanSquaredError({ yTrue, predictions, weights }: RegressionInput): number {
  return Math.sqrt(weightedMean(yTrue.length, weights, (i) => (yTrue[i] - predictions[i]) ** 2));
}

/** root_mean_squared_log_error = √ mean (ln(1 + y) − ln(1 + ŷ))²; NaN if any y or ŷ is negative. */
export function rootMeanSquaredLogError({ yTrue, predictions, weights }: RegressionInput): number {
  return Math.sqrt(
    weightedMean(
      yTrue.length,
      weights,
      (i) => (logOfNonNegative(yTrue[i]) - logOfNonNegative(predictions[i])) ** 2,
    ),
  );
}

/** mean_absolute_percentage_error = 100 · mean |y − ŷ| / |y| over the rows with |y| > 1e-8; NaN if there are none. */
export function meanAbsolutePercentageError({ yTrue, predictions, weights }: RegressionInput): number {
  let total = 0;
  let share = 0;
  for (let i = 0; i < yTrue.length; i++) {
    if (Math.abs(yTrue[i]) <= 1e-8) continue;
    const weight = weights === undefined ? 1 : weights[i];
    total += weight * Math.abs((yTrue[i] - predictions[i]) / yTrue[i]);
    share += weight;
  }
  return (100 * total) / share;
}

/** error / (max − min), clipped to [0, 1]; where max = min, 0 if every prediction is right and 1 if not. */
function normalized(error: number, { yTrue, predictions }: RegressionInput, range: RegressionRange): number {
  if (Number.isNaN(error) || Number.isNaN(range.min)) return Number.NaN;
  if (range.min === range.max) {
    for (let i = 0; i < yTrue.length; i++) if (yTrue[i] !== predictions[i]) return 1;
    return 0;
  }
  return Math.min(1, error / Math.abs(range.max - range.min));
}

/** [N] rank 0 … N − 1 of every value, equal values sharing the mean of their ranks. */
function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = argsort(values);
  const ranks = new Float64Array(order.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + end - 1) / 2;
    start = end;
  }
  return ranks;
}

function weightedMean(
  rows: number,
  weights: ArrayLike<number> | undefined,
  ofRow: (i: number) => number,
): number {
  let total = 0;
  let share = 0;
  for (let i = 0; i < rows; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    total += weight * ofRow(i);
    share += weight;
  }
  return total / share;
}

function varianceOf(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  const mean = weightedMean(values.length, weights, (i) => values[i]);
  return weightedMean(values.length, weights, (i) => (values[i] - mean) ** 2);
}

function oneMinusRatio(part: number, whole: number): number {
  if (whole === 0) return part === 0 ? 1 : 0;
  return 1 - part / whole;
}

function logOfNonNegative(value: number): number {
  return value < 0 ? Number.NaN : Math.log1p(value);
}

function standardDeviationOf(values: ArrayLike<number>): number {
  return Math.sqrt(varianceOf(values));
}

function rangeOf(values: ArrayLike<number>): RegressionRange {
  let min = values[0];
  let max = values[0];
  for (let i = 1; i < values.length; i++) {
    if (values[i] < min) min = values[i];
    if (values[i] > max) max = values[i];
  }
  return { min, max };
}

function checkInput(where: string, input: RegressionInput): void {
  const { yTrue, predictions, weights, range, standardDeviation } = input;
  checkRows(where, yTrue.length);
  checkLength(where, 'predictions', predictions, yTrue.length);
  checkFinite(where, 'yTrue', yTrue);
  checkFinite(where, 'predictions', predictions);
  checkWeights(where, weights, yTrue.length);
  if (
    range !== undefined &&
    !(range.min <= range.max && Number.isFinite(range.min) && Number.isFinite(range.max))
  ) {
    throw new ConfigError(
      `${where}: range must have finite min ≤ max, but got ${range.min} and ${range.max}. Take both from the target.`,
    );
  }
  if (standardDeviation !== undefined && !(standardDeviation >= 0 && Number.isFinite(standardDeviation))) {
    throw new ConfigError(
      `${where}: standardDeviation must be finite and not negative, but got ${standardDeviation}. ` +
        'Take it from the target.',
    );
  }
}
