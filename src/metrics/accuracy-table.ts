import { type RankedProbabilities, type RankedScores, rankProbabilities } from './argsort.ts';
import { exactWeights } from './exact-weights.ts';

/** [true positives, false positives, true negatives, false negatives] */
export type ThresholdCounts = readonly [tp: number, fp: number, tn: number, fn: number];

/**
 * The accuracy table as a document in Azure ML's schema, from which ROC, precision-recall, gain, lift and calibration
 * charts are drawn: counts of every class against the rest at M = 100 thresholds, positive where p ≥ threshold.
 */
export interface AccuracyTableDocument {
  readonly schema_type: 'accuracy_table';
  readonly schema_version: '1.0.1';
  readonly data: {
    readonly class_labels: readonly string[];
    /** [K][M], at `probability_thresholds` */
    readonly probability_tables: readonly (readonly ThresholdCounts[])[];
    /** [K][M], at `percentile_thresholds` */
    readonly percentile_tables: readonly (readonly ThresholdCounts[])[];
    /** [M] evenly spaced in [0, 1] */
    readonly probability_thresholds: readonly number[];
    /** [M] evenly spaced percentiles of all N·K probabilities */
    readonly percentile_thresholds: readonly number[];
  };
}

const POINTS = 100;

/**
 * @param yTrue [N] class indices 0 … K − 1
 * @param probabilities [N, K] row-major, without NaN
 * @param classLabels K names
 * @param weights [N] numbers ≥ 0; all 1 when absent
 * @param ranked the probabilities in order, when the caller has them already
 */
export function accuracyTable(
  yTrue: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classLabels: readonly string[],
  weights?: ArrayLike<number>,
  ranked: RankedProbabilities = rankProbabilities(probabilities, classLabels.length),
): AccuracyTableDocument {
  const probabilityThresholds = Array.from({ length: POINTS }, (_, i) =>
    i === POINTS - 1 ? 1 : i * (1 / (POINTS - 1)),
  );
  // By way of per cent, as NumPy's percentile does it: that decides the last bit and so which rows are on a threshold.
  const percentileThresholds = probabilityThresholds.map((q) => quantile(ranked.all.scores, (q * 100) / 100));
  const exact = exactWeights(weights);
  const probabilityTables: ThresholdCounts[][] = [];
  const percentileTables: ThresholdCounts[][] = [];
  ranked.perClass.forEach((scores, k) => {
    probabilityTables.push(thresholdCounts(scores, yTrue, k, exact, probabilityThresholds));
    percentileTables.push(thresholdCounts(scores, yTrue, k, exact, percentileThresholds));
  });
  return {
    schema_type: 'accuracy_table',
    schema_version: '1.0.1',
    data: {
      class_labels: [...classLabels],
      probability_tables: probabilityTables,
      percentile_tables: percentileTables,
      probability_thresholds: probabilityThresholds,
      percentile_thresholds: percentileThresholds,
    },
  };
}

/** Quantile of falling values with linear interpolation between the two nearest. */
function quantile(falling: Float64Array, q: number): number {
  const last = falling.length - 1;
  const at = q * last;
  const below = Math.floor(at);
  const t = at - below;
  const a = falling[last - below];
  const b = falling[last - Math.min(last, below + 1)];
  // From the nearer end, so that a and b themselves are met exactly.
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

/** One pass over the rows by falling score, thresholds (ascending) taken from the highest. */
function thresholdCounts(
  { rows, scores }: RankedScores,
  yTrue: ArrayLike<number>,
  positive: number,
  weights: ArrayLike<number> | undefined,
  thresholds: readonly number[],
): ThresholdCounts[] {
  const table: ThresholdCounts[] = new Array(thresholds.length);
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < yTrue.length; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    if (yTrue[i] === positive) positives += weight;
    else negatives += weight;
  }
  let tp = 0;
  let fp = 0;
  let i = 0;
  for (let m = thresholds.length - 1; m >= 0; m--) {
    for (; i < rows.length && scores[i] >= thresholds[m]; i++) {
      const weight = weights === undefined ? 1 : weights[rows[i]];
      if (yTrue[rows[i]] === positive) tp += weight;
      else fp += weight;
    }
    table[m] = [tp, fp, negatives - fp, positives - tp];
  }
  return table;
}
