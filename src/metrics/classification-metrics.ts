import { ConfigError } from '#core';
import { type AccuracyTableDocument, accuracyTable } from './accuracy-table.ts';
import { type RankedProbabilities, rankProbabilities } from './argsort.ts';
import { checkClassIndices, checkProbabilities, checkRows, checkWeights } from './check-arrays.ts';
import { type ConfusionMatrixDocument, confusionDocument } from './confusion-document.ts';
import { confusionMatrix, countsOfMatrix, labelCounts } from './label-counts.ts';
import { checkPositiveClass, isLabelMetric, labelMetric, labelMetricNames } from './label-metrics.ts';
import { logLoss } from './log-loss.ts';
import type { Average, BinaryMetricName, ClassificationMetricName } from './metric-names.ts';
import { argmaxRows } from './predict-labels.ts';
import {
  aucScore,
  averageOverPresent,
  averagePrecisionScore,
  curveAreas,
  microAreas,
} from './ranking-metrics.ts';

/** What a classifier is judged on. N rows, K classes. */
export interface ClassificationInput {
  /** [N] class indices 0 … K − 1 */
  readonly yTrue: ArrayLike<number>;
  /** [N, K] row-major, in [0, 1] */
  readonly probabilities: ArrayLike<number>;
  /** K ≥ 1; classes without rows count */
  readonly classes: number;
  /** [N] predicted class indices; the class of the highest probability (the first of equals) when absent */
  readonly predicted?: ArrayLike<number> | undefined;
  /** [N] sample weights ≥ 0, not all 0; whole weights give what repeated rows would. All 1 when absent. */
  readonly weights?: ArrayLike<number> | undefined;
  /** The positive class, where the task has one; the `*_binary` metrics exist only then. */
  readonly positiveClass?: number | undefined;
  /** K names for the documents; `'0'`, `'1'`, … when absent */
  readonly classLabels?: readonly string[] | undefined;
}

/** Azure ML's scalar metrics by name. */
export type ClassificationScalars = Record<Exclude<ClassificationMetricName, BinaryMetricName>, number> &
  Partial<Record<BinaryMetricName, number>>;

export interface ClassificationResult {
  readonly scalars: ClassificationScalars;
  readonly confusion_matrix: ConfusionMatrixDocument;
  readonly accuracy_table: AccuracyTableDocument;
}

/**
 * All metrics of a classifier: Azure ML's scalars (definitions in docs/metrics.md), confusion matrix, accuracy table.
 * A scalar that is undefined for these rows is NaN: the AUCs where all rows are of one class, norm_macro_recall for
 * K = 1.
 *
 * @throws ShapeError for lengths that differ; DataError for no rows, NaN or values out of range (the row is named);
 *   ConfigError for a positive class or class labels that do not fit K
 */
export function classificationMetrics(input: ClassificationInput): ClassificationResult {
  const where = 'classificationMetrics';
  checkInput(where, input);
  const { yTrue, probabilities, classes, weights, positiveClass } = input;
  const classLabels = input.classLabels ?? Array.from({ length: classes }, (_, k) => String(k));
  if (classLabels.length !== classes) {
    throw new ConfigError(
      `${where}: classLabels must be ${classes} names, but got ${classLabels.length}. Give one per class.`,
    );
  }
  const predicted = input.predicted ?? argmaxRows(probabilities, classes);
  const matrix = confusionMatrix(yTrue, predicted, classes, weights);
  const ranked = rankProbabilities(probabilities, classes);
  const scalars: Partial<Record<ClassificationMetricName, number>> = {
    ...rankingScalars(input, ranked),
    log_loss: logLoss(yTrue, probabilities, classes, weights),
  };
  const counts = countsOfMatrix(matrix, classes);
  for (const name of labelMetricNames) {
    if (name.endsWith('_binary') && positiveClass === undefined) continue;
    scalars[name] = labelMetric(name, counts, positiveClass);
  }
  return {
    scalars: scalars as ClassificationScalars,
    confusion_matrix: confusionDocument(matrix, classLabels),
    accuracy_table: accuracyTable(yTrue, probabilities, classLabels, weights, ranked),
  };
}

/**
 * One scalar of `classificationMetrics`, without the work for the others.
 *
 * @throws as `classificationMetrics`, and ConfigError for a `*_binary` metric without a positive class
 */
export function classificationScore(name: ClassificationMetricName, input: ClassificationInput): number {
  const { yTrue, probabilities, classes, weights, positiveClass } = input;
  if (isLabelMetric(name)) {
    if (input.predicted === undefined) {
      checkRows('classificationScore', yTrue.length);
      checkProbabilities('classificationScore', probabilities, yTrue.length, classes);
    }
    const predicted = input.predicted ?? argmaxRows(probabilities, classes);
    return labelMetric(name, labelCounts(yTrue, predicted, classes, weights), positiveClass);
  }
  if (name === 'log_loss') return logLoss(yTrue, probabilities, classes, weights);
  const score = name.startsWith('AUC') ? aucScore : averagePrecisionScore;
  const average = name.slice(name.lastIndexOf('_') + 1) as Average;
  return score(yTrue, probabilities, classes, average, { weights, positiveClass });
}

function checkInput(where: string, input: ClassificationInput): void {
  const { yTrue, probabilities, classes, weights, positiveClass } = input;
  checkRows(where, yTrue.length);
  checkClassIndices(where, 'yTrue', yTrue, classes);
  checkProbabilities(where, probabilities, yTrue.length, classes);
  checkWeights(where, weights, yTrue.length);
  if (positiveClass !== undefined) checkPositiveClass(positiveClass, classes);
}

function rankingScalars(
  input: ClassificationInput,
  ranked: RankedProbabilities,
): Partial<Record<ClassificationMetricName, number>> {
  const { yTrue, classes, weights, positiveClass } = input;
  const perClass = ranked.perClass.map((scores, k) => curveAreas(scores, yTrue, k, weights));
  const micro = microAreas(ranked.all, yTrue, classes, weights);
  return {
    AUC_macro: averageOverPresent(perClass, 'macro', (areas) => areas.auc),
    AUC_micro: micro.auc,
    AUC_weighted: averageOverPresent(perClass, 'weighted', (areas) => areas.auc),
    average_precision_score_macro: averageOverPresent(perClass, 'macro', (areas) => areas.averagePrecision),
    average_precision_score_micro: micro.averagePrecision,
    average_precision_score_weighted: averageOverPresent(
      perClass,
      'weighted',
      (areas) => areas.averagePrecision,
    ),
    ...(positiveClass === undefined
      ? {}
      : {
          AUC_binary: perClass[positiveClass].auc,
          average_precision_score_binary: perClass[positiveClass].averagePrecision,
        }),
  };
}
