/** The best that any model can reach on rows whose labels were drawn with known probabilities. */
export interface BinaryTruth {
  /** P(positive) of every row. */
  readonly probabilities: Float64Array;
  readonly positiveLabel: string;
  /** Share of positive labels drawn. */
  readonly positiveShare: number;
  /** Scores of the true probabilities against the labels drawn. */
  readonly bestAuc: number;
  readonly bestLogLoss: number;
  readonly bestAccuracy: number;
  /** The same, over all labels that could have been drawn for these rows (AUC: expected pairs won by expected pairs). */
  readonly expectedAuc: number;
  readonly expectedLogLoss: number;
  readonly expectedAccuracy: number;
}

/**
 * Area under the ROC curve with fractional labels: weight `positive[i]` of row i is positive, the rest negative.
 * Ties in the score count one half.
 */
function weightedAuc(score: Float64Array, positive: Float64Array): number {
  const order = Uint32Array.from(score, (_, i) => i).sort((a, b) => score[a] - score[b]);
  let below = 0;
  let area = 0;
  let positives = 0;
  for (let i = 0; i < order.length; ) {
    let tiePositive = 0;
    let tieNegative = 0;
    const value = score[order[i]];
    for (; i < order.length && score[order[i]] === value; i++) {
      tiePositive += positive[order[i]];
      tieNegative += 1 - positive[order[i]];
    }
    area += tiePositive * (below + tieNegative / 2);
    below += tieNegative;
    positives += tiePositive;
  }
  return area / (positives * below);
}

/** Best reachable scores from the true probabilities and the labels (1 positive) drawn with them. */
export function binaryTruth(
  probabilities: Float64Array,
  labels: Uint8Array,
  positiveLabel: string,
): BinaryTruth {
  const rows = labels.length;
  let positives = 0;
  let logLoss = 0;
  let entropy = 0;
  let right = 0;
  let expectedRight = 0;
  for (let i = 0; i < rows; i++) {
    const p = probabilities[i];
    positives += labels[i];
    logLoss -= Math.log(labels[i] === 1 ? p : 1 - p);
    entropy -= p * Math.log(p) + (1 - p) * Math.log(1 - p);
    if ((p > 0.5 ? 1 : 0) === labels[i]) right++;
    expectedRight += Math.max(p, 1 - p);
  }
  return {
    probabilities,
    positiveLabel,
    positiveShare: positives / rows,
    bestAuc: weightedAuc(probabilities, Float64Array.from(labels)),
    bestLogLoss: logLoss / rows,
    bestAccuracy: right / rows,
    expectedAuc: weightedAuc(probabilities, probabilities),
    expectedLogLoss: entropy / rows,
    expectedAccuracy: expectedRight / rows,
  };
}
