import type { Learner } from '../learners/learner.ts';
import { parseParameters } from '../learners/parse-parameters.ts';
import { loadWithAbsentClasses } from '../learners/present-classes.ts';
import { fitForest } from './fit-forest.ts';
import { forestCost, forestSpace } from './forest-cost.ts';
import { type ForestParameters, forestDefaults, forestRules } from './forest-parameters.ts';
import { TreeModel } from './tree-model.ts';

const name = 'RandomForest';

/**
 * Random forest (Breiman 2001, https://doi.org/10.1023/A:1010933404324): trees on bootstrap samples that look at some
 * random features per split, their class shares or means averaged.
 */
export const randomForest: Learner<ForestParameters> = {
  name,
  tasks: ['classification', 'regression'],
  encoding: 'ordinal',
  needsScaling: false,
  defaults: forestDefaults,
  space: forestSpace,
  relativeCost: (params, shape) => forestCost({ ...forestDefaults, ...params }, shape),

  async fit(data, params, context) {
    const parsed = parseParameters(name, forestDefaults, params, forestRules);
    return fitForest(name, data, { ...parsed, randomCuts: false }, context);
  },

  load: (json) => loadWithAbsentClasses(json, TreeModel.load),
};
