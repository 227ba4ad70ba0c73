import { checkTrainingData } from './check-data.ts';
import { type ClassWeight, effectiveWeights } from './class-weights.ts';
import { DesignMatrix } from './design-matrix.ts';
import type { Learner } from './learner.ts';
import { LinearModel } from './linear-model.ts';
import { fitLogisticCoordinateDescent } from './logistic-coordinate-descent.ts';
import { fitLogisticLbfgs } from './logistic-lbfgs.ts';
import { Pacer } from './pacer.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from './present-classes.ts';

export interface LogisticRegressionParameters {
  /** Inverse strength of the penalty: C · Σ loss + penalty; above 0. */
  readonly C: number;
  readonly penalty: 'l2' | 'l1' | 'elasticnet';
  /** Share of L1 in `elasticnet`, 0 to 1. */
  readonly l1Ratio: number;
  /** `balanced`: all classes weigh the same. */
  readonly classWeight: ClassWeight;
  readonly maxIterations: number;
  /** L2: largest entry of the preconditioned gradient; L1: largest step of the scores (root mean square). */
  readonly tolerance: number;
  readonly fitIntercept: boolean;
}

const name = 'LogisticRegression';

const defaults: LogisticRegressionParameters = {
  C: 1,
  penalty: 'l2',
  l1Ratio: 0.5,
  classWeight: null,
  maxIterations: 200,
  tolerance: 1e-5,
  fitIntercept: true,
};

const rules: ParameterRules<LogisticRegressionParameters> = {
  C: { type: 'float', above: 0 },
  penalty: { type: 'choice', values: ['l2', 'l1', 'elasticnet'] },
  l1Ratio: { type: 'float', min: 0, max: 1 },
  classWeight: { type: 'choice', values: [null, 'balanced'] },
  maxIterations: { type: 'int', min: 1 },
  tolerance: { type: 'float', above: 0 },
  fitIntercept: { type: 'boolean' },
};

/**
 * Logistic regression, multinomial for K > 2, with scikit-learn's objective: C · Σ_i s_i·loss_i + penalty(W), where the
 * penalty is ½‖W‖² (`l2`), ‖W‖₁ (`l1`) or l1Ratio·‖W‖₁ + ½(1 − l1Ratio)·‖W‖² (`elasticnet`); intercepts are free.
 * L2 is solved by L-BFGS, the others by proximal Newton steps with coordinate descent.
 */
export const logisticRegression: Learner<LogisticRegressionParameters> = {
  name,
  tasks: ['classification'],
  encoding: 'onehot',
  needsScaling: true,
  defaults,
  space: () => ({
    C: { type: 'float', low: 1e-3, high: 100, log: true },
    penalty: { type: 'choice', values: ['l2', 'l1', 'elasticnet'] },
    l1Ratio: { type: 'float', low: 0.05, high: 0.95 },
    classWeight: { type: 'choice', values: [null, 'balanced'] },
  }),
  relativeCost: ({ penalty }, { rows, width, classes }) =>
    (penalty === 'l1' || penalty === 'elasticnet' ? 3e-7 : 1e-7) * rows * width * (classes > 2 ? classes : 1),

  async fit(data, params, context) {
    const { C, penalty, l1Ratio, classWeight, ...rest } = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: ['classification'] });
    const pacer = new Pacer(name, context.deadline);
    const { data: used, present } = presentClasses(data);
    const problem = {
      X: new DesignMatrix(used.X),
      y: used.y,
      classes: used.classes,
      weights: effectiveWeights(used, classWeight),
      C,
      ...rest,
    };
    const solution =
      penalty === 'l2'
        ? await fitLogisticLbfgs(problem, pacer)
        : await fitLogisticCoordinateDescent(problem, penalty === 'l1' ? 1 : l1Ratio, pacer);
    const link = used.classes === 2 ? 'logistic' : 'softmax';
    const model = LinearModel.fromFit({ learner: name, classes: used.classes, link, ...solution }, used.X);
    return withAbsentClasses(model, data.classes, present);
  },

  load: (json) => loadWithAbsentClasses(json, LinearModel.load),
};
