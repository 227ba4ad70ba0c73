import { type DesignMatrix, sum } from './design-matrix.ts';
import { logSigmoid, sigmoid } from './linear-model.ts';
import type { LinearSolution, LogisticProblem } from './logistic-lbfgs.ts';
import type { Pacer } from './pacer.ts';

const MAX_PASSES = 100;
const MAX_HALVINGS = 30;
/** Smallest curvature p · (1 − p) of a row; keeps the quadratic model solvable where p is 0 or 1. */
const MIN_CURVATURE = 1e-6;

interface Penalty {
  /** Factor of ‖w‖₁ */
  readonly l1: number;
  /** Factor of ½‖w‖² */
  readonly l2: number;
}

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
 * Proximal Newton: a quadratic model of the loss is minimised by coordinate descent over active columns, then a line
 * search on the true objective. With K > 2 the classes take turns; seen from class k the softmax loss is the logistic
 * loss of z_k − ln Σ_{l≠k} exp z_l.
 *
 * @source Friedman, Hastie and Tibshirani, Regularization Paths for Generalized Linear Models via Coordinate Descent
 * (2010); Yuan, Ho and Lin, An Improved GLMNET for L1-regularized Logistic Regression (2012)
 */
export async function fitLogisticCoordinateDescent(
  problem: LogisticProblem,
  l1Ratio: number,
  pacer: Pacer,
): Promise<LinearSolution> {
  const { X, y, classes, weights, C } = problem;
  const outputs = classes === 2 ? 1 : classes;
  if (problem.fitIntercept) X.center(X.means(weights));
  const penalty: Penalty = { l1: l1Ratio / C, l2: (1 - l1Ratio) / C };
  const blocks = Array.from(
    { length: outputs },
    (): Block => ({ w: new Float64Array(X.width), b: 0, z: new Float64Array(X.rows) }),
  );
  for (let iteration = 0; iteration < problem.maxIterations; iteration++) {
    let change = 0;
    for (const [m, block] of blocks.entries()) {
      const positive = outputs === 1 ? 1 : m;
      const others = blocks.filter((other) => other !== block);
      const step = new NewtonStep(X, block, logSumExp(others, X.rows), y, positive, weights, penalty);
      const tolerance = problem.tolerance * (iteration === 0 ? 10 : 0.1);
      await step.solve(tolerance, problem.fitIntercept, pacer);
      change = Math.max(change, step.apply());
    }
    if (change <= problem.tolerance) break;
  }
  return collect(blocks, X);
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

/** Back to columns that are not centred; intercepts of K > 2 classes sum to 0, as only differences matter. */
function collect(blocks: readonly Block[], X: DesignMatrix): LinearSolution {
  const coefficients = new Float64Array(blocks.length * X.width);
  const intercepts = new Float64Array(blocks.length);
  for (const [m, { w, b }] of blocks.entries()) {
    coefficients.set(w, m * X.width);
    intercepts[m] = b;
    for (let j = 0; j < X.width; j++) intercepts[m] -= w[j] * X.centers[j];
  }
  if (blocks.length > 1) {
    const mean = sum(intercepts) / blocks.length;
    for (let m = 0; m < blocks.length; m++) intercepts[m] -= mean;
  }
  return { coefficients, intercepts };
}

/**
 * Minimises gᵀXd + ½(Xd)ᵀH(Xd) + penalty(w + d) over the step d.
 *
 * Kept up to date is q = g + H·Xd as `q[i] + shift · h[i]`: columns are sparse entries plus a constant, and the
 * constants only move `shift`.
 */
class NewtonStep {
  private readonly X: DesignMatrix;
  private readonly block: Block;
  private readonly offset: Float64Array;
  private readonly y: Float64Array;
  private readonly positive: number;
  private readonly weights: Float64Array;
  private readonly penalty: Penalty;
  /** [N] curvatures s·p(1 − p), gradients s(p − y), and q without its shift. */
  private readonly h: Float64Array;
  private readonly g: Float64Array;
  private readonly q: Float64Array;
  /** [D] Σ h·x² + l2, and Σ h·stored. */
  private readonly curvature: Float64Array;
  private readonly storedH: Float64Array;
  private readonly totalH: number;
  private totalQ: number;
  private shift = 0;
  private readonly target: Float64Array;
  private db = 0;

  constructor(
    X: DesignMatrix,
    block: Block,
    offset: Float64Array,
    y: Float64Array,
    positive: number,
    weights: Float64Array,
    penalty: Penalty,
  ) {
    this.X = X;
    this.block = block;
    this.offset = offset;
    this.y = y;
    this.positive = positive;
    this.weights = weights;
    this.penalty = penalty;
    this.h = new Float64Array(X.rows);
    this.g = new Float64Array(X.rows);
    for (let i = 0; i < X.rows; i++) {
      const p = sigmoid(block.z[i] - offset[i]);
      this.g[i] = weights[i] * (p - (y[i] === positive ? 1 : 0));
      this.h[i] = weights[i] * Math.max(p * (1 - p), MIN_CURVATURE);
    }
    this.q = this.g.slice();
    this.totalH = sum(this.h);
    this.totalQ = sum(this.q);
    this.storedH = Float64Array.from(block.w, (_, j) => X.storedDot(j, this.h));
    this.curvature = X.squares(this.h).map((square) => square + penalty.l2);
    this.target = block.w.slice();
  }

  /** Passes over all columns, then over the active ones until they rest, until a full pass finds nothing new. */
  async solve(tolerance: number, fitIntercept: boolean, pacer: Pacer): Promise<void> {
    const all = Uint32Array.from(this.target.keys());
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      if ((await this.pass(all, fitIntercept, pacer)) <= tolerance) return;
      const active = all.filter((j) => this.target[j] !== 0);
      for (; pass < MAX_PASSES; pass++) {
        if ((await this.pass(active, fitIntercept, pacer)) <= tolerance) break;
      }
    }
  }

  /** @returns the largest change of a coordinate, measured as its effect on the scores (root mean square) */
  private async pass(columns: Uint32Array, fitIntercept: boolean, pacer: Pacer): Promise<number> {
    let change = 0;
    for (const j of columns) {
      if (pacer.due()) await pacer.pause();
      change = Math.max(change, Math.abs(this.updateColumn(j)) * Math.sqrt(this.curvature[j] / this.totalH));
    }
    if (fitIntercept) {
      const step = -(this.totalQ + this.shift * this.totalH) / this.totalH;
      this.shift += step;
      this.db += step;
      change = Math.max(change, Math.abs(step));
    }
    return change;
  }

  private updateColumn(j: number): number {
    const { X, target, penalty } = this;
    const a = this.curvature[j];
    if (!(a > 0)) return 0;
    const constant = X.shifts[j];
    const gradient =
      X.storedDot(j, this.q) +
      this.shift * this.storedH[j] +
      constant * (this.totalQ + this.shift * this.totalH) +
      penalty.l2 * target[j];
    const next = softThreshold(target[j] - gradient / a, penalty.l1 / a);
    const step = next - target[j];
    if (step === 0) return 0;
    target[j] = next;
    X.addStoredWeighted(j, step, this.h, this.q);
    this.totalQ += step * this.storedH[j];
    this.shift += step * constant;
    return step;
  }

  /** Goes as far along the step as the true objective falls. @returns the size of the step in the scores */
  apply(): number {
    const { block, target, q, g, h } = this;
    const { w, z } = block;
    const dz = q.map((value, i) => (value - g[i]) / h[i] + this.shift);
    const slope = this.slope(dz);
    if (!(slope < 0)) return 0;
    const before = this.objective(0, dz);
    let t = 1;
    for (let i = 0; i < MAX_HALVINGS && !(this.objective(t, dz) <= before + 0.01 * t * slope); i++) t /= 2;
    if (this.objective(t, dz) > before) return 0;
    let squares = 0;
    for (let i = 0; i < z.length; i++) {
      z[i] += t * dz[i];
      squares += this.weights[i] * (t * dz[i]) ** 2;
    }
    for (let j = 0; j < w.length; j++) w[j] += t * (target[j] - w[j]);
    block.b += t * this.db;
    return Math.sqrt(squares / sum(this.weights));
  }

  /** Upper bound of the objective's change per unit of the step: gᵀdz + penalty(w + d) − penalty(w). */
  private slope(dz: Float64Array): number {
    let total = this.penaltyAt(1) - this.penaltyAt(0);
    for (let i = 0; i < dz.length; i++) total += this.g[i] * dz[i];
    return total;
  }

  private objective(t: number, dz: Float64Array): number {
    const { y, positive, weights, offset } = this;
    const { z } = this.block;
    let loss = this.penaltyAt(t);
    for (let i = 0; i < z.length; i++) {
      const logit = z[i] + t * dz[i] - offset[i];
      loss -= weights[i] * logSigmoid(y[i] === positive ? logit : -logit);
    }
    return loss;
  }

  private penaltyAt(t: number): number {
    const { w } = this.block;
    let total = 0;
    for (let j = 0; j < w.length; j++) {
      const value = w[j] + t * (this.target[j] - w[j]);
      total += this.penalty.l1 * Math.abs(value) + 0.5 * this.penalty.l2 * value * value;
    }
    return total;
  }
}

/** sign(v) · max(|v| − t, 0) */
export function softThreshold(value: number, threshold: number): number {
  if (value > threshold) return value - threshold;
  return value < -threshold ? value + threshold : 0;
}
