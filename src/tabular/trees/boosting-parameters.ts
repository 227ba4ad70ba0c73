import type { ClassWeight } from '../learners/class-weights.ts';
import type { ParameterRules } from '../learners/parse-parameters.ts';

/** Objectives of `GradientBoosting`; `auto` is logistic, softmax or squared error, as the labels need. */
export type BoostingObjective =
  | 'auto'
  | 'logistic'
  | 'softmax'
  | 'squared'
  | 'absolute'
  | 'huber'
  | 'quantile'
  | 'poisson'
  | 'tweedie'
  | 'gamma';

export interface GradientBoostingParameters {
  /** Rounds of boosting; a round of K > 2 classes grows K trees. */
  readonly iterations: number;
  readonly learningRate: number;
  /** Leaves of a tree. */
  readonly maxLeaves: number;
  /** Levels of splits; 0 for no limit. */
  readonly maxDepth: number;
  /** `lossguide` splits the leaf that gains most next, `depthwise` the shallowest. */
  readonly growPolicy: 'lossguide' | 'depthwise';
  /** Least sum of hessians in a leaf. */
  readonly minChildWeight: number;
  /** Least number of rows in a leaf, estimated from the hessians as long as they differ between rows. */
  readonly minSamplesLeaf: number;
  /** L1 penalty of leaf values. */
  readonly regAlpha: number;
  /** L2 penalty of leaf values. */
  readonly regLambda: number;
  /** Least reduction of the (second-order, penalised) loss by a split. */
  readonly minSplitGain: number;
  /** Share of rows drawn for each tree. */
  readonly subsample: number;
  /** Share of features drawn for each tree. */
  readonly colsampleByTree: number;
  /** Share of the tree's features drawn for each split. */
  readonly colsampleByNode: number;
  /** `goss` keeps the rows with large gradients and samples the others. */
  readonly boosting: 'gbdt' | 'goss';
  /** GOSS: share of rows kept for their gradients. */
  readonly topRate: number;
  /** GOSS: share of rows drawn from the others. */
  readonly otherRate: number;
  /** Bins of a numeric feature. */
  readonly maxBins: number;
  readonly objective: BoostingObjective;
  /** `huber`: residual where the loss becomes linear; `null` for the 0.9 quantile of |y − median|. */
  readonly huberDelta: number | null;
  /** `quantile`: the quantile that is predicted. */
  readonly quantileAlpha: number;
  /** `tweedie`: power of the variance, between Poisson (1) and gamma (2). */
  readonly tweedieVariancePower: number;
  /** Largest step of a leaf before shrinkage; 0 for none, `null` for the objective's own (0.7 where exp is the link). */
  readonly maxDeltaStep: number | null;
  /** Stop when the loss on `data.validation` is unchanged for this many rounds; 0 for never. */
  readonly earlyStoppingRounds: number;
  readonly classWeight: ClassWeight;
  /** Weight (of hessians) that pulls a category's ratio to 0 when categories are sorted. */
  readonly catSmooth: number;
  /** L2 penalty added for splits by sorted categories. */
  readonly catL2: number;
  /** Most categories on the left of a split. */
  readonly maxCatThreshold: number;
  /** Features with up to this many categories split one against the rest. */
  readonly maxCatToOneVsRest: number;
}

export const boostingDefaults: GradientBoostingParameters = {
  iterations: 100,
  learningRate: 0.1,
  maxLeaves: 31,
  maxDepth: 0,
  growPolicy: 'lossguide',
  minChildWeight: 1e-3,
  minSamplesLeaf: 20,
  regAlpha: 0,
  regLambda: 0,
  minSplitGain: 0,
  subsample: 1,
  colsampleByTree: 1,
  colsampleByNode: 1,
  boosting: 'gbdt',
  topRate: 0.2,
  otherRate: 0.1,
  maxBins: 255,
  objective: 'auto',
  huberDelta: null,
  quantileAlpha: 0.5,
  tweedieVariancePower: 1.5,
  maxDeltaStep: null,
  earlyStoppingRounds: 0,
  classWeight: null,
  catSmooth: 10,
  catL2: 10,
  maxCatThreshold: 32,
  maxCatToOneVsRest: 4,
};

export const boostingRules: ParameterRules<GradientBoostingParameters> = {
  iterations: { type: 'int', min: 1, max: 100_000 },
  learningRate: { type: 'float', above: 0, max: 10 },
  maxLeaves: { type: 'int', min: 2, max: 65_536 },
  maxDepth: { type: 'int', min: 0, max: 1000 },
  growPolicy: { type: 'choice', values: ['lossguide', 'depthwise'] },
  minChildWeight: { type: 'float', min: 0 },
  minSamplesLeaf: { type: 'int', min: 1 },
  regAlpha: { type: 'float', min: 0 },
  regLambda: { type: 'float', min: 0 },
  minSplitGain: { type: 'float', min: 0 },
  subsample: { type: 'float', above: 0, max: 1 },
  colsampleByTree: { type: 'float', above: 0, max: 1 },
  colsampleByNode: { type: 'float', above: 0, max: 1 },
  boosting: { type: 'choice', values: ['gbdt', 'goss'] },
  topRate: { type: 'float', above: 0, below: 1 },
  otherRate: { type: 'float', above: 0, below: 1 },
  maxBins: { type: 'int', min: 2, max: 255 },
  objective: {
    type: 'choice',
    values: [
      'auto',
      'logistic',
      'softmax',
      'squared',
      'absolute',
      'huber',
      'quantile',
      'poisson',
      'tweedie',
      'gamma',
    ],
  },
  huberDelta: { type: 'float', above: 0, nullable: true },
  quantileAlpha: { type: 'float', above: 0, below: 1 },
  tweedieVariancePower: { type: 'float', above: 1, below: 2 },
  maxDeltaStep: { type: 'float', min: 0, nullable: true },
  earlyStoppingRounds: { type: 'int', min: 0 },
  classWeight: { type: 'choice', values: [null, 'balanced'] },
  catSmooth: { type: 'float', min: 0 },
  catL2: { type: 'float', min: 0 },
  maxCatThreshold: { type: 'int', min: 1, max: 254 },
  maxCatToOneVsRest: { type: 'int', min: 0, max: 254 },
};
