import { type DesignMatrix, sum } from './design-matrix.ts';
import { type LbfgsOptions, minimizeLbfgs } from './lbfgs.ts';
import { sigmoid } from './linear-model.ts';
import type { Pacer } from './pacer.ts';
import { type Preconditioner, preconditioner } from './preconditioner.ts';

export interface LogisticProblem {
  readonly X: DesignMatrix;
  /** [N] class indices */
  readonly y: Float64Array;
  readonly classes: number;
  /** [N] positive */
  readonly weights: Float64Array;
  readonly C: number;
  readonly fitIntercept: boolean;
  readonly maxIterations: number;
  readonly tolerance: number;
}

/** Weights [M, D] and intercepts [M] of M = 1 score (two classes) or M = K scores. */
export interface LinearSolution {
  readonly coefficients: Float64Array;
  readonly intercepts: Float64Array;
}

/** Where the first search stops and the second one starts, with the curvature found there. */
const ROUGH = { tolerance: 1e-2, iterations: 30 };

/**
 * L2-penalised logistic regression, multinomial for K > 2: minimises
 * C · Σ_i s_i · loss_i + ½‖W‖², intercepts free, divided by C · Σ s.
 *
 * The columns are centred, and each search moves w = w₀ + T·u in variables u that make the Hessian roughly the identity:
 * the first one with the curvature p(1 − p) at w = 0, the second one with the curvature the first one ended at. Both
 * only make it shorter, the minimum is the same.
 */
export async function fitLogisticLbfgs(problem: LogisticProblem, pacer: Pacer): Promise<LinearSolution> {
  const { X, classes, weights, maxIterations, tolerance } = problem;
  const outputs = classes === 2 ? 1 : classes;
  if (problem.fitIntercept) X.center(X.means(weights));
  let solution = startingPoint(problem, outputs);
  const rough = Math.max(ROUGH.tolerance, tolerance);
  let left = maxIterations;
  for (const goal of [rough, tolerance]) {
    const limit = goal === tolerance ? left : Math.min(ROUGH.iterations, left);
    const next = await search(problem, solution, { maxIterations: limit, tolerance: goal, pacer });
    solution = next.solution;
    left -= next.iterations;
    if (goal === tolerance || left === 0) break;
  }
  const { coefficients, intercepts } = solution;
  for (let m = 0; m < outputs; m++) {
    for (let j = 0; j < X.width; j++) intercepts[m] -= coefficients[m * X.width + j] * X.centers[j];
  }
  if (outputs > 1) {
    centerClasses(coefficients, outputs);
    if (problem.fitIntercept) centerClasses(intercepts, outputs);
  }
  return solution;
}

/**
 * Moves values [K, n] so that they sum to 0 over the classes: the softmax does not see it, and it makes ½‖W‖² smaller.
 */
export function centerClasses(values: Float64Array, classes: number): void {
  const size = values.length / classes;
  for (let j = 0; j < size; j++) {
    let mean = 0;
    for (let at = j; at < values.length; at += size) mean += values[at] / classes;
    for (let at = j; at < values.length; at += size) values[at] -= mean;
  }
}

/** No feature matters: the intercepts are the logits of the class shares. */
function startingPoint(
  { X, y, classes, weights, fitIntercept }: LogisticProblem,
  outputs: number,
): LinearSolution {
  const logShares = new Float64Array(classes);
  for (let i = 0; i < y.length; i++) logShares[y[i]] += weights[i];
  for (let k = 0; k < classes; k++) logShares[k] = Math.log(logShares[k]);
  const reference = outputs === 1 ? logShares[0] : sum(logShares) / classes;
  const own = outputs === 1 ? logShares.subarray(1) : logShares;
  return {
    coefficients: new Float64Array(outputs * X.width),
    intercepts: own.map((value) => (fitIntercept ? value - reference : 0)),
  };
}

