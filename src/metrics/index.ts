export { type AccuracyTableDocument, accuracyTable, type ThresholdCounts } from './accuracy-table.ts';
export { argsort } from './argsort.ts';
export { averageFolds } from './average-folds.ts';
export {
  brierScore,
  type CalibrationBin,
  type CalibrationOptions,
  calibrationCurve,
  expectedCalibrationError,
} from './calibration.ts';
export {
  type ClassificationInput,
  type ClassificationResult,
  type ClassificationScalars,
  classificationMetrics,
  classificationScore,
} from './classification-metrics.ts';
export { type ConfusionMatrixDocument, confusionDocument } from './confusion-document.ts';
export { confusionMatrix, type LabelCounts, labelCounts } from './label-counts.ts';
export {
  accuracy,
  balancedAccuracy,
  f1Score,
  matthewsCorrelation,
  normMacroRecall,
  precisionScore,
  recallScore,
  weightedAccuracy,
} from './label-metrics.ts';
export { logLoss } from './log-loss.ts';
export type {
  Average,
  BinaryMetricName,
  ClassificationMetricName,
  LabelMetricName,
  MetricName,
  MetricTask,
  RankingMetricName,
  RegressionMetricName,
} from './metric-names.ts';
export {
  isBetter,
  type MetricInfo,
  metricInfo,
  metricNames,
  parseMetricName,
  primaryMetrics,
} from './metric-registry.ts';
export { paddedAveragePrecision } from './padded-average-precision.ts';
export { argmaxRows, predictWithClassWeights, predictWithThreshold } from './predict-labels.ts';
export {
  aucScore,
  averagePrecision,
  averagePrecisionScore,
  type RankingOptions,
  rocAuc,
} from './ranking-metrics.ts';
export {
  type PredictedTrueDocument,
  predictedTrue,
  type ResidualsDocument,
  residuals,
} from './regression-documents.ts';
export {
  explainedVariance,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  medianAbsoluteError,
  type RegressionInput,
  type RegressionRange,
  type RegressionResult,
  type RegressionScalars,
  r2Score,
  regressionMetrics,
  regressionScore,
  rootMeanSquaredError,
  rootMeanSquaredLogError,
  spearmanCorrelation,
} from './regression-metrics.ts';
export { topKAccuracy } from './top-k-accuracy.ts';
export { type ClassWeightOptions, type TunedClassWeights, tuneClassWeights } from './tune-class-weights.ts';
export { type ThresholdOptions, type TunedThreshold, tuneThreshold } from './tune-threshold.ts';
