import { type RankedScores, rankScores } from './argsort.ts';
import {
  checkClassIndices,
  checkLength,
  checkProbabilities,
  checkRows,
  checkWeights,
} from './check-arrays.ts';
import { checkPositiveClass } from './label-metrics.ts';
import type { Average } from './metric-names.ts';

/** The two areas of one class against the rest. */
export interface CurveAreas {
  /** Area under the ROC curve; NaN when all rows or none are of the class. */
  readonly auc: number;
  /** Σ (R_i − R_{i−1}) P_i over falling thresholds; NaN when no row is of the class. */
  readonly averagePrecision: number;
  /** Rows of the class, weighted. */
  readonly positives: number;
}

export interface RankingOptions {
  /** [N] numbers ≥ 0; all 1 when absent. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Class index, for the average `binary`. */
  readonly positiveClass?: number | undefined;
}

/**
 * Area under the ROC curve of one column of scores: the chance that a positive row scores higher than a negative one,
 * ties counting half. NaN when all rows are positive or none is.
 *
 * @param isPositive [N] 1 for positive rows, 0 for negative ones
 * @param scores [N] any numbers but NaN
 * @param weights [N] numbers ≥ 0; all 1 when absent
 */
export function rocAuc(
  isPositive: ArrayLike<number>,
  scores: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  checkLength('rocAuc', 'scores', scores, isPositive.length);
  return curveAreas(rankScores(scores), isPositive, 1, weights).auc;
}

/**
 * Step-wise average precision of one column of scores: Σ (R_i − R_{i−1}) P_i over the distinct scores from the
 * highest, without interpolation. NaN when no row is positive.
 *
 * @param isPositive [N] 1 for positive rows, 0 for negative ones
 * @param scores [N] any numbers but NaN
 * @param weights [N] numbers ≥ 0; all 1 when absent
 */
export function averagePrecision(
  isPositive: ArrayLike<number>,
  scores: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  checkLength('averagePrecision', 'scores', scores, isPositive.length);
  return curveAreas(rankScores(scores), isPositive, 1, weights).averagePrecision;
}

/**
 * AUC of every class against the rest, averaged: `macro` plain and `weighted` by class size over the classes that
 * have rows; `micro` takes all N·K cells of the one-hot labels and the probabilities as one problem; `binary` takes
 * the positive class. NaN when all rows are of one class (`micro` excepted).
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, in [0, 1]
 * @param classes K
 * @throws ShapeError, DataError for arrays that do not fit or hold NaN; ConfigError for `binary` without its class
 */
export function aucScore(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  average: Average,
  options: RankingOptions = {},
): number {
  return averagedArea('aucScore', yTrue, probabilities, classes, average, options, (areas) => areas.auc);
}

/**
 * Average precision of every class against the rest, averaged as in `aucScore`.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, in [0, 1]
 * @param classes K
 * @throws ShapeError, DataError for arrays that do not fit or hold NaN; ConfigError for `binary` without its class
 */
export function averagePrecisionScore(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  average: Average,
  options: RankingOptions = {},
): number {
  const area = (areas: CurveAreas) => areas.averagePrecision;
  return averagedArea('averagePrecisionScore', yTrue, probabilities, classes, average, options, area);
}

function averagedArea(
  where: string,
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  average: Average,
  options: RankingOptions,
  area: (areas: CurveAreas) => number,
): number {
  const { weights, positiveClass } = options;
  checkRows(where, yTrue.length);
  checkClassIndices(where, 'yTrue', yTrue, classes);
  checkProbabilities(where, probabilities, yTrue.length, classes);
  checkWeights(where, weights, yTrue.length);
  if (average === 'micro') return area(microAreas(rankScores(probabilities), yTrue, classes, weights));
  const ofClass = (k: number) => classAreas(yTrue, probabilities, classes, k, weights);
  if (average === 'binary') return area(ofClass(checkPositiveClass(positiveClass, classes)));
  return averageOverPresent(
    Array.from({ length: classes }, (_, k) => ofClass(k)),
    average,
    area,
  );
}

/** Mean of an area over the classes with rows, plain or weighted by class size. */
export function averageOverPresent(
  perClass: readonly CurveAreas[],
  average: 'macro' | 'weighted',
  area: (areas: CurveAreas) => number,
): number {
  let value = 0;
  let share = 0;
  for (const areas of perClass) {
    if (areas.positives === 0) continue;
    const weight = average === 'weighted' ? areas.positives : 1;
    value += weight * area(areas);
    share += weight;
  }
  return value / share;
}

/** Column `k` of a row-major matrix [N, K]. */
function column(matrix: ArrayLike<number>, classes: number, k: number): Float64Array {
  const values = new Float64Array(matrix.length / classes);
  for (let i = 0; i < values.length; i++) values[i] = matrix[i * classes + k];
  return values;
}

function classAreas(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  k: number,
  weights: ArrayLike<number> | undefined,
): CurveAreas {
  return curveAreas(rankScores(column(probabilities, classes, k)), yTrue, k, weights);
}

/**
 * The areas of all N·K cells of the one-hot labels and the probabilities as one problem.
 *
 * @param ranked the N·K probabilities, row-major positions
 */
export function microAreas(
  ranked: RankedScores,
  yTrue: ArrayLike<number>,
  classes: number,
  weights: ArrayLike<number> | undefined,
): CurveAreas {
  const cells = new Uint8Array(ranked.rows.length);
  const cellWeights = weights === undefined ? undefined : new Float64Array(cells.length);
  for (let i = 0; i < yTrue.length; i++) {
    cells[i * classes + yTrue[i]] = 1;
    if (weights !== undefined) cellWeights?.fill(weights[i], i * classes, (i + 1) * classes);
  }
  return curveAreas(ranked, cells, 1, cellWeights);
}

/**
 * Walks the scores downwards; rows of equal score step together, so their order does not matter.
 * With tp and fp the weights of positives and negatives so far, P and F their totals:
 * AUC = Σ Δfp · (tp_before + tp_after) / 2 / (P·F); AP = Σ Δtp / P · tp / (tp + fp).
 *
 * @param labels [N] by row, positive where equal to `positive`
 */
export function curveAreas(
  { rows, scores }: RankedScores,
  labels: ArrayLike<number>,
  positive: number,
  weights: ArrayLike<number> | undefined,
): CurveAreas {
  let tp = 0;
  let fp = 0;
  let rocArea = 0;
  let precisionArea = 0;
  const n = rows.length;
  for (let i = 0; i < n; ) {
    const score = scores[i];
    const tpBefore = tp;
    const fpBefore = fp;
    for (; i < n && scores[i] === score; i++) {
      const row = rows[i];
      const weight = weights === undefined ? 1 : weights[row];
      if (labels[row] === positive) tp += weight;
      else fp += weight;
    }
    rocArea += ((fp - fpBefore) * (tp + tpBefore)) / 2;
    if (tp > tpBefore) precisionArea += ((tp - tpBefore) * tp) / (tp + fp);
  }
  return {
    auc: tp > 0 && fp > 0 ? rocArea / (tp * fp) : Number.NaN,
    averagePrecision: tp > 0 ? precisionArea / tp : Number.NaN,
    positives: tp,
  };
}
