import { ConfigError, DataError, ShapeError } from '#core';
import {
  accuracy,
  argmaxRows,
  averagePrecision,
  confusionMatrix,
  f1Score,
  type LabelCounts,
  labelCounts,
  logLoss,
  paddedAveragePrecision,
  recallScore,
  topKAccuracy,
} from '#metrics';

/** What the predictions of a classifier are worth, each number over all rows. */
export interface ClassifierMetrics {
  /** Share of rows predicted right. */
  readonly accuracy: number;
  /** Mean recall of the classes that have rows or are predicted; one without rows that is predicted counts 0. */
  readonly meanRecall: number;
  /** Padded macro average precision with five rows of padding. */
  readonly cmAP: number;
  /** Share of rows whose class is among the five most probable, or among all classes where there are fewer. */
  readonly top5Accuracy: number;
  /** Mean F1 of the classes that have rows or are predicted. */
  readonly macroF1: number;
  readonly logLoss: number;
}

/** One class against the rest. */
export interface ClassJudgement {
  readonly name: string;
  /** Rows of the class. */
  readonly support: number;
  /** 0 for a class that is never predicted. */
  readonly precision: number;
  /** 0 for a class without rows. */
  readonly recall: number;
  readonly f1: number;
  /** Step-wise average precision, without padding; `null` for a class without rows. */
  readonly averagePrecision: number | null;
}

/** A row that was predicted wrong. */
export interface Mistake {
  /** Position of the row in the arrays that were judged. */
  readonly index: number;
  /** Class indices. */
  readonly actual: number;
  readonly predicted: number;
  /** Probability of the predicted class. */
  readonly probability: number;
  /** Probability of the true class. */
  readonly actualProbability: number;
}

/** A plain JSON document. */
export interface ClassifierJudgement {
  readonly metrics: ClassifierMetrics;
  /** [K] */
  readonly perClass: readonly ClassJudgement[];
  /** [K, K] row = true class, column = predicted class. */
  readonly confusionMatrix: readonly (readonly number[])[];
  /** The most confident wrong predictions first. */
  readonly mistakes: readonly Mistake[];
}

export interface JudgePredictionsInput {
  /** [N] class indices 0 … K − 1 */
  readonly labels: ArrayLike<number>;
  /** [N, K] row-major, in [0, 1] */
  readonly probabilities: Float32Array | Float64Array;
  /** K names */
  readonly classes: readonly string[];
  /** How many mistakes are listed; 24 when absent. */
  readonly mistakes?: number;
}

const PADDING = 5;

/**
 * Judges the predictions of a classifier that gives one class to every row. The predicted class is the one of highest
 * probability, the first of equals.
 *
 * @throws ShapeError for arrays that do not fit; DataError for no rows, labels outside 0 … K − 1, and probabilities
 * outside [0, 1] or NaN; ConfigError for a number of mistakes that is no whole number from 0
 */
export function judgePredictions({
  labels,
  probabilities,
  classes,
  mistakes = 24,
}: JudgePredictionsInput): ClassifierJudgement {
  const K = classes.length;
  checkSizes(labels.length, probabilities.length, K);
  if (!(Number.isInteger(mistakes) && mistakes >= 0)) {
    throw new ConfigError(
      `judgePredictions: mistakes must be a whole number from 0, but got ${mistakes}. Give one such as 24.`,
    );
  }
  // First, because it checks every label and every probability.
  const loss = logLoss(labels, probabilities, K);
  const predicted = argmaxRows(probabilities, K);
  const counts = labelCounts(labels, predicted, K);
  const matrix = confusionMatrix(labels, predicted, K);
  return {
    metrics: {
      accuracy: accuracy(counts),
      meanRecall: recallScore(counts, 'macro'),
      cmAP: paddedAveragePrecision(labels, probabilities, K, PADDING),
      top5Accuracy: topKAccuracy(labels, probabilities, K, Math.min(5, K)),
      macroF1: f1Score(counts, 'macro'),
      logLoss: loss,
    },
    perClass: classes.map((name, k) => judgeClass(name, k, counts, labels, probabilities)),
    confusionMatrix: classes.map((_, k) => Array.from(matrix.subarray(k * K, (k + 1) * K))),
    mistakes: worstMistakes(labels, predicted, probabilities, K, mistakes),
  };
}

function checkSizes(rows: number, cells: number, classes: number): void {
  if (rows === 0 || classes === 0) {
    throw new DataError(
      `judgePredictions: there must be rows and classes, but got ${rows} rows and ${classes} classes. Pass at least one of each.`,
    );
  }
  if (cells !== rows * classes) {
    throw new ShapeError(
      `judgePredictions: probabilities must be [N, K] = [${rows}, ${classes}], but got ${cells} numbers. Pass one row of ${classes} for every label.`,
    );
  }
}

function judgeClass(
  name: string,
  k: number,
  { correct, actual, predicted }: LabelCounts,
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): ClassJudgement {
  const classes = probabilities.length / labels.length;
  const isPositive = Uint8Array.from(labels, (label) => (label === k ? 1 : 0));
  const scores = Float64Array.from(labels, (_, i) => probabilities[i * classes + k]);
  const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  return {
    name,
    support: actual[k],
    precision: ratio(correct[k], predicted[k]),
    recall: ratio(correct[k], actual[k]),
    f1: ratio(2 * correct[k], actual[k] + predicted[k]),
    averagePrecision: actual[k] === 0 ? null : averagePrecision(isPositive, scores),
  };
}

function worstMistakes(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  classes: number,
  most: number,
): Mistake[] {
  const found: Mistake[] = [];
  for (let index = 0; index < labels.length; index++) {
    if (labels[index] === predicted[index]) continue;
    found.push({
      index,
      actual: labels[index],
      predicted: predicted[index],
      probability: probabilities[index * classes + predicted[index]],
      actualProbability: probabilities[index * classes + labels[index]],
    });
  }
  return found.sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, most);
}
