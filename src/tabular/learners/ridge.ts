import { type CenteredProblem, centeredProblem } from './centered-problem.ts';
import { checkTrainingData } from './check-data.ts';
import { choleskyFactor, solveLower, solveLowerTransposed } from './cholesky.ts';
import { weightedGram } from './gram.ts';
import type { Learner } from './learner.ts';
import { LinearModel } from './linear-model.ts';
import { Pacer } from './pacer.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { presentClasses } from './present-classes.ts';

export interface RidgeParameters {
  /** Strength of the penalty; above 0. */
  readonly alpha: number;
  readonly fitIntercept: boolean;
}

const name = 'Ridge';
const defaults: RidgeParameters = { alpha: 1, fitIntercept: true };
const rules: ParameterRules<RidgeParameters> = {
  alpha: { type: 'float', above: 0 },
  fitIntercept: { type: 'boolean' },
};

/** Up to this many features the normal equations are solved directly. */
const CHOLESKY_WIDTH = 2048;

/**
 * Ridge regression: minimises Σ_i s_i·(y_i − x_i·w − b)² + α‖w‖², the intercept free. Solved by Cholesky on
 * XᵀSX + αI, or by conjugate gradients for more than 2048 features.
 */
export const ridge: Learner<RidgeParameters> = {
  name,
  tasks: ['regression'],
  encoding: 'onehot',
  needsScaling: true,
  defaults,
  space: () => ({ alpha: { type: 'float', low: 1e-3, high: 1e4, log: true } }),
  relativeCost: (_, { rows, width }) => 4e-10 * rows * width * Math.min(width, 200),

  async fit(data, params, context) {
    const { alpha, fitIntercept } = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: ['regression'] });
    const pacer = new Pacer(name, context.deadline);
    const { data: used } = presentClasses(data);
    const problem = centeredProblem(used, { fitIntercept, scaleTarget: false });
    const w = await solveRidge(problem, alpha / problem.totalWeight, pacer);
    return LinearModel.fromFit(
      { learner: name, classes: 0, link: 'identity', ...problem.restore(w) },
      used.X,
    );
  },

  load: LinearModel.load,
};

/** (XᵀSX + αI)·w = XᵀSy */
async function solveRidge(problem: CenteredProblem, alpha: number, pacer: Pacer): Promise<Float64Array> {
  const { X, target, weights } = problem;
  const right = new Float64Array(X.width);
  X.multiplyTransposed(
    target.map((value, i) => value * weights[i]),
    right,
  );
  if (X.width > CHOLESKY_WIDTH) return conjugateGradients(problem, alpha, right, pacer);
  const A = await weightedGram(X, weights, pacer);
  for (let j = 0; j < X.width; j++) A[j * X.width + j] += alpha;
  const L = choleskyFactor(A, X.width);
  if (L === undefined) return conjugateGradients(problem, alpha, right, pacer);
  return solveLowerTransposed(L, X.width, solveLower(L, X.width, right));
}

const CG_TOLERANCE = 1e-10;

/** The same without the matrix, preconditioned with its diagonal. */
async function conjugateGradients(
  { X, weights }: CenteredProblem,
  alpha: number,
  right: Float64Array,
  pacer: Pacer,
): Promise<Float64Array> {
  const scores = new Float64Array(X.rows);
  const product = new Float64Array(X.width);
  const diagonal = X.squares(weights).map((square) => square + alpha);
  const w = new Float64Array(X.width);
  const r = right.slice();
  let z = r.map((value, j) => value / diagonal[j]);
  const p = z.slice();
  let rz = dot(r, z);
  const goal = CG_TOLERANCE * CG_TOLERANCE * rz;
  for (let iteration = 0; iteration < 10 * X.width && rz > goal; iteration++) {
    if (pacer.due()) await pacer.pause();
    X.multiply(p, 0, scores);
    for (let i = 0; i < scores.length; i++) scores[i] *= weights[i];
    X.multiplyTransposed(scores, product);
    for (let j = 0; j < product.length; j++) product[j] += alpha * p[j];
    const step = rz / dot(p, product);
    for (let j = 0; j < w.length; j++) {
      w[j] += step * p[j];
      r[j] -= step * product[j];
    }
    z = r.map((value, j) => value / diagonal[j]);
    const next = dot(r, z);
    for (let j = 0; j < p.length; j++) p[j] = z[j] + (next / rz) * p[j];
    rz = next;
  }
  return w;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}
