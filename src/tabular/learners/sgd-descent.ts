import type { Rng } from '#core';
import type { LinearDecision } from './calibrated-one-vs-rest.ts';
import type { Pacer } from './pacer.ts';
import { type RowMatrix, RowWeights } from './row-matrix.ts';
import type { Loss } from './sgd-losses.ts';

export type LearningRate = 'optimal' | 'invscaling' | 'constant' | 'adaptive';

export interface DescentOptions {
  readonly loss: Loss;
  /** Factor of the penalty l1Share·‖w‖₁ + ½(1 − l1Share)·‖w‖². */
  readonly alpha: number;
  readonly l1Share: number;
  readonly learningRate: LearningRate;
  readonly eta0: number;
  readonly powerT: number;
  readonly average: boolean;
  readonly fitIntercept: boolean;
  readonly maxIterations: number;
  readonly tolerance: number | null;
}

export interface DescentProblem {
  readonly X: RowMatrix;
  /** [N] ‖x_i‖² */
  readonly squaredNorms: Float64Array;
  /** [N] with mean 1 */
  readonly weights: Float64Array;
  /** [N] */
  readonly target: ArrayLike<number>;
  readonly rows: Uint32Array;
}

/** Passes without a better loss until the search stops, or the adaptive rate falls. */
const PATIENCE = 5;
const ROWS_PER_LOOK = 1024;
const SMALLEST_RATE = 1e-6;

/**
 * Stochastic gradient descent over rows in random order. Rate at step t: `constant` η₀, `invscaling` η₀ / t^powerT,
 * `optimal` 1 / (α·(t₀ + t)) with 1 / (α·t₀) = η₀, `adaptive` η₀ divided by 5 whenever five passes brought nothing. No step
 * is longer than the one that would bring its own row to its best score, so it does not diverge. With `average` the
 * result is the mean of the states after the first pass.
 *
 * @source Bottou, Stochastic Gradient Descent Tricks (2012); L1 by Tsuruoka, Tsujii and Ananiadou (2009)
 */
export async function descend(
  problem: DescentProblem,
  options: DescentOptions,
  rng: Rng,
  pacer: Pacer,
): Promise<LinearDecision> {
  const { X, rows, target, weights, squaredNorms } = problem;
  const { loss, maxIterations, tolerance } = options;
  const state = new Weights(X, options);
  const order = rows.slice();
  let eta0 = options.eta0;
  let best = Number.POSITIVE_INFINITY;
  let idle = 0;
  let t = 0;
  for (let pass = 0; pass < maxIterations; pass++) {
    rng.shuffle(order);
    if (pass === 1) state.startAverage();
    let total = 0;
    for (const i of order) {
      if (t % ROWS_PER_LOOK === 0 && pacer.due()) await pacer.pause();
      t++;
      const score = state.score(i);
      total += weights[i] * loss.value(score, target[i]);
      const eta = rate(options, eta0, t);
      const longest = 1 / (loss.curvature * (squaredNorms[i] + 1));
      const slope = loss.slope(score, target[i]);
      state.step(i, Math.min(eta * weights[i], longest) * slope, eta);
    }
    state.settle();
    const mean = total / order.length;
    idle = tolerance !== null && mean > best - tolerance ? idle + 1 : 0;
    best = Math.min(best, mean);
    if (idle < PATIENCE) continue;
    if (options.learningRate !== 'adaptive' || eta0 <= SMALLEST_RATE) break;
    eta0 /= 5;
    idle = 0;
  }
  return state.result();
}

function rate({ learningRate, alpha, powerT }: DescentOptions, eta0: number, t: number): number {
  if (learningRate === 'optimal') return 1 / (1 / eta0 + alpha * t);
  return learningRate === 'invscaling' ? eta0 / t ** powerT : eta0;
}

/**
 * w = scale · v, so that shrinking all weights costs nothing, and the sum of all states without adding them up: with
 * S = Σ scale and a = Σ Δv·S (S before the step) it is S·v − a. L1 shrinks single weights and needs rows without base.
 */
class Weights {
  private readonly X: RowMatrix;
  private readonly l1: number;
  private readonly l2: number;
  private readonly options: DescentOptions;
  private readonly v: RowWeights;
  private readonly a: RowWeights;
  private readonly banked: Float64Array;
  private scale = 1;
  private S = 0;
  private b = 0;
  private sumB = 0;
  private count = 0;
  /** How far L1 should have moved every weight towards 0 so far, and how far it has moved each (with sign). */
  private owed = 0;
  private readonly moved: Float64Array;

  constructor(X: RowMatrix, options: DescentOptions) {
    this.X = X;
    this.options = options;
    this.l1 = options.alpha * options.l1Share;
    this.l2 = options.alpha * (1 - options.l1Share);
    this.v = new RowWeights(X);
    this.a = new RowWeights(X);
    this.banked = new Float64Array(X.width);
    this.moved = new Float64Array(X.width);
  }

  score(i: number): number {
    return this.scale * this.v.dot(i) + this.b;
  }

  /** w ← (1 − η·l2)·w − step·x_i, then towards 0 by η·l1 where x_i is not 0. */
  step(i: number, step: number, eta: number): void {
    this.scale *= Math.max(1 - eta * this.l2, 0.1);
    if (this.scale < 1e-6) this.rescale();
    if (step !== 0) {
      const factor = -step / this.scale;
      this.v.add(i, factor);
      this.a.add(i, factor * this.S);
      if (this.options.fitIntercept) this.b -= step;
    }
    if (this.l1 > 0) {
      this.owed += eta * this.l1;
      const { starts, features } = this.X;
      for (let at = starts[i]; at < starts[i + 1]; at++) this.shrink(features[at]);
    }
    this.S += this.scale;
    this.sumB += this.b;
    this.count++;
  }

  /** Weights of features that did not occur lately catch up with their shrinkage. */
  settle(): void {
    if (this.l1 > 0) for (let j = 0; j < this.X.width; j++) this.shrink(j);
  }

  startAverage(): void {
    this.S = 0;
    this.a.scale(0);
    this.banked.fill(0);
    this.sumB = 0;
    this.count = 0;
  }

  result(): LinearDecision {
    const v = this.v.toArray();
    if (!this.options.average) return { w: v.map((value) => value * this.scale), b: this.b };
    this.bankSum();
    const w = this.banked.map((value) => value / this.count);
    // Averaging brings back traces of weights that L1 has set to 0.
    if (this.l1 > 0) for (let j = 0; j < w.length; j++) if (v[j] === 0) w[j] = 0;
    return { w, b: this.sumB / this.count };
  }

  /**
   * Brings the total shrinkage of weight j to what is owed, but not past 0: what could not be taken then is taken when
   * the weight grows again, so that noise does not keep a useless weight alive.
   */
  private shrink(j: number): void {
    const { scale, owed } = this;
    const { v } = this.v;
    const w = v[j] * scale;
    if (w === 0) return;
    const next = w > 0 ? Math.max(0, w - owed - this.moved[j]) : Math.min(0, w + owed - this.moved[j]);
    this.moved[j] += next - w;
    this.a.v[j] += (next / scale - v[j]) * this.S;
    v[j] = next / scale;
  }

  /** Puts the sum of the states so far aside; S and a would lose it in rounding. */
  private bankSum(): void {
    const v = this.v.toArray();
    const a = this.a.toArray();
    for (let j = 0; j < v.length; j++) this.banked[j] += this.S * v[j] - a[j];
    this.S = 0;
    this.a.scale(0);
  }

  private rescale(): void {
    this.bankSum();
    this.v.scale(this.scale);
    this.scale = 1;
  }
}
