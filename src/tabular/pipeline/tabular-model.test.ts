import { beforeAll, describe, expect, it } from 'vitest';
import { Deadline, Rng, silentLogger } from '#core';
import { dateColumn, numberColumn, stringColumn, Table } from '#data';
import { OnnxSession, readOnnxModel } from '#engine';
import { fitStack, stackFeatures } from '../ensemble/stacking.ts';
import { inferPurposes } from '../features/purposes.ts';
import type { FitContext, Task } from '../learners/learner.ts';
import { learnersFor } from '../learners/registry.ts';
import type { Decision } from './decision.ts';
import { decide } from './decision.ts';
import { TabularPredictor } from './onnx-predictor.ts';
import { FittedPipeline, fitPipeline, type PipelineConfig } from './pipeline.ts';
import { TabularModel, type TabularModelParts } from './tabular-model.ts';

const context: FitContext = { seed: 3, threads: 1, deadline: Deadline.none, logger: silentLogger };

/** Numbers, categories, a code, a date, each with missing values; `unseen` adds categories the training lacks. */
function makeTable(rows: number, seed: number, unseen: boolean): Table {
  const rng = new Rng(seed);
  const gap = <T>(value: T) => (rng.uniform() < 0.1 ? null : value);
  const pick = (values: readonly string[]) => values[rng.integer(values.length)];
  const towns = unseen ? ['Bern', 'Rome', 'Oslo', 'Lima', 'Åre'] : ['Bern', 'Rome', 'Oslo'];
  return new Table([
    numberColumn(
      'size',
      Array.from({ length: rows }, () => gap(3 * rng.normal())),
    ),
    numberColumn(
      'price',
      Array.from({ length: rows }, () => gap(Math.exp(2 * rng.normal()))),
    ),
    stringColumn(
      'town',
      Array.from({ length: rows }, () => gap(pick(towns))),
    ),
    stringColumn(
      'flag',
      Array.from({ length: rows }, () => gap(pick(['y', 'n']))),
    ),
    numberColumn(
      'code',
      Array.from({ length: rows }, () => gap(rng.integer(unseen ? 9 : 5))),
    ),
    dateColumn(
      'when',
      Array.from({ length: rows }, () => gap(Date.UTC(2020, 0, 1) + rng.integer(900) * 86_400_000)),
    ),
  ]);
}

function makeTarget(table: Table, task: Task, classes: number): Float64Array {
  const rng = new Rng(11);
  const size = table.column('size');
  const town = table.column('town');
  return Float64Array.from({ length: table.rows }, (_, i) => {
    const x = size.kind === 'number' && !Number.isNaN(size.values[i]) ? size.values[i] : 0;
    const z = x + (town.kind === 'string' ? town.codes[i] : 0) + rng.normal();
    return task === 'regression'
      ? z
      : Math.min(classes - 1, Math.max(0, Math.floor((z + 3) / (6 / classes))));
  });
}

const train = makeTable(260, 1, false);
const fresh = makeTable(120, 2, true);
const settings = { purposes: inferPurposes(train), featurization: 'auto' as const };

function fit(task: Task, classes: number, config: PipelineConfig): Promise<FittedPipeline> {
  return fitPipeline(train, { y: makeTarget(train, task, classes), classes }, config, settings, context);
}

function makeModel(
  task: Task,
  classes: number,
  pipelines: readonly FittedPipeline[],
  more: Partial<TabularModelParts> = {},
): TabularModel {
  const values = Array.from({ length: classes }, (_, k) => `class ${k}`);
  return new TabularModel({
    task,
    labels: task === 'classification' ? { type: 'string', values } : null,
    members: pipelines.map((pipeline, m) => ({ iteration: m, weight: 1 / pipelines.length, pipeline })),
    combination: 'vote',
    meta: null,
    decision: { kind: 'argmax' },
    ...more,
  });
}

const metadata = {
  labelColumn: 'y',
  algorithm: 'Test',
  primaryMetric: 'log_loss',
  metrics: {},
  fingerprint: 'f',
};

