import { fitCalibratedOneVsRest } from './calibrated-one-vs-rest.ts';
import { checkTrainingData } from './check-data.ts';
import { type ClassWeight, effectiveWeights } from './class-weights.ts';
import { fitSupportVectors } from './dual-coordinate-descent.ts';
import type { Learner } from './learner.ts';
import { LinearModel } from './linear-model.ts';
import { Pacer } from './pacer.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from './present-classes.ts';
import { RowMatrix } from './row-matrix.ts';

export interface LinearSVMParameters {
  /** Cost of a row on the wrong side; above 0. */
  readonly C: number;
  /** `balanced`: all classes weigh the same. */
  readonly classWeight: ClassWeight;
  /** Most passes over the rows. */
  readonly maxIterations: number;
  /** Stops when the projected gradients of a pass lie within this range. */
  readonly tolerance: number;
}

const name = 'LinearSVM';
const defaults: LinearSVMParameters = { C: 0.01, classWeight: null, maxIterations: 100, tolerance: 1e-2 };
const rules: ParameterRules<LinearSVMParameters> = {
  C: { type: 'float', above: 0 },
  classWeight: { type: 'choice', values: [null, 'balanced'] },
  maxIterations: { type: 'int', min: 1 },
  tolerance: { type: 'float', above: 0 },
};

/**
 * Linear support vector machine with squared hinge loss, each class against the rest, by dual coordinate descent; the
 * intercept is the weight of a constant feature 1 and is penalised like the others (as in LIBLINEAR). Probabilities by
 * Platt scaling on out-of-fold scores.
 */
export const linearSVM: Learner<LinearSVMParameters> = {
  name,
  tasks: ['classification'],
  encoding: 'onehot',
  needsScaling: true,
  defaults,
  space: () => ({
    C: { type: 'float', low: 1e-4, high: 10, log: true },
    classWeight: { type: 'choice', values: [null, 'balanced'] },
  }),
  relativeCost: (_, { rows, width, classes }) => 8e-7 * rows * width * (classes > 2 ? classes : 1),

  async fit(data, params, context) {
    const { C, classWeight, ...rest } = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: ['classification'] });
    const pacer = new Pacer(name, context.deadline);
    const { data: used, present } = presentClasses(data);
    const X = new RowMatrix(used.X, true);
    const weights = effectiveWeights(used, classWeight);
    const machine = { X, squaredNorms: X.squaredNorms(), costs: weights.map((s) => C * s), ...rest };
    const { y, classes } = used;
    const solution = await fitCalibratedOneVsRest(
      { X, y, classes, weights, seed: context.seed },
      (rows, signs, rng) => fitSupportVectors(machine, rows, signs, rng, pacer),
    );
    const model = LinearModel.fromFit({ learner: name, classes, ...solution }, used.X);
    return withAbsentClasses(model, data.classes, present);
  },

  load: (json) => loadWithAbsentClasses(json, LinearModel.load),
};
