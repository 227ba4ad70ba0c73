import { centeredProblem } from './centered-problem.ts';
import { checkTrainingData } from './check-data.ts';
import { larsPath } from './lars-path.ts';
import type { Learner } from './learner.ts';
import { LinearModel } from './linear-model.ts';
import { Pacer } from './pacer.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { presentClasses } from './present-classes.ts';

export interface LassoLarsParameters {
  /** Strength of the penalty, for a target with standard deviation 1; 0 or more. */
  readonly alpha: number;
  /** Most steps of the path. */
  readonly maxIterations: number;
  readonly fitIntercept: boolean;
}

const name = 'LassoLars';
const defaults: LassoLarsParameters = { alpha: 0.001, maxIterations: 500, fitIntercept: true };
const rules: ParameterRules<LassoLarsParameters> = {
  alpha: { type: 'float', min: 0 },
  maxIterations: { type: 'int', min: 1 },
  fitIntercept: { type: 'boolean' },
};

/**
 * The lasso by least-angle regression: minimises 1 / (2Σs) · Σ_i s_i·(y_i − x_i·w − b)² + α‖w‖₁, the intercept free.
 * y is divided by its standard deviation first; α is scikit-learn's for such a target.
 */
export const lassoLars: Learner<LassoLarsParameters> = {
  name,
  tasks: ['regression'],
  encoding: 'onehot',
  needsScaling: true,
  defaults,
  space: () => ({ alpha: { type: 'float', low: 1e-5, high: 0.5, log: true } }),
  relativeCost: (_, { rows, width }) => 1e-9 * rows * width * Math.min(width, 500),

  async fit(data, params, context) {
    const { alpha, maxIterations, fitIntercept } = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: ['regression'] });
    const pacer = new Pacer(name, context.deadline);
    const { data: used } = presentClasses(data);
    const problem = centeredProblem(used, { fitIntercept, scaleTarget: true });
    const { w } = await larsPath(problem, { alpha, maxIterations, pacer });
    return LinearModel.fromFit(
      { learner: name, classes: 0, link: 'identity', ...problem.restore(w) },
      used.X,
    );
  },

  load: LinearModel.load,
};