async function expectAgreement(model: TabularModel): Promise<void> {
  const predictor = await TabularPredictor.load(model.toOnnx(metadata));
  const ours = model.predict(fresh);
  const theirs = await predictor.predict(fresh);
  await predictor.release();
  const values = theirs.probabilities ?? (theirs.values as Float64Array);
  const scale = model.task === 'regression' ? Math.max(1, ...ours.map(Math.abs)) : 1;
  let worst = 0;
  for (let i = 0; i < ours.length; i++) worst = Math.max(worst, Math.abs(ours[i] - values[i]) / scale);
  expect(worst).toBeLessThanOrEqual(1e-5);
  if (theirs.classes !== null)
    expect([...theirs.classes]).toEqual([...decide(model.decision, ours, model.classes)]);
}

const encodings = [
  { encoding: 'onehot', scaler: 'StandardScaler' },
  { encoding: 'onehot', scaler: 'MaxAbsScaler' },
  { encoding: 'ordinal', scaler: null },
] as const;

describe.each([
  ['classification', 2],
  ['classification', 4],
  ['regression', 0],
] as const)('TypeScript and ONNX predict the same: %s with %i classes', (task, classes) => {
  it.each(learnersFor(task).map((learner) => learner.name))('%s', async (learner) => {
    const own = learnersFor(task).find((candidate) => candidate.name === learner);
    for (const preparation of encodings.filter(({ encoding }) => encoding === own?.encoding)) {
      const pipeline = await fit(task, classes, { ...preparation, learner, params: {} });
      await expectAgreement(makeModel(task, classes, [pipeline]));
    }
  });
});

describe.each([
  ['classification', 2],
  ['classification', 3],
  ['regression', 0],
] as const)('ensembles: %s with %i classes', (task, classes) => {
  const linear = task === 'regression' ? 'Ridge' : 'LogisticRegression';
  let pipelines: FittedPipeline[];

  beforeAll(async () => {
    pipelines = [
      await fit(task, classes, { ...encodings[2], learner: 'GradientBoosting', params: { iterations: 20 } }),
      await fit(task, classes, { ...encodings[2], learner: 'RandomForest', params: { trees: 20 } }),
      await fit(task, classes, { ...encodings[0], learner: linear, params: {} }),
    ];
  });

  it('a vote predicts the same in TypeScript and ONNX', async () => {
    await expectAgreement(makeModel(task, classes, pipelines));
  });

  it('a stack predicts the same in TypeScript and ONNX', async () => {
    const y = makeTarget(train, task, classes);
    const rows = Uint32Array.from(y, (_, i) => i);
    const layout = { task, classes, folds: 2, rows, fold: Uint16Array.from(rows, (i) => i % 2), y };
    const predictions = pipelines.map((pipeline) => pipeline.predict(train));
    const meta = await fitStack(layout, predictions, context, { balanced: false });
    expect(stackFeatures(task, classes, predictions).width).toBe(meta.width);
    await expectAgreement(makeModel(task, classes, pipelines, { combination: 'stack', meta }));
  });

  it('members that share their preprocessing share its nodes', () => {
    const operators = (members: readonly FittedPipeline[]) =>
      readOnnxModel(makeModel(task, classes, members).toOnnx(metadata)).operators.length;
    const preprocessing =
      operators([pipelines[0]]) + operators([pipelines[1]]) - operators(pipelines.slice(0, 2));
    expect(preprocessing).toBeGreaterThan(5);
  });

  it('a pipeline comes back from its JSON', () => {
    for (const pipeline of pipelines) {
      const loaded = FittedPipeline.load(JSON.parse(JSON.stringify(pipeline.toJSON())));
      expect(loaded.predict(fresh)).toEqual(pipeline.predict(fresh));
      expect(loaded.steps()).toEqual(pipeline.steps());
    }
  });
});

describe('decisions', () => {
  const logistic = { ...encodings[0], learner: 'LogisticRegression', params: {} };

  it.each<[number, Decision]>([
    [2, { kind: 'threshold', threshold: 0.2 }],
    [3, { kind: 'weights', weights: [0.2, 1, 1.8] }],
  ])('of %i classes are part of the ONNX file', async (classes, decision) => {
    const pipeline = await fit('classification', classes, logistic);
    const model = makeModel('classification', classes, [pipeline], { decision });
    await expectAgreement(model);
    const plain = makeModel('classification', classes, [pipeline]);
    expect([...model.predictClasses(fresh)]).not.toEqual([...plain.predictClasses(fresh)]);
  });

  it('whole-number labels leave as int64', async () => {
    const pipeline = await fit('classification', 2, logistic);
    const model = makeModel('classification', 2, [pipeline], {
      labels: { type: 'int64', values: ['-3', '10'] },
    });
    const info = readOnnxModel(model.toOnnx(metadata));
    expect(info.outputs.map(({ name, dtype }) => [name, dtype])).toEqual([
      ['label', 'int64'],
      ['probabilities', 'float32'],
    ]);
    await expectAgreement(model);
  });
});

