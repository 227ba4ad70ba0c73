export type { AutoMLEvent } from './automl/automl-event.ts';
export type { AutoMLOptions, ValidationOption } from './automl/automl-options.ts';
export type {
  AutoMLResult,
  BestModel,
  ChildRun,
  EnsembleRun,
  TrialStatus,
  ValidationReport,
} from './automl/automl-result.ts';
export { portfolioFor } from './automl/portfolio.ts';
export { type AutoMLRun, runAutoML } from './automl/run-automl.ts';
export type { TrialJobSpec, TrialWorkers } from './automl/trial-pool.ts';
export type { ColumnImportance, PermutationOptions } from './ensemble/permutation-importance.ts';
export { permutationImportance } from './ensemble/permutation-importance.ts';
export type { FeaturizationSettings, Imputation } from './features/config.ts';
export { parseFeaturizationConfig } from './features/config.ts';
export type { FeaturizationConfig, FeaturizerJson, FeaturizerOptions } from './features/featurizer.ts';
export { Featurizer, fitFeaturizer, loadFeaturizer } from './features/featurizer.ts';
export { formatGuardrails } from './features/format-guardrails.ts';
export type { Guardrail, GuardrailInfo, GuardrailStatus, GuardrailTarget } from './features/guardrails.ts';
export { guardrails } from './features/guardrails.ts';
export type { InputDType, InputSpec } from './features/inputs.ts';
export { inputType, tableFeeds } from './features/inputs.ts';
export type { FeatureColumn, FeatureInfo } from './features/matrix.ts';
export { FeatureMatrix } from './features/matrix.ts';
export type { ColumnPurpose, Purpose, PurposeOptions } from './features/purposes.ts';
export { inferPurposes } from './features/purposes.ts';
export type { ColumnCount } from './features/repair-infinite.ts';
export { repairInfinite } from './features/repair-infinite.ts';
export type { Scaler, ScalerJson, ScalerName, ScalerOptions } from './features/scalers/scaler.ts';
export { fitScaler, loadScaler, scalerNames } from './features/scalers/scaler.ts';
export type { StepDescription, StepName } from './features/steps/step.ts';
export { stepNames } from './features/steps/step.ts';
export type { AveragedPerceptronParameters } from './learners/averaged-perceptron.ts';
export { averagedPerceptron } from './learners/averaged-perceptron.ts';
export type { BernoulliNaiveBayesParameters } from './learners/bernoulli-naive-bayes.ts';
export { bernoulliNaiveBayes } from './learners/bernoulli-naive-bayes.ts';
export { dummy } from './learners/dummy.ts';
export type { ElasticNetParameters } from './learners/elastic-net.ts';
export { elasticNet } from './learners/elastic-net.ts';
export type { GaussianNaiveBayesParameters } from './learners/gaussian-naive-bayes.ts';
export { gaussianNaiveBayes } from './learners/gaussian-naive-bayes.ts';
export type { KNNParameters } from './learners/k-nearest-neighbours.ts';
export { kNearestNeighbors } from './learners/k-nearest-neighbours.ts';
export type { LassoLarsParameters } from './learners/lasso-lars.ts';
export { lassoLars } from './learners/lasso-lars.ts';
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
export type { LinearSVMParameters } from './learners/linear-svm.ts';
export { linearSVM } from './learners/linear-svm.ts';
export type { LogisticRegressionParameters } from './learners/logistic-regression.ts';
export { logisticRegression } from './learners/logistic-regression.ts';
export type { MultinomialNaiveBayesParameters } from './learners/multinomial-naive-bayes.ts';
export { multinomialNaiveBayes } from './learners/multinomial-naive-bayes.ts';
export type { ParameterRule, ParameterRules } from './learners/parse-parameters.ts';
export { parseParameters } from './learners/parse-parameters.ts';
export { findLearner, learners, learnersFor } from './learners/registry.ts';
export type { RidgeParameters } from './learners/ridge.ts';
export { ridge } from './learners/ridge.ts';
export type { SGDParameters } from './learners/sgd.ts';
export { sgd } from './learners/sgd.ts';
export type { ClassLabels } from './pipeline/class-labels.ts';
export type { Decision } from './pipeline/decision.ts';
export type { Evaluation } from './pipeline/evaluate-model.ts';
export { evaluateModel } from './pipeline/evaluate-model.ts';
export type { TablePredictions } from './pipeline/onnx-predictor.ts';
export { TabularPredictor } from './pipeline/onnx-predictor.ts';
export type { PipelineConfig, PipelineSettings, PipelineStep, Target } from './pipeline/pipeline.ts';
export { FittedPipeline, fitPipeline } from './pipeline/pipeline.ts';
export type { ModelMember, ModelMetadata, TabularModelParts } from './pipeline/tabular-model.ts';
export { TabularModel } from './pipeline/tabular-model.ts';
export type { BoostingObjective, GradientBoostingParameters } from './trees/boosting-parameters.ts';
export { decisionTree } from './trees/decision-tree.ts';
export { extraTrees } from './trees/extra-trees.ts';
export type { DecisionTreeParameters, ForestParameters } from './trees/forest-parameters.ts';
export { gradientBoosting } from './trees/gradient-boosting.ts';
export { randomForest } from './trees/random-forest.ts';
export type { Link, TreeEnsemble } from './trees/tree-ensemble.ts';
export type { TreeModelOptions } from './trees/tree-model.ts';
export { TreeModel } from './trees/tree-model.ts';
