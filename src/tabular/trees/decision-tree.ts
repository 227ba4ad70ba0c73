import type { Learner } from '../learners/learner.ts';
import { parseParameters } from '../learners/parse-parameters.ts';
import { loadWithAbsentClasses } from '../learners/present-classes.ts';
import { fitForest } from './fit-forest.ts';
import { forestCost } from './forest-cost.ts';
import { type DecisionTreeParameters, decisionTreeDefaults, decisionTreeRules } from './forest-parameters.ts';
import { TreeModel } from './tree-model.ts';

const name = 'DecisionTree';
const single = { trees: 1, maxFeatures: 1, bootstrap: false, maxSamples: 1, randomCuts: false } as const;

/** One decision tree on all rows and features (Breiman, Friedman, Olshen and Stone 1984). */
export const decisionTree: Learner<DecisionTreeParameters> = {
  name,
  tasks: ['classification', 'regression'],
  encoding: 'ordinal',
  needsScaling: false,
  defaults: decisionTreeDefaults,
  space: (task) => ({
    maxDepth: { type: 'int', low: 2, high: 16 },
    minSamplesLeaf: { type: 'int', low: 1, high: 200, log: true },
    criterion: {
      type: 'choice',
      values: task === 'classification' ? ['gini', 'entropy'] : ['squared_error'],
    },
    ...(task === 'classification'
      ? { classWeight: { type: 'choice' as const, values: [null, 'balanced'] } }
      : {}),
  }),
  relativeCost: (params, shape) => forestCost({ ...decisionTreeDefaults, ...params, ...single }, shape),

  async fit(data, params, context) {
    const parsed = parseParameters(name, decisionTreeDefaults, params, decisionTreeRules);
    return fitForest(name, data, { ...parsed, ...single }, context);
  },

  load: (json) => loadWithAbsentClasses(json, TreeModel.load),
};