describe('the ONNX file', () => {
  it('declares the raw columns as typed inputs and tells what it is', async () => {
    const pipeline = await fit('classification', 2, {
      ...encodings[2],
      learner: 'GradientBoosting',
      params: {},
    });
    const info = readOnnxModel(
      makeModel('classification', 2, [pipeline]).toOnnx({ ...metadata, metrics: { accuracy: 0.5 } }),
    );
    const types = Object.fromEntries(info.inputs.map(({ name, dtype }) => [name, dtype]));
    expect(types).toEqual({
      size: 'float32',
      price: 'float32',
      town: 'string',
      flag: 'string',
      code: 'int64',
      when: 'int64',
    });
    expect(JSON.parse(info.metadata['trainyard.labels'])).toEqual({
      type: 'string',
      values: ['class 0', 'class 1'],
    });
    expect(JSON.parse(info.metadata['trainyard.metrics'])).toEqual({ accuracy: 0.5 });
    expect(Object.keys(info.opsets).every((domain) => ['', 'ai.onnx.ml'].includes(domain))).toBe(true);
  });

  it('of another origin is refused by the predictor', async () => {
    const { OnnxGraph } = await import('#engine');
    const graph = new OnnxGraph('foreign');
    graph.output(graph.node('Neg', [graph.input('x', 'float32', ['N'])]), 'float32', ['N'], 'y');
    await expect(TabularPredictor.load(graph.toModel())).rejects.toThrow('must come from trainyard automl');
  });

  it('runs with nothing but ONNX Runtime', async () => {
    const pipeline = await fit('regression', 0, { ...encodings[0], learner: 'Ridge', params: {} });
    const session = await OnnxSession.create(makeModel('regression', 0, [pipeline]).toOnnx(metadata));
    const missing = new BigInt64Array([-(2n ** 63n)]);
    const result = await session.run({
      size: { dtype: 'float32', data: Float32Array.of(Number.NaN), dims: [1] },
      price: { dtype: 'float32', data: Float32Array.of(1), dims: [1] },
      town: { dtype: 'string', data: [''], dims: [1] },
      flag: { dtype: 'string', data: ['never seen'], dims: [1] },
      code: { dtype: 'int64', data: missing, dims: [1] },
      when: { dtype: 'int64', data: missing, dims: [1] },
    });
    expect(result['variable'].dims).toEqual([1, 1]);
    expect(Number.isFinite((result['variable'].data as Float32Array)[0])).toBe(true);
    await session.release();
  });
});

describe('sample weights', () => {
  it('reach target encoding: a row of weight 0 does not change what a category is replaced by', async () => {
    const names = Array.from({ length: 600 }, (_, i) => `id ${i % 300}`);
    const table = new Table([stringColumn('name', names)]);
    const y = Float64Array.from(names, (_, i) => (i < 300 ? i % 2 : 1 - (i % 2)));
    const weights = Float64Array.from(y, (_, i) => (i < 300 ? 1 : 0));
    const config = {
      encoding: 'onehot',
      targetEncoding: true,
      scaler: null,
      learner: 'Dummy',
      params: {},
    } as const;
    const own = {
      purposes: inferPurposes(table, { overrides: { name: 'CategoricalHash' } }),
      featurization: 'auto',
    } as const;
    const encoded = async (given: Float64Array) =>
      (await fitPipeline(table, { y, classes: 2, weights: given }, config, own, context))
        .features(table)
        .dense(0);
    // Unweighted every name is seen once with each class: one value for all. Weighted they differ by class.
    expect(new Set(await encoded(new Float64Array(600).fill(1))).size).toBe(1);
    expect(new Set((await encoded(weights)).slice(0, 300)).size).toBe(2);
  });
});
