export type { FeatureColumn, FeatureInfo } from './features/matrix.ts';
export { FeatureMatrix } from './features/matrix.ts';
export { dummy } from './learners/dummy.ts';
export type {
  DataShape,
  Encoding,
  FitContext,
  Learner,
  Model,
  SerializedModel,
  Task,
  TrainingData,
} from './learners/learner.ts';
export type { LogisticRegressionParameters } from './learners/logistic-regression.ts';
export { logisticRegression } from './learners/logistic-regression.ts';
export type { ParameterRule, ParameterRules } from './learners/parse-parameters.ts';
export { parseParameters } from './learners/parse-parameters.ts';
export { findLearner, learners, learnersFor } from './learners/registry.ts';
export type { Link, TreeEnsemble } from './trees/tree-ensemble.ts';
export type { TreeModelOptions } from './trees/tree-model.ts';
export { TreeModel } from './trees/tree-model.ts';
