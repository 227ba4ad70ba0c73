import { Rng } from '#core';
import type { LinearLink } from './linear-model.ts';
import type { LinearSolution } from './logistic-lbfgs.ts';
import { fitSigmoid } from './platt-scaling.ts';
import type { RowMatrix } from './row-matrix.ts';

const FOLDS = 3;

/** Decides between +1 and −1 by the sign of x·w + b. */
export interface LinearDecision {
  readonly w: Float64Array;
  readonly b: number;
}

/**
 * Fits one decision to some rows.
 * @param rows which rows to learn from; both signs occur
 * @param signs [N] +1 or −1 for every row
 */
export type DecisionFit = (rows: Uint32Array, signs: Int8Array, rng: Rng) => Promise<LinearDecision>;

export interface CalibratedProblem {
  readonly X: RowMatrix;
  /** [N] class indices */
  readonly y: Float64Array;
  readonly classes: number;
  /** [N] positive */
  readonly weights: Float64Array;
  readonly seed: number;
}

/**
 * Linear decisions of each class against the rest (one decision for two classes) with probabilities by Platt scaling.
 *
 * The sigmoids are fitted to scores of rows the decision was not fitted on (3 stratified folds); the decision itself
 * is then fitted on all rows. σ(−(A·f + B)) of a linear f is linear within, so A and B go into the weights.
 */
export async function fitCalibratedOneVsRest(
  problem: CalibratedProblem,
  fitDecision: DecisionFit,
): Promise<LinearSolution & { link: LinearLink }> {
  const { X, y, classes } = problem;
  const outputs = classes === 2 ? 1 : classes;
  const folds = stratifiedFolds(problem);
  const coefficients = new Float64Array(outputs * X.width);
  const intercepts = new Float64Array(outputs);
  for (let m = 0; m < outputs; m++) {
    const positive = outputs === 1 ? 1 : m;
    const signs = Int8Array.from(y, (k) => (k === positive ? 1 : -1));
    const rng = new Rng(problem.seed).fork(`class ${m}`);
    const { w, b } = await fitDecision(Uint32Array.from(y.keys()), signs, rng.fork('all'));
    const scores = X.multiply(w, b);
    for (let fold = 0; fold < FOLDS; fold++) {
      const rows = Uint32Array.from([...y.keys()].filter((i) => folds[i] !== fold));
      // A fold without both signs has nothing to learn from: its rows keep the score of the whole model.
      if (!rows.some((i) => signs[i] === 1) || !rows.some((i) => signs[i] === -1)) continue;
      const part = await fitDecision(rows, signs, rng.fork(fold));
      const others = X.multiply(part.w, part.b);
      for (let i = 0; i < y.length; i++) if (folds[i] === fold) scores[i] = others[i];
    }
    const { A, B } = fitSigmoid(scores, (i) => signs[i] === 1, problem.weights);
    for (let j = 0; j < X.width; j++) coefficients[m * X.width + j] = -A * w[j];
    intercepts[m] = -(A * b + B);
  }
  return { coefficients, intercepts, link: outputs === 1 ? 'logistic' : 'one-vs-rest' };
}

/** [N] fold of each row; the rows of a class are dealt out in random order. */
function stratifiedFolds({ y, classes, seed }: CalibratedProblem): Uint8Array {
  const dealt = new Uint32Array(classes);
  const folds = new Uint8Array(y.length);
  for (const i of new Rng(seed).fork('folds').permutation(y.length)) folds[i] = dealt[y[i]]++ % FOLDS;
  return folds;
}
