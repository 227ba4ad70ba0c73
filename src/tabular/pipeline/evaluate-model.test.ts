import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError, Deadline, silentLogger } from '#core';
import { type Column, numberColumn, stringColumn, Table } from '#data';
import { inferPurposes } from '../features/purposes.ts';
import type { ClassLabels } from './class-labels.ts';
import type { Decision } from './decision.ts';
import { evaluateModel } from './evaluate-model.ts';
import { TabularPredictor } from './onnx-predictor.ts';
import { fitPipeline } from './pipeline.ts';
import { TabularModel } from './tabular-model.ts';

const context = { seed: 1, threads: 1, deadline: Deadline.none, logger: silentLogger };
const features = new Table([numberColumn('x', [1, 2, 3, 4, 5, 6, 7, 8])]);
const upper = Float64Array.of(0, 0, 0, 0, 1, 1, 1, 1);

/** A tree that knows the upper half of x from the lower, or a constant half of either. */
async function predictorOf(
  learner: 'DecisionTree' | 'Dummy',
  labels: ClassLabels | null,
  decision: Decision = { kind: 'argmax' },
  positiveLabel?: string,
): Promise<TabularPredictor> {
  const pipeline = await fitPipeline(
    features,
    { y: upper, classes: labels === null ? 0 : 2 },
    { encoding: 'ordinal', scaler: null, learner, params: learner === 'Dummy' ? {} : { minSamplesLeaf: 1 } },
    { purposes: inferPurposes(features, { overrides: { x: 'Numeric' } }), featurization: 'auto' },
    context,
  );
  const model = new TabularModel({
    task: labels === null ? 'regression' : 'classification',
    labels,
    members: [{ iteration: 0, weight: 1, pipeline }],
    combination: 'vote',
    meta: null,
    decision,
  });
  const bytes = model.toOnnx({
    labelColumn: 'y',
    algorithm: learner,
    primaryMetric: 'accuracy',
    metrics: {},
    fingerprint: 'f',
    ...(positiveLabel === undefined ? {} : { positiveLabel }),
  });
  return TabularPredictor.load(bytes);
}

const words: ClassLabels = { type: 'string', values: ['high', 'low'] };
const codes: ClassLabels = { type: 'int64', values: ['0', '1'] };
const withLabel = (label: Column) => new Table([numberColumn('x', [1, 2, 7, 8]), label]);

describe('evaluateModel', () => {
  let named: TabularPredictor;
  let coded: TabularPredictor;
  let valued: TabularPredictor;
  let even: TabularPredictor;
  beforeAll(async () => {
    named = await predictorOf('DecisionTree', words);
    coded = await predictorOf('DecisionTree', codes, undefined, '0');
    valued = await predictorOf('DecisionTree', null);
    even = await predictorOf('Dummy', codes, { kind: 'threshold', threshold: 0.4 });
  });
  afterAll(async () => {
    for (const predictor of [named, coded, valued, even]) await predictor.release();
  });

  it('scores the file on labelled rows and counts those without a label', async () => {
    const table = withLabel(stringColumn('y', ['high', 'low', null, 'low']));
    const evaluation = await evaluateModel(named, table);
    expect(evaluation).toMatchObject({ task: 'classification', rows: 3, missingLabel: 1 });
    expect(evaluation.metrics['accuracy']).toBeCloseTo(2 / 3, 12);
    const { data } = evaluation.documents['confusion_matrix'] as { data: unknown };
    expect(data).toEqual({
      class_labels: ['high', 'low'],
      matrix: [
        [1, 0],
        [1, 1],
      ],
    });
    expect(evaluation.metrics).not.toHaveProperty('f1_score_binary');
  });

  it.each([
    ['numbers', numberColumn('y', [0, 0, 1, 1])],
    ['text', stringColumn('y', ['0', '0', '1', '1'])],
  ])('knows whole-number labels in a column of %s', async (_, label) => {
    expect((await evaluateModel(coded, withLabel(label))).metrics['accuracy']).toBe(1);
  });

  it('takes the positive class from the file', async () => {
    const { metrics } = await evaluateModel(coded, withLabel(numberColumn('y', [0, 1, 1, 1])));
    // Predicted 0 0 1 1: of the class 0 one of two predictions is right, and its one row is found.
    expect(metrics['precision_score_binary']).toBe(0.5);
    expect(metrics['recall_score_binary']).toBe(1);
  });

  it('decides as the file does', async () => {
    // The probability of 1 is a half everywhere, which is above the threshold of 0.4.
    const { metrics } = await evaluateModel(even, withLabel(numberColumn('y', [1, 1, 1, 0])));
    expect(metrics['accuracy']).toBe(0.75);
  });

  it('takes the true labels from another column', async () => {
    const table = withLabel(stringColumn('truth', ['high', 'high', 'low', 'low']));
    expect((await evaluateModel(named, table, 'truth')).metrics['accuracy']).toBe(1);
    await expect(evaluateModel(named, table)).rejects.toThrow(/column asked for must exist, but got "y"/);
  });

  it('scores a regression', async () => {
    const evaluation = await evaluateModel(valued, withLabel(numberColumn('y', [0, 1, null, 1])));
    expect(evaluation).toMatchObject({ task: 'regression', rows: 3, missingLabel: 1 });
    expect(evaluation.metrics['mean_absolute_error']).toBeCloseTo(1 / 3, 6);
    expect(Object.keys(evaluation.documents)).toEqual(['residuals', 'predicted_true']);
  });

  it('refuses labels the model does not know, and rows without any', async () => {
    const unknown = withLabel(stringColumn('y', ['high', 'low', 'middle', 'low']));
    await expect(evaluateModel(named, unknown)).rejects.toThrow(
      /classes the model knows \(high, low\), but row 3 of "y" is "middle"/,
    );
    const none = withLabel(stringColumn('y', [null, null, null, null]));
    await expect(evaluateModel(named, none)).rejects.toThrow(/all 4 are missing/);
    const text = withLabel(stringColumn('y', ['1', '2', '3', '4']));
    await expect(evaluateModel(valued, text)).rejects.toThrow(DataError);
  });
});
