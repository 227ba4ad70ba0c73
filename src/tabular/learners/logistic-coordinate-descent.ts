import { coordinateDescent, type ElasticPenalty } from './coordinate-descent.ts';
import { type DesignMatrix, sum } from './design-matrix.ts';
import { logSigmoid, sigmoid } from './linear-model.ts';
import { centerClasses, type LinearSolution, type LogisticProblem } from './logistic-lbfgs.ts';
import type { Pacer } from './pacer.ts';
import { quadraticModel } from './quadratic-model.ts';

const MAX_PASSES = 1000;
const MAX_HALVINGS = 30;
/** Smallest curvature p · (1 − p) of a row; keeps the quadratic model solvable where p is 0 or 1. */
const MIN_CURVATURE = 1e-6;

/** One score column: z = X·w + b, centred X. */
interface Block {
  readonly w: Float64Array;
  b: number;
  readonly z: Float64Array;
}

/**
 * Logistic regression with an elastic-net penalty: minimises
 * C · Σ_i s_i · loss_i + ρ‖W‖₁ + ½(1 − ρ)‖W‖², intercepts free, ρ = `l1Ratio`; multinomial for K > 2.
 *
 * Proximal Newton: a quadratic model of the loss is minimised by coordinate descent, then a line search on the true
 * objective. With K > 2 the classes take turns; seen from class k the softmax loss is the logistic loss of
 * z_k − ln Σ_{l≠k} exp z_l.
 *
 * @source Friedman, Hastie and Tibshirani, Regularization Paths for Generalized Linear Models via Coordinate Descent
 * (2010); Yuan, Ho and Lin, An Improved GLMNET for L1-regularized Logistic Regression (2012)
 */
export async function fitLogisticCoordinateDescent(
  problem: LogisticProblem,
  l1Ratio: number,
  pacer: Pacer,
): Promise<LinearSolution> {
  const { X, classes, C, tolerance } = problem;
  const outputs = classes === 2 ? 1 : classes;
  if (problem.fitIntercept) X.center(X.means(problem.weights));
  const penalty: ElasticPenalty = { l1: l1Ratio / C, l2: (1 - l1Ratio) / C };
  const blocks = Array.from(
    { length: outputs },
    (): Block => ({ w: new Float64Array(X.width), b: 0, z: new Float64Array(X.rows) }),
  );
  let change = 1;
  for (let iteration = 0; iteration < problem.maxIterations && change > tolerance; iteration++) {
    const inner = Math.max(0.1 * tolerance, 0.01 * change);
    change = 0;
    for (const [m, block] of blocks.entries()) {
      const others = blocks.filter((other) => other !== block);
      const view: ClassView = {
        positive: outputs === 1 ? 1 : m,
        offset: logSumExp(others, X.rows),
        penalty,
      };
      change = Math.max(change, await newtonStep(problem, block, view, inner, pacer));
    }
  }
  return collect(blocks, X);
}

/** One class against the rest. */
interface ClassView {
  readonly positive: number;
  /** [N] what the score is compared with */
  readonly offset: Float64Array;
  readonly penalty: ElasticPenalty;
}

/** ln Σ exp z of the other classes; 0 when there are none, as the two-class model compares with a score of 0. */
function logSumExp(blocks: readonly Block[], rows: number): Float64Array {
  const out = new Float64Array(rows);
  if (blocks.length === 0) return out;
  for (let i = 0; i < rows; i++) {
    let most = Number.NEGATIVE_INFINITY;
    for (const { z } of blocks) most = Math.max(most, z[i]);
    let total = 0;
    for (const { z } of blocks) total += Math.exp(z[i] - most);
    out[i] = most + Math.log(total);
  }
  return out;
}

/** Back to columns that are not centred; intercepts of K > 2 classes sum to 0. */
function collect(blocks: readonly Block[], X: DesignMatrix): LinearSolution {
  const coefficients = new Float64Array(blocks.length * X.width);
  const intercepts = new Float64Array(blocks.length);
  for (const [m, { w, b }] of blocks.entries()) {
    coefficients.set(w, m * X.width);
    intercepts[m] = b;
    for (let j = 0; j < X.width; j++) intercepts[m] -= w[j] * X.centers[j];
  }
  if (blocks.length > 1) centerClasses(intercepts, blocks.length);
  return { coefficients, intercepts };
}

/**
 * Moves one block to the minimum of the quadratic model, or as far that way as the true objective falls.
 * @returns the root mean square change of its scores
 */
async function newtonStep(
  problem: LogisticProblem,
  block: Block,
  view: ClassView,
  tolerance: number,
  pacer: Pacer,
): Promise<number> {
  const { X, y, weights, fitIntercept } = problem;
  const { w, z } = block;
  const { penalty, positive, offset } = view;
  const g = new Float64Array(X.rows);
  const h = new Float64Array(X.rows);
  for (let i = 0; i < X.rows; i++) {
    const p = sigmoid(z[i] - offset[i]);
    g[i] = weights[i] * (p - (y[i] === positive ? 1 : 0));
    h[i] = weights[i] * Math.max(p * (1 - p), MIN_CURVATURE);
  }
  const model = await quadraticModel(X, g, h, fitIntercept, pacer);
  const target = w.slice();
  await coordinateDescent(model, target, { penalty, maxPasses: MAX_PASSES, tolerance, pacer });
  const dw = target.map((value, j) => value - w[j]);
  const dz = new Float64Array(X.rows);
  X.multiply(dw, model.intercept, dz);

  let slope = penaltyOf(target, penalty) - penaltyOf(w, penalty);
  for (let i = 0; i < dz.length; i++) slope += g[i] * dz[i];
  if (!(slope < 0)) return 0;
  const objective = (t: number): number => {
    const at = w.map((value, j) => value + t * dw[j]);
    let loss = penaltyOf(at, penalty);
    for (let i = 0; i < z.length; i++) {
      const logit = z[i] + t * dz[i] - offset[i];
      loss -= weights[i] * logSigmoid(y[i] === positive ? logit : -logit);
    }
    return loss;
  };
  const before = objective(0);
  let t = 1;
  let after = objective(t);
  for (let i = 0; i < MAX_HALVINGS && !(after <= before + 0.01 * t * slope); i++) {
    t /= 2;
    after = objective(t);
  }
  if (!(after < before)) return 0;
  let squares = 0;
  for (let i = 0; i < z.length; i++) {
    z[i] += t * dz[i];
    squares += weights[i] * (t * dz[i]) ** 2;
  }
  for (let j = 0; j < w.length; j++) w[j] += t * dw[j];
  block.b += t * model.intercept;
  return Math.sqrt(squares / sum(weights));
}

function penaltyOf(w: Float64Array, { l1, l2 }: ElasticPenalty): number {
  let total = 0;
  for (let j = 0; j < w.length; j++) total += l1 * Math.abs(w[j]) + 0.5 * l2 * w[j] * w[j];
  return total;
}
