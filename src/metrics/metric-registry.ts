import { ConfigError, nearestName } from '#core';
import type {
  ClassificationMetricName,
  MetricName,
  MetricTask,
  RegressionMetricName,
} from './metric-names.ts';

/** What a search needs to know about a metric. */
export interface MetricInfo {
  readonly name: MetricName;
  readonly task: MetricTask;
  readonly direction: 'maximize' | 'minimize';
  /** Whether it is a function of predicted labels, so that a decision threshold can be tuned for it. */
  readonly needsThreshold: boolean;
  /** Least and greatest value. */
  readonly bounds: readonly [low: number, high: number];
}

type Rule = readonly [
  direction: MetricInfo['direction'],
  low: number,
  high: number,
  basis?: 'labels' | 'probabilities',
];

const unbounded = Number.POSITIVE_INFINITY;
const onLabels: Rule = ['maximize', 0, 1, 'labels'];
const onRanking: Rule = ['maximize', 0, 1, 'probabilities'];
const anError: Rule = ['minimize', 0, unbounded];
const aShare: Rule = ['minimize', 0, 1];

const classificationRules: { readonly [K in ClassificationMetricName]: Rule } = {
  accuracy: onLabels,
  weighted_accuracy: onLabels,
  balanced_accuracy: onLabels,
  norm_macro_recall: onLabels,
  AUC_macro: onRanking,
  AUC_micro: onRanking,
  AUC_weighted: onRanking,
  AUC_binary: onRanking,
  average_precision_score_macro: onRanking,
  average_precision_score_micro: onRanking,
  average_precision_score_weighted: onRanking,
  average_precision_score_binary: onRanking,
  precision_score_macro: onLabels,
  precision_score_micro: onLabels,
  precision_score_weighted: onLabels,
  precision_score_binary: onLabels,
  recall_score_macro: onLabels,
  recall_score_micro: onLabels,
  recall_score_weighted: onLabels,
  recall_score_binary: onLabels,
  f1_score_macro: onLabels,
  f1_score_micro: onLabels,
  f1_score_weighted: onLabels,
  f1_score_binary: onLabels,
  log_loss: ['minimize', 0, unbounded, 'probabilities'],
  matthews_correlation: ['maximize', -1, 1, 'labels'],
};

const regressionRules: { readonly [K in RegressionMetricName]: Rule } = {
  explained_variance: ['maximize', -unbounded, 1],
  r2_score: ['maximize', -1, 1],
  spearman_correlation: ['maximize', -1, 1],
  mean_absolute_error: anError,
  normalized_mean_absolute_error: aShare,
  median_absolute_error: anError,
  normalized_median_absolute_error: aShare,
  root_mean_squared_error: anError,
  normalized_root_mean_squared_error: aShare,
  root_mean_squared_log_error: anError,
  normalized_root_mean_squared_log_error: aShare,
  mean_absolute_percentage_error: anError,
};

const primary: { readonly [T in MetricTask]: readonly MetricName[] } = {
  // Azure ML's primary metrics come first.
  classification: [
    'accuracy',
    'AUC_weighted',
    'average_precision_score_weighted',
    'norm_macro_recall',
    'precision_score_weighted',
    'log_loss',
    'f1_score_macro',
    'f1_score_weighted',
    'f1_score_binary',
    'matthews_correlation',
    'balanced_accuracy',
    'AUC_macro',
    'AUC_binary',
    'average_precision_score_macro',
    'average_precision_score_binary',
  ],
  regression: [
    'spearman_correlation',
    'normalized_root_mean_squared_error',
    'r2_score',
    'normalized_mean_absolute_error',
    'root_mean_squared_error',
    'mean_absolute_error',
    'median_absolute_error',
    'root_mean_squared_log_error',
    'mean_absolute_percentage_error',
    'explained_variance',
  ],
};

