import {
  averageFolds,
  classificationMetrics,
  type MetricName,
  metricInfo,
  type RegressionInput,
  regressionMetrics,
  tuneClassWeights,
  tuneThreshold,
} from '#metrics';
import { argmaxDecision, type Decision, decide } from '../pipeline/decision.ts';
import { nestedParts, type OutOfFold, outputsOf, splitByPart, takeEntries } from './out-of-fold.ts';

/** How candidates are judged. */
export interface Scoring {
  readonly metric: MetricName;
  /** Tunes the decision for the metric; scored on rows the tuning did not see. */
  readonly tuneDecision: boolean;
  /** [K] names for the documents; empty in regression. */
  readonly classLabels: readonly string[];
  /** Positive class of the `*_binary` metrics. */
  readonly positiveClass?: number;
  /** Least and greatest target and its population standard deviation, over all rows; regression only. */
  readonly range?: RegressionInput['range'];
  readonly standardDeviation?: number;
}

/** Metrics of a candidate: scalars averaged over folds, documents summed. */
export interface CandidateScore {
  readonly metrics: Readonly<Record<string, number>>;
  readonly documents: Readonly<Record<string, unknown>>;
  /** Decision for new rows, tuned on all entries. */
  readonly decision: Decision;
}

/** Predictions [E, K] or [E] of a candidate whose choices did not look at the labels of part `p`. */
export type NestedPredictions = (part: number) => Float64Array;

/** Most classes a decision is tuned for; beyond, the tuning costs more than it gives. */
const MAX_TUNED_CLASSES = 20;

/** Metrics for which the decision is tuned unless the user says otherwise. */
export function tunesDecisionByDefault(metric: MetricName): boolean {
  return ['norm_macro_recall', 'balanced_accuracy', 'f1_score_macro', 'matthews_correlation'].includes(
    metric,
  );
}

/**
 * Scores out-of-fold predictions.
 *
 * With `tuneDecision` the decision used on a part of the rows is tuned on the other parts, so the metrics are those
 * of new rows; the returned decision is tuned on all of them.
 *
 * @param final [E, K] or [E]: predictions the final decision is tuned on
 * @param nested predictions per part; `final` for a candidate that chose nothing by itself
 */
export function scoreOutOfFold(
  layout: OutOfFold,
  final: Float64Array,
  scoring: Scoring,
  nested: NestedPredictions = () => final,
): CandidateScore {
  const { part, parts } = nestedParts(layout);
  const outputs = outputsOf(layout);
  const scored = new Float64Array(final.length);
  const predicted = new Int32Array(layout.y.length);
  for (let p = 0; p < parts; p++) {
    const { inside, outside } = splitByPart(part, p);
    const predictions = nested(p);
    const own = takeEntries(predictions, inside, outputs);
    for (let i = 0; i < inside.length; i++) {
      for (let k = 0; k < outputs; k++) scored[inside[i] * outputs + k] = own[i * outputs + k];
    }
    if (layout.task === 'regression') continue;
    const decision = scoring.tuneDecision
      ? tuneDecision(layout, predictions, scoring, outside)
      : argmaxDecision;
    const classes = decide(decision, own, layout.classes);
    for (let i = 0; i < inside.length; i++) predicted[inside[i]] = classes[i];
  }
  return {
    ...averageOverFolds(layout, scored, predicted, scoring),
    decision: scoring.tuneDecision ? tuneDecision(layout, final, scoring) : argmaxDecision,
  };
}

function averageOverFolds(
  layout: OutOfFold,
  scored: Float64Array,
  predicted: Int32Array,
  scoring: Scoring,
): Omit<CandidateScore, 'decision'> {
  const outputs = outputsOf(layout);
  const folds = Array.from({ length: layout.folds }, (_, f) => {
    const { inside } = splitByPart(layout.fold, f);
    const rows = { yTrue: pick(layout.y, inside), weights: layout.weights && pick(layout.weights, inside) };
    const values = takeEntries(scored, inside, outputs);
    return { rows, values, predicted: Int32Array.from(inside, (e) => predicted[e]) };
  });
  if (layout.task === 'regression') {
    const { range, standardDeviation } = scoring;
    const { scalars, ...documents } = averageFolds(
      folds.map(({ rows, values }) =>
        regressionMetrics({ ...rows, predictions: values, range, standardDeviation }),
      ),
    );
    return { metrics: scalars, documents };
  }
  const { scalars, ...documents } = averageFolds(
    folds.map(({ rows, values, predicted }) =>
      classificationMetrics({
        ...rows,
        probabilities: values,
        predicted,
        classes: layout.classes,
        positiveClass: scoring.positiveClass,
        classLabels: scoring.classLabels,
      }),
    ),
  );
  return { metrics: scalars as Record<string, number>, documents };
}

/**
 * The decision that is best for the metric on the given entries; argmax when the metric does not depend on it or there
 * are no entries.
 */
function tuneDecision(
  layout: OutOfFold,
  predictions: Float64Array,
  scoring: Scoring,
  entries?: Uint32Array,
): Decision {
  const { classes } = layout;
  if (!metricInfo(scoring.metric).needsThreshold || classes > MAX_TUNED_CLASSES) return argmaxDecision;
  const index = entries ?? Uint32Array.from(layout.y, (_, e) => e);
  if (index.length === 0) return argmaxDecision;
  const yTrue = pick(layout.y, index);
  const weights = layout.weights && pick(layout.weights, index);
  if (classes === 2) {
    const positive = Float64Array.from(index, (e) => predictions[2 * e + 1]);
    const positiveClass = scoring.positiveClass === 0 ? 0 : 1;
    return {
      kind: 'threshold',
      threshold: tuneThreshold(scoring.metric, yTrue, positive, { weights, positiveClass }).threshold,
    };
  }
  const probabilities = takeEntries(predictions, index, classes);
  const tuned = tuneClassWeights(scoring.metric, yTrue, probabilities, classes, {
    weights,
    positiveClass: scoring.positiveClass,
  });
  return { kind: 'weights', weights: [...tuned.classWeights] };
}

function pick(values: Float64Array, index: Uint32Array): Float64Array {
  return Float64Array.from(index, (e) => values[e]);
}
