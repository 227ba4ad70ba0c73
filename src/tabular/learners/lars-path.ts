import type { CenteredProblem } from './centered-problem.ts';
import type { Pacer } from './pacer.ts';

export interface LarsOptions {
  /** Where to stop: the penalty of the solution wanted. */
  readonly alpha: number;
  /** Most steps; the path stops at a larger penalty when they are used up. */
  readonly maxIterations: number;
  readonly pacer: Pacer;
}

export interface LarsSolution {
  /** [D] */
  readonly w: Float64Array;
  /** The penalties at which a feature came in or went out, the largest first, down to where the path stopped. */
  readonly knots: number[];
}

/** Below this share of its variance a column is a combination of the active ones. */
const COLLINEAR = 1e-9;

/**
 * The lasso solution for penalty α, found by following the path of solutions from the penalty where all weights are 0:
 * minimises ½ Σ_i s_i·(y_i − x_i·w)² + α‖w‖₁ with Σ s = 1.
 *
 * On the path all active features have the same absolute correlation λ with the residual, which is the penalty.
 * Moving along d with XᴬᵀSXᴬ·d = sign lowers λ at the speed 1, until an inactive feature reaches λ or an active weight
 * reaches 0.
 *
 * @source Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression (2004), section 3.1
 */
export async function larsPath(problem: CenteredProblem, options: LarsOptions): Promise<LarsSolution> {
  const { X, target, weights } = problem;
  const { alpha, pacer } = options;
  const active = new ActiveSet(problem);
  const w = new Float64Array(X.width);
  const correlations = new Float64Array(X.width);
  const slopes = new Float64Array(X.width);
  const scores = new Float64Array(X.rows);
  X.multiplyTransposed(
    target.map((value, i) => value * weights[i]),
    correlations,
  );
  let entering = largestOf(correlations);
  let lambda = entering < 0 ? 0 : Math.abs(correlations[entering]);
  const knots = [lambda];
  for (let step = 0; step < options.maxIterations && lambda > alpha; step++) {
    if (pacer.due()) await pacer.pause();
    if (entering >= 0) active.add(entering, Math.sign(correlations[entering]));
    const direction = active.direction();
    const dw = new Float64Array(X.width);
    for (const [at, j] of active.columns.entries()) dw[j] = direction[at];
    X.multiply(dw, 0, scores);
    for (let i = 0; i < scores.length; i++) scores[i] *= weights[i];
    X.multiplyTransposed(scores, slopes);

    const joins = nextToJoin(correlations, slopes, lambda, active);
    const leaves = nextToLeave(w, dw, active);
    const length = Math.min(joins.length, leaves.length, lambda - alpha);
    for (const j of active.columns) w[j] += length * dw[j];
    for (let j = 0; j < correlations.length; j++) correlations[j] -= length * slopes[j];
    lambda -= length;
    knots.push(lambda);
    active.justLeft = -1;
    entering = -1;
    if (length === leaves.length) {
      w[leaves.column] = 0;
      active.remove(leaves.column);
    } else if (length === joins.length) {
      entering = joins.column;
    }
  }
  return { w, knots };
}

interface Event {
  /** How far λ falls before it happens. */
  readonly length: number;
  readonly column: number;
}

const never: Event = { length: Number.POSITIVE_INFINITY, column: -1 };

/** The inactive feature whose correlation, c − γ·a, first has the size λ − γ of the active ones. */
function nextToJoin(c: Float64Array, a: Float64Array, lambda: number, active: ActiveSet): Event {
  let next = never;
  for (let j = 0; j < c.length; j++) {
    if (active.excluded[j] === 1 || j === active.justLeft) continue;
    for (const length of [(lambda - c[j]) / (1 - a[j]), (lambda + c[j]) / (1 + a[j])]) {
      // Rounding may put a feature that ties with the active ones slightly ahead of them.
      const clipped = length > -1e-12 * lambda ? Math.max(length, 0) : Number.POSITIVE_INFINITY;
      if (clipped < next.length) next = { length: clipped, column: j };
    }
  }
  return next;
}