const aliases: { readonly [T in MetricTask]: Readonly<Record<string, MetricName>> } = {
  classification: {
    acc: 'accuracy',
    balanced_acc: 'balanced_accuracy',
    recall: 'recall_score_macro',
    precision: 'precision_score_macro',
    f1: 'f1_score_macro',
    auc: 'AUC_weighted',
    roc_auc: 'AUC_weighted',
    ap: 'average_precision_score_weighted',
    average_precision: 'average_precision_score_weighted',
    logloss: 'log_loss',
    cross_entropy: 'log_loss',
    mcc: 'matthews_correlation',
  },
  regression: {
    r2: 'r2_score',
    spearman: 'spearman_correlation',
    mae: 'mean_absolute_error',
    nmae: 'normalized_mean_absolute_error',
    normalized_mae: 'normalized_mean_absolute_error',
    medae: 'median_absolute_error',
    rmse: 'root_mean_squared_error',
    nrmse: 'normalized_root_mean_squared_error',
    normalized_rmse: 'normalized_root_mean_squared_error',
    rmsle: 'root_mean_squared_log_error',
    normalized_rmsle: 'normalized_root_mean_squared_log_error',
    mape: 'mean_absolute_percentage_error',
  },
};

function ruleOf(name: string): readonly [MetricTask, Rule] | undefined {
  if (Object.hasOwn(classificationRules, name)) {
    return ['classification', classificationRules[name as ClassificationMetricName]];
  }
  if (Object.hasOwn(regressionRules, name)) {
    return ['regression', regressionRules[name as RegressionMetricName]];
  }
  return undefined;
}

/** Every metric of a task, by its full name. */
export function metricNames(task: MetricTask): readonly MetricName[] {
  return Object.keys(task === 'classification' ? classificationRules : regressionRules) as MetricName[];
}

/** The metrics a search may optimise: Azure ML's primary metrics first, in their order, then ours. */
export function primaryMetrics(task: MetricTask): readonly MetricName[] {
  return primary[task];
}

/** @throws ConfigError for a name that is no metric; use `parseMetricName` for what a user typed */
export function metricInfo(name: string): MetricInfo {
  const found = ruleOf(name);
  if (found === undefined)
    throw unknownMetric('metricInfo', name, [...metricNames('classification'), ...metricNames('regression')]);
  const [task, [direction, low, high, basis]] = found;
  return {
    name: name as MetricName,
    task,
    direction,
    needsThreshold: basis === 'labels',
    bounds: [low, high],
  };
}

/**
 * The metric a user means: a full name in any case, with `-` or spaces for `_`, without `_score` (`f1_macro`), or a
 * common short form (`auc` → AUC_weighted, `f1` → f1_score_macro, `rmse`, …).
 *
 * @throws ConfigError for anything else, naming the nearest metric, and for a metric of the other task
 */
export function parseMetricName(name: string, task: MetricTask): MetricName {
  const found = lookUp(name, task);
  if (found !== undefined) return found;
  const other: MetricTask = task === 'classification' ? 'regression' : 'classification';
  const elsewhere = lookUp(name, other);
  if (elsewhere !== undefined) {
    throw new ConfigError(
      `parseMetricName: a ${task} needs a metric of its own, but got ${elsewhere}, which is for ${other}. ` +
        `Choose one of ${primary[task].slice(0, 5).join(', ')}, …`,
      { name, task },
    );
  }
  throw unknownMetric('parseMetricName', name, [...metricNames(task), ...Object.keys(aliases[task])]);
}

/**
 * Whether score `a` is strictly better than score `b`. An undefined score (NaN) is worse than every other one.
 *
 * @throws ConfigError for a name that is no metric
 */
export function isBetter(name: string, a: number, b: number): boolean {
  const { direction } = metricInfo(name);
  if (Number.isNaN(a)) return false;
  if (Number.isNaN(b)) return true;
  return direction === 'maximize' ? a > b : a < b;
}

function lookUp(name: string, task: MetricTask): MetricName | undefined {
  const key = name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
  const withScore = key.replace(
    /^(precision|recall|f1|average_precision)_(macro|micro|weighted|binary)$/,
    '$1_score_$2',
  );
  const full = metricNames(task).find((candidate) => candidate.toLowerCase() === withScore);
  if (full !== undefined) return full;
  return Object.hasOwn(aliases[task], key) ? aliases[task][key] : undefined;
}

function unknownMetric(where: string, name: string, candidates: readonly string[]): ConfigError {
  const near = nearestName(name, candidates);
  return new ConfigError(
    `${where}: the metric must be one Trainyard knows, but got "${name}". ` +
      (near === undefined
        ? `Choose one of ${candidates.slice(0, 8).join(', ')}, …`
        : `Did you mean ${near}?`),
    { name, ...(near === undefined ? {} : { near }) },
  );
}