/** One run of L-BFGS from `start`, preconditioned with the Hessian there. */
async function search(
  problem: LogisticProblem,
  start: LinearSolution,
  options: LbfgsOptions,
): Promise<{ solution: LinearSolution; iterations: number }> {
  const { X, y, classes, weights, fitIntercept } = problem;
  const { rows, width } = X;
  const outputs = start.intercepts.length;
  const total = sum(weights);
  const ridge = 1 / (problem.C * total);
  const scores = new Float64Array(outputs * rows);
  const block = (values: Float64Array, m: number, size: number) => values.subarray(m * size, (m + 1) * size);

  const scoreAll = ({ coefficients, intercepts }: LinearSolution) => {
    for (let m = 0; m < outputs; m++) {
      X.multiply(block(coefficients, m, width), intercepts[m], block(scores, m, rows));
    }
  };
  scoreAll(start);
  const curvatures = rowCurvatures(scores, weights, outputs);
  const T: Preconditioner[] = [];
  for (let m = 0; m < outputs; m++) {
    T.push(await preconditioner(X, block(curvatures, m, rows), total, ridge, options.pacer));
  }

  const at = (u: Float64Array): LinearSolution => {
    const coefficients = u.slice(0, outputs * width);
    for (let m = 0; m < outputs; m++) T[m].toWeights(block(coefficients, m, width));
    for (let j = 0; j < coefficients.length; j++) coefficients[j] += start.coefficients[j];
    const intercepts = start.intercepts.map((b, m) => b + u[outputs * width + m] * T[m].interceptScale);
    return { coefficients, intercepts };
  };
  const objective = (u: Float64Array, gradient: Float64Array): number => {
    const solution = at(u);
    const { coefficients } = solution;
    scoreAll(solution);
    const loss =
      outputs === 1 ? binaryLoss(scores, y, weights) : multinomialLoss(scores, y, weights, classes);
    let squares = 0;
    for (let m = 0; m < outputs; m++) {
      const residual = block(scores, m, rows);
      const w = block(coefficients, m, width);
      const dw = block(gradient, m, width);
      X.multiplyTransposed(residual, dw);
      for (let j = 0; j < width; j++) {
        dw[j] = dw[j] / total + ridge * w[j];
        squares += w[j] * w[j];
      }
      T[m].toGradient(dw);
      gradient[outputs * width + m] = fitIntercept ? (sum(residual) / total) * T[m].interceptScale : 0;
    }
    return loss / total + 0.5 * ridge * squares;
  };
  const { x, iterations } = await minimizeLbfgs(objective, new Float64Array(outputs * (width + 1)), options);
  return { solution: at(x), iterations };
}

/** s · p(1 − p) of every score, laid out like the scores [M, N]. */
function rowCurvatures(scores: Float64Array, weights: Float64Array, outputs: number): Float64Array {
  const rows = weights.length;
  const p = scores.slice();
  if (outputs === 1) for (let i = 0; i < rows; i++) p[i] = sigmoid(scores[i]);
  else for (let i = 0; i < rows; i++) softmaxColumn(p, i, rows);
  return p.map((value, at) => weights[at % rows] * value * (1 - value));
}

/** Softmax over the classes of row i of class-major scores [K, N], in place. @returns ln Σ exp z */
function softmaxColumn(scores: Float64Array, i: number, rows: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let at = i; at < scores.length; at += rows) most = Math.max(most, scores[at]);
  let total = 0;
  for (let at = i; at < scores.length; at += rows) {
    scores[at] = Math.exp(scores[at] - most);
    total += scores[at];
  }
  for (let at = i; at < scores.length; at += rows) scores[at] /= total;
  return most + Math.log(total);
}

/** Σ s · (−ln p(y)); turns the logits into residuals s · (p − y). */
function binaryLoss(logits: Float64Array, y: Float64Array, weights: Float64Array): number {
  let loss = 0;
  for (let i = 0; i < y.length; i++) {
    // With e = exp(−|z|): σ(|z|) = 1 / (1 + e) and ln(1 + exp z) = max(z, 0) + ln(1 + e).
    const z = logits[i];
    const e = Math.exp(-Math.abs(z));
    const p = (z >= 0 ? 1 : e) / (1 + e);
    loss += weights[i] * (Math.max(z, 0) + Math.log1p(e) - y[i] * z);
    logits[i] = weights[i] * (p - y[i]);
  }
  return loss;
}

/** The same for class-major scores [K, N] and the softmax. */
function multinomialLoss(
  scores: Float64Array,
  y: Float64Array,
  weights: Float64Array,
  classes: number,
): number {
  const rows = y.length;
  let loss = 0;
  for (let i = 0; i < rows; i++) {
    const own = scores[y[i] * rows + i];
    loss += weights[i] * (softmaxColumn(scores, i, rows) - own);
    for (let k = 0; k < classes; k++) {
      const at = k * rows + i;
      scores[at] = weights[i] * (scores[at] - (y[i] === k ? 1 : 0));
    }
  }
  return loss;
}
