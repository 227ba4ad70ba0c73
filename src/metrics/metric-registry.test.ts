import { describe, expect, test } from 'vitest';
import { ConfigError } from '#core';
import { classificationMetrics } from './classification-metrics.ts';
import { isBetter, metricInfo, metricNames, parseMetricName, primaryMetrics } from './metric-registry.ts';
import { regressionMetrics } from './regression-metrics.ts';

test('lists exactly the scalars that are computed', () => {
  const input = { yTrue: [0, 1], probabilities: [0.5, 0.5, 0.5, 0.5], classes: 2, positiveClass: 1 };
  expect([...metricNames('classification')].sort()).toEqual(
    Object.keys(classificationMetrics(input).scalars).sort(),
  );
  expect([...metricNames('regression')].sort()).toEqual(
    Object.keys(regressionMetrics({ yTrue: [1], predictions: [1] }).scalars).sort(),
  );
});

test('tells task, direction, bounds and whether a threshold matters', () => {
  expect(metricInfo('norm_macro_recall')).toEqual({
    name: 'norm_macro_recall',
    task: 'classification',
    direction: 'maximize',
    needsThreshold: true,
    bounds: [0, 1],
  });
  expect(metricInfo('log_loss')).toMatchObject({ direction: 'minimize', needsThreshold: false });
  expect(metricInfo('AUC_weighted').needsThreshold).toBe(false);
  expect(metricInfo('normalized_root_mean_squared_error')).toMatchObject({
    task: 'regression',
    direction: 'minimize',
    bounds: [0, 1],
  });
  expect(() => metricInfo('toString')).toThrow(ConfigError);
});

test('a bound is reached by a perfect model in the direction of the metric', () => {
  const perfect = classificationMetrics({
    yTrue: [0, 1],
    probabilities: [1, 0, 0, 1],
    classes: 2,
    positiveClass: 1,
  });
  for (const [name, value] of Object.entries(perfect.scalars)) {
    const { direction, bounds } = metricInfo(name);
    expect(value, name).toBeCloseTo(direction === 'maximize' ? bounds[1] : bounds[0], 12);
  }
  const exact = regressionMetrics({ yTrue: [1, 2, 4], predictions: [1, 2, 4] });
  for (const [name, value] of Object.entries(exact.scalars)) {
    const { direction, bounds } = metricInfo(name);
    expect(value, name).toBeCloseTo(direction === 'maximize' ? bounds[1] : bounds[0], 12);
  }
});

test('primary metrics begin with the five and four of Azure ML', () => {
  expect(primaryMetrics('classification').slice(0, 5)).toEqual([
    'accuracy',
    'AUC_weighted',
    'average_precision_score_weighted',
    'norm_macro_recall',
    'precision_score_weighted',
  ]);
  expect(primaryMetrics('regression').slice(0, 4)).toEqual([
    'spearman_correlation',
    'normalized_root_mean_squared_error',
    'r2_score',
    'normalized_mean_absolute_error',
  ]);
  for (const task of ['classification', 'regression'] as const) {
    for (const name of primaryMetrics(task)) expect(metricInfo(name).task).toBe(task);
  }
});

describe('names as users write them', () => {
  test.each([
    ['AUC_weighted', 'AUC_weighted'],
    ['auc_WEIGHTED', 'AUC_weighted'],
    ['norm-macro-recall', 'norm_macro_recall'],
    [' f1 macro ', 'f1_score_macro'],
    ['f1_macro', 'f1_score_macro'],
    ['f1', 'f1_score_macro'],
    ['average_precision_weighted', 'average_precision_score_weighted'],
    ['recall_micro', 'recall_score_micro'],
    ['auc', 'AUC_weighted'],
    ['mcc', 'matthews_correlation'],
    ['logloss', 'log_loss'],
  ])('%s is %s', (typed, name) => {
    expect(parseMetricName(typed, 'classification')).toBe(name);
  });

  test.each([
    ['rmse', 'root_mean_squared_error'],
    ['R2', 'r2_score'],
    ['normalized_RMSE', 'normalized_root_mean_squared_error'],
    ['spearman', 'spearman_correlation'],
  ])('%s is %s', (typed, name) => {
    expect(parseMetricName(typed, 'regression')).toBe(name);
  });

  test('every full name is itself', () => {
    for (const task of ['classification', 'regression'] as const) {
      for (const name of metricNames(task)) expect(parseMetricName(name, task)).toBe(name);
    }
  });

  test('a mistyped name is answered with the nearest', () => {
    expect(() => parseMetricName('AUC_wieghted', 'classification')).toThrow(
      'parseMetricName: the metric must be one Trainyard knows, but got "AUC_wieghted". Did you mean AUC_weighted?',
    );
    expect(() => parseMetricName('constructor', 'classification')).toThrow(ConfigError);
    expect(() => parseMetricName('qqqqqqqqqqqqqqqqqq', 'regression')).toThrow(
      /Choose one of explained_variance/,
    );
  });

  test('a metric of the other task is named as such', () => {
    expect(() => parseMetricName('rmse', 'classification')).toThrow(
      /got root_mean_squared_error, which is for regression/,
    );
  });
});

test('isBetter follows the direction; undefined scores are worst and equal ones not better', () => {
  expect(isBetter('accuracy', 0.9, 0.8)).toBe(true);
  expect(isBetter('log_loss', 0.9, 0.8)).toBe(false);
  expect(isBetter('log_loss', 0.7, 0.8)).toBe(true);
  expect(isBetter('accuracy', 0.8, 0.8)).toBe(false);
  expect(isBetter('log_loss', 0.1, Number.NaN)).toBe(true);
  expect(isBetter('accuracy', Number.NaN, 0.1)).toBe(false);
  expect(isBetter('accuracy', Number.NaN, Number.NaN)).toBe(false);
});
