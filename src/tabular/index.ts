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
