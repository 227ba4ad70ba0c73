import { checkTrainingData } from '../learners/check-data.ts';
import type { Learner, TrainingData } from '../learners/learner.ts';
import { parseParameters } from '../learners/parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from '../learners/present-classes.ts';
import { boost } from './booster.ts';
import { boostingDefaults, boostingRules, type GradientBoostingParameters } from './boosting-parameters.ts';
import { TreeModel } from './tree-model.ts';

const name = 'GradientBoosting';

/** Validation rows of the classes that occur in training, numbered as they are there. */
function withPresentValidation(data: TrainingData, present: Float64Array): TrainingData {
  const { validation, ...rest } = data;
  if (validation === undefined) return data;
  const kept = Uint32Array.from([...validation.y.keys()].filter((i) => present.includes(validation.y[i])));
  const { X, y, weights } = validation;
  return {
    ...rest,
    validation: {
      X: X.take(kept),
      y: Float64Array.from(kept, (i) => present.indexOf(y[i])),
      ...(weights === undefined ? {} : { weights: Float64Array.from(kept, (i) => weights[i]) }),
    },
  };
}

/**
 * Gradient-boosted decision trees on histograms of binned features: leaf-wise or depth-wise, missing values and
 * categories split natively, rows and features sampled, many objectives. The model does not depend on the number of
 * threads.
 */
export const gradientBoosting: Learner<GradientBoostingParameters> = {
  name,
  tasks: ['classification', 'regression'],
  encoding: 'ordinal',
  needsScaling: false,
  defaults: boostingDefaults,
  space: (_, { rows }) => ({
    iterations: { type: 'int', low: 50, high: 600, log: true },
    learningRate: { type: 'float', low: 0.02, high: 0.3, log: true },
    maxLeaves: { type: 'int', low: 4, high: Math.max(8, Math.min(255, Math.floor(rows / 20))), log: true },
    minSamplesLeaf: { type: 'int', low: 2, high: 128, log: true },
    regLambda: { type: 'float', low: 1e-3, high: 30, log: true },
    regAlpha: { type: 'float', low: 1e-4, high: 10, log: true },
    subsample: { type: 'float', low: 0.5, high: 1 },
    colsampleByTree: { type: 'float', low: 0.3, high: 1 },
    catSmooth: { type: 'float', low: 1, high: 100, log: true },
    boosting: { type: 'choice', values: ['gbdt', 'goss'] },
  }),
  relativeCost: (params, { rows, width, classes }) => {
    const iterations = Number(params['iterations'] ?? boostingDefaults.iterations);
    const leaves = Number(params['maxLeaves'] ?? boostingDefaults.maxLeaves);
    const trees = iterations * (classes > 2 ? classes : 1);
    const share = Number(params['subsample'] ?? 1) * Math.max(0.4, Number(params['colsampleByTree'] ?? 1));
    return (
      trees * (3e-9 * share * rows * width * (1 + 0.3 * Math.log2(leaves)) + 5e-6 * leaves * Math.sqrt(width))
    );
  },

  async fit(data, params, context) {
    const parsed = parseParameters(name, boostingDefaults, params, boostingRules);
    checkTrainingData(name, data, { tasks: ['classification', 'regression'], finite: false });
    const { data: used, present } = presentClasses(data);
    const fitted = present === undefined ? used : withPresentValidation(used, present);
    const { ensemble } = await boost(name, fitted, parsed, context);
    const model = new TreeModel({ learner: name, classes: used.classes, ensemble });
    return withAbsentClasses(model, data.classes, present);
  },

  load: (json) => loadWithAbsentClasses(json, TreeModel.load),
};
