import type { OnnxGraph } from '#engine';
import { type FeatureColumn, FeatureMatrix } from '../features/matrix.ts';
import type { FitContext, Learner, Model, Task } from '../learners/learner.ts';
import { findLearner } from '../learners/registry.ts';
import { type OutOfFold, outputsOf, takeEntries } from './out-of-fold.ts';

/** Probabilities are kept this far from 0 and 1 before their logarithm is taken. */
const CLIP = 1e-6;

/**
 * What the linear meta-learner of a stack sees of its members: the log-odds of the second class for two classes,
 * the log probabilities of all classes for more, the predicted value in regression.
 *
 * @param predictions per member row-major [N, K] probabilities or [N] values
 */
export function stackFeatures(
  task: Task,
  classes: number,
  predictions: readonly Float64Array[],
): FeatureMatrix {
  const columns: FeatureColumn[] = [];
  for (const values of predictions) {
    if (task === 'regression') {
      columns.push({ kind: 'dense', values: Float32Array.from(values) });
      continue;
    }
    const rows = values.length / classes;
    const log = (row: number, k: number) => Math.log(Math.max(values[row * classes + k], CLIP));
    if (classes === 2) {
      columns.push({
        kind: 'dense',
        values: Float32Array.from({ length: rows }, (_, i) => log(i, 1) - log(i, 0)),
      });
      continue;
    }
    for (let k = 0; k < classes; k++) {
      columns.push({ kind: 'dense', values: Float32Array.from({ length: rows }, (_, i) => log(i, k)) });
    }
  }
  const rows = columns[0].kind === 'dense' ? columns[0].values.length : 0;
  const features = columns.map((_, j) => ({
    name: `member${j}`,
    source: `member${j}`,
    type: 'numeric' as const,
    cardinality: 0,
  }));
  return new FeatureMatrix(rows, features, columns);
}

/** The ONNX nodes of `stackFeatures`: members' outputs [N, K] or [N, 1] → float32 [N, M]. */
export function emitStackFeatures(
  graph: OnnxGraph,
  task: Task,
  classes: number,
  members: readonly string[],
): string {
  const columns = members.map((member) => {
    if (task === 'regression') return member;
    const log = graph.node('Log', [graph.node('Max', [member, graph.float(CLIP)])]);
    if (classes > 2) return log;
    const column = (k: number) =>
      graph.node('Gather', [log, graph.int64([k])], { attributes: { axis: { int: 1 } } });
    return graph.node('Sub', [column(1), column(0)]);
  });
  return columns.length === 1
    ? columns[0]
    : graph.node('Concat', columns, { attributes: { axis: { int: 1 } } });
}

export interface StackOptions {
  /** Weighs classes by inverse frequency; meant for macro-averaged primary metrics. */
  readonly balanced: boolean;
  /** Entries to learn from; all by default. */
  readonly entries?: Uint32Array;
}

/**
 * Fits the meta-learner of a stack on out-of-fold predictions: logistic regression, or ridge for a regression.
 * @source Wolpert, "Stacked generalization", Neural Networks 5 (1992)
 */
export async function fitStack(
  layout: OutOfFold,
  predictions: readonly Float64Array[],
  context: FitContext,
  { balanced, entries }: StackOptions,
): Promise<Model> {
  const outputs = outputsOf(layout);
  const index = entries ?? Uint32Array.from(layout.y, (_, e) => e);
  const chosen = predictions.map((values) => takeEntries(values, index, outputs));
  const weights = layout.weights;
  return metaLearner(layout.task).fit(
    {
      X: stackFeatures(layout.task, layout.classes, chosen),
      y: Float64Array.from(index, (e) => layout.y[e]),
      classes: layout.classes,
      ...(weights === undefined ? {} : { weights: Float64Array.from(index, (e) => weights[e]) }),
    },
    layout.task === 'classification' && balanced ? { classWeight: 'balanced' } : {},
    context,
  );
}

/** The learner that combines the members of a stack. */
function metaLearner(task: Task): Learner {
  return findLearner(task === 'classification' ? 'LogisticRegression' : 'Ridge');
}
