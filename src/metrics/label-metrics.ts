import { ConfigError } from '#core';
import type { LabelCounts } from './label-counts.ts';
import type { Average, LabelMetricName } from './metric-names.ts';

/**
 * accuracy = Σ_k correct_k / N, the share of rows predicted right.
 * The same number as precision, recall and F1 with micro average and as recall with weighted average.
 */
export function accuracy(counts: LabelCounts): number {
  return sum(counts.correct) / counts.total;
}

/**
 * weighted_accuracy = Σ_k n_k² · recall_k / Σ_k n_k²: accuracy with every row weighted by the size of its class.
 * It favours large classes: always predicting the largest one scores high.
 */
export function weightedAccuracy({ classes, correct, actual }: LabelCounts): number {
  let right = 0;
  let all = 0;
  for (let k = 0; k < classes; k++) {
    right += actual[k] * correct[k];
    all += actual[k] * actual[k];
  }
  return right / all;
}

/**
 * balanced_accuracy = mean over classes of recall_k = `recallScore(counts, 'macro')`.
 * A class without rows that is nevertheless predicted counts as recall 0; one neither seen nor predicted is left out.
 */
export function balancedAccuracy(counts: LabelCounts): number {
  return recallScore(counts, 'macro');
}

/**
 * norm_macro_recall = max(0, (recall_macro − 1/K) / (1 − 1/K)): 0 is chance, 1 is perfect.
 * K counts all classes of the task, whether they have rows or not; NaN for K = 1.
 */
export function normMacroRecall(counts: LabelCounts): number {
  if (counts.classes < 2) return Number.NaN;
  const chance = 1 / counts.classes;
  return Math.max(0, (recallScore(counts, 'macro') - chance) / (1 - chance));
}

/**
 * precision_k = correct_k / predicted_k, averaged; 0 for a class that is never predicted.
 * Macro and weighted averages run over the classes that have rows or are predicted (scikit-learn's rule).
 *
 * @param positiveClass class index, for the average `binary`
 * @throws ConfigError for the average `binary` without a positive class
 */
export function precisionScore(counts: LabelCounts, average: Average, positiveClass?: number): number {
  return averageClasses(counts, average, positiveClass, (k) => ratio(counts.correct[k], counts.predicted[k]));
}

/**
 * recall_k = correct_k / n_k, averaged; 0 for a class without rows.
 * Macro and weighted averages run over the classes that have rows or are predicted (scikit-learn's rule).
 *
 * @param positiveClass class index, for the average `binary`
 * @throws ConfigError for the average `binary` without a positive class
 */
export function recallScore(counts: LabelCounts, average: Average, positiveClass?: number): number {
  return averageClasses(counts, average, positiveClass, (k) => ratio(counts.correct[k], counts.actual[k]));
}

/**
 * f1_k = 2 · correct_k / (n_k + predicted_k), the harmonic mean of precision and recall, averaged.
 * Macro and weighted averages run over the classes that have rows or are predicted (scikit-learn's rule).
 *
 * @param positiveClass class index, for the average `binary`
 * @throws ConfigError for the average `binary` without a positive class
 */
export function f1Score(counts: LabelCounts, average: Average, positiveClass?: number): number {
  return averageClasses(counts, average, positiveClass, (k) =>
    ratio(2 * counts.correct[k], counts.actual[k] + counts.predicted[k]),
  );
}

/**
 * matthews_correlation = (c·N − Σ n_k p_k) / √((N² − Σ p_k²)(N² − Σ n_k²)), c the right predictions, n_k rows and p_k
 * predictions of class k: the correlation of true and predicted labels, in [−1, 1]. 0 where a side has one class only.
 *
 * @source Gorodkin, 2004, https://doi.org/10.1016/j.compbiolchem.2004.09.006
 */
export function matthewsCorrelation(counts: LabelCounts): number {
  const { classes, correct, actual, predicted, total } = counts;
  let product = 0;
  let actualSquares = 0;
  let predictedSquares = 0;
  for (let k = 0; k < classes; k++) {
    product += actual[k] * predicted[k];
    actualSquares += actual[k] * actual[k];
    predictedSquares += predicted[k] * predicted[k];
  }
  const spread = (total * total - predictedSquares) * (total * total - actualSquares);
  return spread <= 0 ? 0 : (sum(correct) * total - product) / Math.sqrt(spread);
}

type LabelMetric = (counts: LabelCounts, positiveClass: number | undefined) => number;

const labelMetrics: { readonly [K in LabelMetricName]: LabelMetric } = {
  accuracy,
  weighted_accuracy: weightedAccuracy,
  balanced_accuracy: balancedAccuracy,
  norm_macro_recall: normMacroRecall,
  matthews_correlation: matthewsCorrelation,
  precision_score_macro: (counts) => precisionScore(counts, 'macro'),
  precision_score_micro: (counts) => precisionScore(counts, 'micro'),
  precision_score_weighted: (counts) => precisionScore(counts, 'weighted'),
  precision_score_binary: (counts, positive) => precisionScore(counts, 'binary', positive),
  recall_score_macro: (counts) => recallScore(counts, 'macro'),
  recall_score_micro: (counts) => recallScore(counts, 'micro'),
  recall_score_weighted: (counts) => recallScore(counts, 'weighted'),
  recall_score_binary: (counts, positive) => recallScore(counts, 'binary', positive),
  f1_score_macro: (counts) => f1Score(counts, 'macro'),
  f1_score_micro: (counts) => f1Score(counts, 'micro'),
  f1_score_weighted: (counts) => f1Score(counts, 'weighted'),
  f1_score_binary: (counts, positive) => f1Score(counts, 'binary', positive),
};

/** Every metric that is a function of predicted labels. */
export const labelMetricNames: readonly LabelMetricName[] = Object.keys(labelMetrics) as LabelMetricName[];

/** Whether the metric is a function of predicted labels. */
export function isLabelMetric(name: string): name is LabelMetricName {
  return Object.hasOwn(labelMetrics, name);
}

/**
 * One metric of predicted labels.
 *
 * @param positiveClass class index, needed by the `*_binary` metrics
 * @throws ConfigError for a `*_binary` metric without a positive class
 */
export function labelMetric(name: LabelMetricName, counts: LabelCounts, positiveClass?: number): number {
  return labelMetrics[name](counts, positiveClass);
}

function averageClasses(
  counts: LabelCounts,
  average: Average,
  positiveClass: number | undefined,
  ofClass: (k: number) => number,
): number {
  // Σ_k predicted_k = Σ_k n_k = N, so with one cell for all classes precision, recall and F1 are all accuracy.
  if (average === 'micro') return accuracy(counts);
  if (average === 'binary') return ofClass(checkPositiveClass(positiveClass, counts.classes));
  let value = 0;
  let share = 0;
  for (let k = 0; k < counts.classes; k++) {
    if (counts.actual[k] === 0 && counts.predicted[k] === 0) continue;
    const weight = average === 'weighted' ? counts.actual[k] : 1;
    value += weight * ofClass(k);
    share += weight;
  }
  return value / share;
}

/** @throws ConfigError when the positive class is not given or is no class */
export function checkPositiveClass(positiveClass: number | undefined, classes: number): number {
  if (positiveClass === undefined || !(positiveClass >= 0 && positiveClass < classes)) {
    throw new ConfigError(
      `positiveClass: a binary metric needs a class index 0 … ${classes - 1}, but got ${positiveClass}. ` +
        'Name the positive class or choose a macro, micro or weighted metric.',
      { positiveClass, classes },
    );
  }
  return positiveClass;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
