import { centeredProblem } from './centered-problem.ts';
import { checkTrainingData } from './check-data.ts';
import { coordinateDescent } from './coordinate-descent.ts';
import type { Learner } from './learner.ts';
import { LinearModel } from './linear-model.ts';
import { Pacer } from './pacer.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { presentClasses } from './present-classes.ts';
import { quadraticModel } from './quadratic-model.ts';

export interface ElasticNetParameters {
  /** Strength of the penalty, for a target with standard deviation 1; above 0. */
  readonly alpha: number;
  /** Share of L1, 0 to 1; 1 is the lasso. */
  readonly l1Ratio: number;
  readonly maxIterations: number;
  /** Stops when no step of a pass changes the predictions by more than this share of the target's standard deviation. */
  readonly tolerance: number;
  readonly fitIntercept: boolean;
}

const name = 'ElasticNet';
const defaults: ElasticNetParameters = {
  alpha: 0.01,
  l1Ratio: 0.5,
  maxIterations: 1000,
  tolerance: 1e-6,
  fitIntercept: true,
};
const rules: ParameterRules<ElasticNetParameters> = {
  alpha: { type: 'float', above: 0 },
  l1Ratio: { type: 'float', min: 0, max: 1 },
  maxIterations: { type: 'int', min: 1 },
  tolerance: { type: 'float', above: 0 },
  fitIntercept: { type: 'boolean' },
};

/**
 * Elastic net by coordinate descent with an active set: minimises
 * 1 / (2Σs) · Σ_i s_i·(y_i − x_i·w − b)² + α·ρ‖w‖₁ + ½α(1 − ρ)‖w‖², ρ = `l1Ratio`, the intercept free.
 *
 * y is divided by its standard deviation first, so that α means the same in every unit: it is scikit-learn's α for
 * such a target.
 */
export const elasticNet: Learner<ElasticNetParameters> = {
  name,
  tasks: ['regression'],
  encoding: 'onehot',
  needsScaling: true,
  defaults,
  space: () => ({
    alpha: { type: 'float', low: 1e-5, high: 1, log: true },
    l1Ratio: { type: 'float', low: 0.05, high: 1 },
  }),
  relativeCost: (_, { rows, width }) => 5e-10 * rows * width * Math.min(width, 200),

  async fit(data, params, context) {
    const parsed = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: ['regression'] });
    const pacer = new Pacer(name, context.deadline);
    const { data: used } = presentClasses(data);
    const { fitIntercept, alpha, l1Ratio } = parsed;
    const problem = centeredProblem(used, { fitIntercept, scaleTarget: true });
    const { X, target, weights } = problem;
    const g = target.map((value, i) => -value * weights[i]);
    const model = await quadraticModel(X, g, weights, false, pacer);
    const w = new Float64Array(X.width);
    await coordinateDescent(model, w, {
      penalty: { l1: alpha * l1Ratio, l2: alpha * (1 - l1Ratio) },
      maxPasses: parsed.maxIterations,
      tolerance: parsed.tolerance,
      pacer,
    });
    return LinearModel.fromFit(
      { learner: name, classes: 0, link: 'identity', ...problem.restore(w) },
      used.X,
    );
  },

  load: LinearModel.load,
};
