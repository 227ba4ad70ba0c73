import type { Learner } from '../learners/learner.ts';
import { parseParameters } from '../learners/parse-parameters.ts';
import { loadWithAbsentClasses } from '../learners/present-classes.ts';
import { fitForest } from './fit-forest.ts';
import { forestCost, forestSpace } from './forest-cost.ts';
import { type ForestParameters, forestDefaults, forestRules } from './forest-parameters.ts';
import { TreeModel } from './tree-model.ts';

const name = 'ExtremeRandomTrees';
const defaults: ForestParameters = { ...forestDefaults, bootstrap: false };

/**
 * Extremely randomised trees (Geurts, Ernst and Wehenkel 2006, https://doi.org/10.1007/s10994-006-6226-1): one random
 * cut per feature and split, the best of them taken. Cuts are drawn among the bins that occur in the node.
 */
export const extraTrees: Learner<ForestParameters> = {
  name,
  tasks: ['classification', 'regression'],
  encoding: 'ordinal',
  needsScaling: false,
  defaults,
  space: forestSpace,
  relativeCost: (params, shape) => forestCost({ ...defaults, ...params }, shape),

  async fit(data, params, context) {
    const parsed = parseParameters(name, defaults, params, forestRules);
    return fitForest(name, data, { ...parsed, randomCuts: true }, context);
  },

  load: (json) => loadWithAbsentClasses(json, TreeModel.load),
};
