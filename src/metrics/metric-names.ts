export type MetricTask = 'classification' | 'regression';

/** How per-class values become one: mean, all cells together, mean weighted by class size, or the positive class. */
export type Average = 'macro' | 'micro' | 'weighted' | 'binary';

/** Metrics of predicted labels: they change with the decision threshold. */
export type LabelMetricName =
  | 'accuracy'
  | 'weighted_accuracy'
  | 'balanced_accuracy'
  | 'norm_macro_recall'
  | 'matthews_correlation'
  | `precision_score_${Average}`
  | `recall_score_${Average}`
  | `f1_score_${Average}`;

/** Metrics of the order of the probabilities. */
export type RankingMetricName = `AUC_${Average}` | `average_precision_score_${Average}`;

export type ClassificationMetricName = LabelMetricName | RankingMetricName | 'log_loss';

/** Metrics that exist only where one class is known to be the positive one. */
export type BinaryMetricName = Extract<ClassificationMetricName, `${string}_binary`>;

export type RegressionMetricName =
  | 'explained_variance'
  | 'r2_score'
  | 'spearman_correlation'
  | 'mean_absolute_error'
  | 'normalized_mean_absolute_error'
  | 'median_absolute_error'
  | 'normalized_median_absolute_error'
  | 'root_mean_squared_error'
  | 'normalized_root_mean_squared_error'
  | 'root_mean_squared_log_error'
  | 'normalized_root_mean_squared_log_error'
  | 'mean_absolute_percentage_error';

export type MetricName = ClassificationMetricName | RegressionMetricName;
