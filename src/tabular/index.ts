export type { FeatureColumn, FeatureInfo } from './features/matrix.ts';
export { FeatureMatrix } from './features/matrix.ts';
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
export type { Link, TreeEnsemble } from './trees/tree-ensemble.ts';
export type { TreeModelOptions } from './trees/tree-model.ts';
export { TreeModel } from './trees/tree-model.ts';
