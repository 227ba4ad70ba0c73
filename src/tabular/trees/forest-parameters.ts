import type { ClassWeight } from '../learners/class-weights.ts';
import type { ParameterRules } from '../learners/parse-parameters.ts';

export interface DecisionTreeParameters {
  /** Impurity a split reduces: `gini` or `entropy` (classification), `squared_error` (regression); `auto` fits the task. */
  readonly criterion: 'auto' | 'gini' | 'entropy' | 'squared_error';
  /** Levels of splits; 0 for no limit. */
  readonly maxDepth: number;
  /** Least number of (distinct) rows a node needs to be split. */
  readonly minSamplesSplit: number;
  /** Least number of (distinct) rows in a leaf. */
  readonly minSamplesLeaf: number;
  /** Least decrease of impurity by a split, weighted by the node's share of the rows. */
  readonly minImpurityDecrease: number;
  /** Bins of a numeric feature. */
  readonly maxBins: number;
  readonly classWeight: ClassWeight;
}

export interface ForestParameters extends DecisionTreeParameters {
  /** Number of trees. */
  readonly trees: number;
  /** Share of the features looked at for each split; `null` for √D (classification) or D / 3 (regression) of them. */
  readonly maxFeatures: number | null;
  /** Draw rows with replacement for every tree. */
  readonly bootstrap: boolean;
  /** Rows drawn per tree as a share of all rows. */
  readonly maxSamples: number;
}

export const decisionTreeDefaults: DecisionTreeParameters = {
  criterion: 'auto',
  maxDepth: 0,
  minSamplesSplit: 2,
  minSamplesLeaf: 1,
  minImpurityDecrease: 0,
  maxBins: 255,
  classWeight: null,
};

export const decisionTreeRules: ParameterRules<DecisionTreeParameters> = {
  criterion: { type: 'choice', values: ['auto', 'gini', 'entropy', 'squared_error'] },
  maxDepth: { type: 'int', min: 0, max: 100_000 },
  minSamplesSplit: { type: 'int', min: 2 },
  minSamplesLeaf: { type: 'int', min: 1 },
  minImpurityDecrease: { type: 'float', min: 0 },
  maxBins: { type: 'int', min: 2, max: 255 },
  classWeight: { type: 'choice', values: [null, 'balanced'] },
};

export const forestDefaults: ForestParameters = {
  ...decisionTreeDefaults,
  trees: 100,
  minSamplesLeaf: 3,
  maxFeatures: null,
  bootstrap: true,
  maxSamples: 1,
};

export const forestRules: ParameterRules<ForestParameters> = {
  ...decisionTreeRules,
  trees: { type: 'int', min: 1, max: 100_000 },
  maxFeatures: { type: 'float', above: 0, max: 1, nullable: true },
  bootstrap: { type: 'boolean' },
  maxSamples: { type: 'float', above: 0, max: 1 },
};