/** The active feature whose weight first becomes 0. */
function nextToLeave(w: Float64Array, dw: Float64Array, active: ActiveSet): Event {
  let next = never;
  for (const j of active.columns) {
    const length = -w[j] / dw[j];
    if (length > 0 && length < next.length) next = { length, column: j };
  }
  return next;
}

function largestOf(values: Float64Array): number {
  let best = -1;
  for (let j = 0; j < values.length; j++) {
    if (Math.abs(values[j]) > (best < 0 ? 0 : Math.abs(values[best]))) best = j;
  }
  return best;
}

/** Features on the path, with the Cholesky factor of their products. */
class ActiveSet {
  /** In the order of joining. */
  readonly columns: number[] = [];
  /** [D] 1 for active features and for combinations of them, which never join. */
  readonly excluded: Uint8Array;
  /** Feature that left in the last step; its correlation ties with the active ones. */
  justLeft = -1;
  private readonly problem: CenteredProblem;
  private readonly signs: number[] = [];
  /** Rows of products with earlier features, and of the Cholesky factor. */
  private products: Float64Array[] = [];
  private factor: Float64Array[] = [];

  constructor(problem: CenteredProblem) {
    this.problem = problem;
    this.excluded = new Uint8Array(problem.X.width);
  }

  add(j: number, sign: number): void {
    const { X, weights } = this.problem;
    this.excluded[j] = 1;
    const own = X.column(j);
    for (let i = 0; i < own.length; i++) own[i] *= weights[i];
    const total = own.reduce((sum, value) => sum + value, 0);
    const row = Float64Array.from([...this.columns, j], (k) => X.storedDot(k, own) + X.shifts[k] * total);
    const factor = this.factorRow(row);
    if (factor === undefined) return;
    this.columns.push(j);
    this.signs.push(sign);
    this.products.push(row);
    this.factor.push(factor);
  }

  remove(j: number): void {
    const at = this.columns.indexOf(j);
    this.excluded[j] = 0;
    this.justLeft = j;
    this.columns.splice(at, 1);
    this.signs.splice(at, 1);
    this.products = this.products
      .filter((_, k) => k !== at)
      .map((row) => (row.length > at ? row.filter((_, k) => k !== at) : row));
    this.factor = this.factor.slice(0, at);
    for (const row of this.products.slice(at)) {
      this.factor.push(
        this.factorRow(row) ?? row.map((_, k) => (k === row.length - 1 ? Math.sqrt(row[k]) : 0)),
      );
    }
  }

  /** d with XᴬᵀSXᴬ·d = signs. */
  direction(): Float64Array {
    const { factor } = this;
    const d = Float64Array.from(this.signs);
    for (let i = 0; i < d.length; i++) {
      for (let k = 0; k < i; k++) d[i] -= factor[i][k] * d[k];
      d[i] /= factor[i][i];
    }
    for (let i = d.length - 1; i >= 0; i--) {
      d[i] /= factor[i][i];
      for (let k = 0; k < i; k++) d[k] -= factor[i][k] * d[i];
    }
    return d;
  }

  /** The next row of the factor, `undefined` when the new feature is a combination of the others. */
  private factorRow(products: Float64Array): Float64Array | undefined {
    const row = new Float64Array(products.length);
    const last = products.length - 1;
    let rest = products[last];
    for (let i = 0; i < last; i++) {
      let value = products[i];
      for (let k = 0; k < i; k++) value -= this.factor[i][k] * row[k];
      row[i] = value / this.factor[i][i];
      rest -= row[i] * row[i];
    }
    if (!(rest > COLLINEAR * products[last])) return undefined;
    row[last] = Math.sqrt(rest);
    return row;
  }
}
