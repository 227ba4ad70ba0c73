import assert from 'node:assert/strict';
import { CancelledError, ConfigError, DataError, Deadline, Rng, ShapeError, silentLogger } from '#core';
import { OnnxGraph, OnnxSession } from '#engine';
import {
  FeatureMatrix,
  type FitContext,
  findLearner,
  type Learner,
  type Model,
  type SerializedModel,
  type TrainingData,
} from '#tabular';
import type { Dimension, Parameters, ParameterValue } from '#tune';
import { learnerData, takeRows, withColumn } from './learner-data.ts';

export interface ConformanceOptions {
  /** Parameters of every fit, to keep the suite fast; the learner's defaults when absent. */
  readonly params?: Parameters;
  /** A row of weight n is exactly the same as n rows; `false` for learners that draw rows. */
  readonly exactWeights?: boolean;
  /** Largest difference between predictions where `exactWeights` is checked; 1e-4 by default. */
  readonly weightsTolerance?: number;
  /** The learner does not look at the features (a baseline), so it need not beat one. */
  readonly baseline?: boolean;
}

/** One check; `run` rejects with an `AssertionError` when the learner fails it. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

type Case = readonly [name: string, run: () => Promise<void>];

const AGREEMENT = 1e-5;
const ROWS = 160;

/**
 * The checks every learner must pass, for any test runner.
 *
 * @example
 * for (const { name, run } of conformanceCases(myLearner)) it(name, run);
 */
export function conformanceCases(learner: Learner, options: ConformanceOptions = {}): ConformanceCase[] {
  const suite = new Suite(learner, options);
  const cases: Case[] = [...declarations(suite), ...badInput(suite)];
  for (const classes of suite.problems) {
    const problem = classes === 0 ? 'regression' : `${classes} classes`;
    for (const [name, run] of [...behaviour(suite, classes), ...exports(suite, classes)]) {
      cases.push([`${name} (${problem})`, run]);
    }
  }
  for (const classes of suite.problems.filter((count) => count === 0 || count === 2)) {
    const problem = classes === 0 ? 'regression' : 'classification';
    for (const [name, run] of [...edges(suite, classes), ...spaceEnds(suite, classes)]) {
      cases.push([`${name} (${problem})`, run]);
    }
  }
  return cases.map(([name, run]) => ({ name, run }));
}

/** What the cases share: data for the learner's encoding and a fit with the suite's parameters. */
class Suite {
  readonly learner: Learner;
  readonly options: ConformanceOptions;
  /** K of each problem the learner must solve; 0 is the regression. */
  readonly problems: readonly number[];

  constructor(learner: Learner, options: ConformanceOptions) {
    this.learner = learner;
    this.options = options;
    this.problems = [
      ...(learner.tasks.includes('classification') ? [2, 3, 5] : []),
      ...(learner.tasks.includes('regression') ? [0] : []),
    ];
  }

  data(classes: number, seed = 1, rows = ROWS): TrainingData {
    return learnerData({ rows, classes, encoding: this.learner.encoding, seed, missing: 0.05 });
  }

  fit(data: TrainingData, params: Parameters = {}, context: Partial<FitContext> = {}): Promise<Model> {
    return this.learner.fit(
      data,
      { ...this.options.params, ...params },
      { seed: 7, threads: 1, deadline: Deadline.none, logger: silentLogger, ...context },
    );
  }

  /** Fits and predicts, or accepts a `DataError` whose message says where and what. */
  async fitOrDataError(data: TrainingData): Promise<void> {
    let model: Model;
    try {
      model = await this.fit(data);
    } catch (error) {
      assert.ok(error instanceof DataError, `expected a result or a DataError, but got ${String(error)}`);
      assert.match(error.message, /^\w.*: .+\.$/s);
      return;
    }
    assertPredictions(model, data.X, data.classes);
  }
}

function declarations(suite: Suite): Case[] {
  const { learner } = suite;
  const [classes] = suite.problems;
  const shape = { rows: 1000, width: 10, classes };
  const task = classes === 0 ? 'regression' : 'classification';
  return [
    [
      'has a name, tasks, and a search space within its parameters',
      async () => {
        assert.match(learner.name, /^[A-Za-z]\w*$/);
        assert.ok(learner.tasks.length > 0);
        for (const name of Object.keys(learner.space(task, shape))) {
          assert.ok(name in learner.defaults, `${name} is in the space, but not in the defaults`);
        }
        const cost = learner.relativeCost({}, shape);
        assert.ok(cost > 0 && Number.isFinite(cost), `relativeCost must be positive, but is ${cost}`);
      },
    ],
    [
      'refuses an unknown parameter with a ConfigError that names it',
      async () => {
        await assert.rejects(
          suite.fit(suite.data(classes), { noSuchParameter: 1 }),
          (error: unknown) => error instanceof ConfigError && error.message.includes('noSuchParameter'),
        );
      },
    ],
    [
      'stops with a CancelledError when the time is over or the caller cancels',
      async () => {
        const aborted = new Deadline(Number.POSITIVE_INFINITY, AbortSignal.abort());
        for (const deadline of [new Deadline(0), aborted]) {
          await assert.rejects(suite.fit(suite.data(classes), {}, { deadline }), CancelledError);
        }
      },
    ],
  ];
}

function badInput(suite: Suite): Case[] {
  const [classes] = suite.problems;
  return [
    [
      'zero rows give a clear DataError',
      () => rejectsWithDataError(suite, takeRows(suite.data(classes), [])),
    ],
    [
      'one row gives a result or a clear DataError',
      () => suite.fitOrDataError(takeRows(suite.data(classes), [0])),
    ],
    [
      'zero features give a result or a clear DataError',
      async () => {
        const data = suite.data(classes);
        const { X } = data;
        await suite.fitOrDataError({ ...data, X: new FeatureMatrix(X.rows, [], []) });
      },
    ],
    [
      'missing numbers give a result or a clear DataError',
      async () => {
        const data = suite.data(classes);
        const values = data.X.dense(0).slice();
        values[3] = Number.NaN;
        await suite.fitOrDataError({ ...data, X: withColumn(data.X, 0, { kind: 'dense', values }) });
      },
    ],
    ...(classes === 0
      ? []
      : ([
          [
            'rows of a single class give a result or a clear DataError',
            async () => {
              const data = suite.data(classes);
              await suite.fitOrDataError({ ...data, y: new Float64Array(data.X.rows) });
            },
          ],
        ] satisfies Case[])),
  ];
}

async function rejectsWithDataError(suite: Suite, data: TrainingData): Promise<void> {
  await assert.rejects(suite.fit(data), DataError);
}

function behaviour(suite: Suite, classes: number): Case[] {
  const { learner, options } = suite;
  return [
    [
      'gives the same model for the same seed, whatever the number of threads',
      async () => {
        const data = suite.data(classes);
        const model = await suite.fit(data);
        assert.deepEqual(written(await suite.fit(data)), written(model));
        assert.deepEqual(written(await suite.fit(data, {}, { threads: 2 })), written(model));
      },
    ],
    [
      'predicts the same after saving and loading',
      async () => {
        const data = suite.data(classes);
        const model = await suite.fit(data);
        const loaded = learner.load(written(model));
        assert.deepEqual(loaded.predict(data.X), model.predict(data.X));
        assert.deepEqual(written(loaded), written(model));
        assert.equal(loaded.learner, learner.name);
      },
    ],
    [
      'leaves its input untouched',
      async () => {
        const data = { ...suite.data(classes), weights: new Float64Array(ROWS).fill(1) };
        const before = structuredClone({ columns: data.X.columns, y: data.y, weights: data.weights });
        (await suite.fit(data)).predict(data.X);
        assert.deepEqual({ columns: data.X.columns, y: data.y, weights: data.weights }, before);
      },
    ],
    [
      'weights of 1 change nothing',
      async () => {
        const data = suite.data(classes);
        const plain = (await suite.fit(data)).predict(data.X);
        const weighted = await suite.fit({ ...data, weights: new Float64Array(ROWS).fill(1) });
        assertClose(weighted.predict(data.X), plain, 1e-6);
      },
    ],
    [
      'learns a problem with a clear answer, far better than the baseline',
      async () => {
        const test = suite.data(classes, 2, 400);
        const data = suite.data(classes, 1, 400);
        const loss = meanLoss(await suite.fit(data), test);
        if (options.baseline) return assert.ok(Number.isFinite(loss));
        const context = { seed: 7, threads: 1, deadline: Deadline.none, logger: silentLogger };
        const baseline = meanLoss(await findLearner('Dummy').fit(data, {}, context), test);
        assert.ok(loss < 0.5 * baseline, `loss ${loss} must be well below the baseline's ${baseline}`);
      },
    ],
    ...(options.exactWeights ? [repeatedRows(suite, classes)] : []),
  ];
}

function repeatedRows(suite: Suite, classes: number): Case {
  return [
    'takes a row of weight n for n rows',
    async () => {
      const data = suite.data(classes);
      const rng = new Rng(11);
      const weights = Float64Array.from(data.y, () => rng.integer(4));
      const repeated = [...weights.keys()].flatMap((i) => new Array<number>(weights[i]).fill(i));
      const weighted = await suite.fit({ ...data, weights });
      const counted = await suite.fit(takeRows(data, repeated));
      const tolerance = suite.options.weightsTolerance ?? 1e-4;
      assertClose(weighted.predict(data.X), counted.predict(data.X), tolerance);
    },
  ];
}

function exports(suite: Suite, classes: number): Case[] {
  return [
    [
      'predicts in ONNX Runtime what it predicts here, missing values and unseen categories included',
      async () => {
        const data = suite.data(classes);
        const test = learnerData({
          rows: 300,
          classes,
          encoding: suite.learner.encoding,
          seed: 3,
          missing: 0.2,
        });
        const model = await suite.fit(data);
        await assertOnnxAgrees(model, test.X, classes);
        await assertOnnxAgrees(model, data.X, classes);
        await assertOnnxAgrees(model, test.X.take([5]), classes);
      },
    ],
    [
      'has predictions of the right size, probabilities in [0, 1] that sum to 1, none for no rows',
      async () => {
        const data = suite.data(classes);
        const model = await suite.fit(data);
        assertPredictions(model, suite.data(classes, 4).X, classes);
        assertPredictions(model, data.X.take([]), classes);
      },
    ],
    [
      'refuses a matrix of another width with a ShapeError',
      async () => {
        const data = suite.data(classes);
        const model = await suite.fit(data);
        const { X } = data;
        const wider = new FeatureMatrix(X.rows, [...X.features, X.features[0]], [...X.columns, X.columns[0]]);
        assert.throws(() => model.predict(wider), ShapeError);
      },
    ],
  ];
}

function edges(suite: Suite, classes: number): Case[] {
  return [
    [
      'a constant column does no harm',
      async () => {
        const data = suite.data(classes);
        const values = new Float32Array(ROWS).fill(3);
        const X = withColumn(data.X, 2, { kind: 'dense', values });
        const model = await suite.fit({ ...data, X });
        assertPredictions(model, X, classes);
        await assertOnnxAgrees(model, X, classes);
      },
    ],
    [
      'large numbers that nobody scaled agree in ONNX Runtime too',
      async () => {
        const data = suite.data(classes);
        const values = data.X.dense(0).map((x) => 1000 * x + 5000);
        const X = withColumn(data.X, 0, { kind: 'dense', values });
        const model = await suite.fit({ ...data, X });
        await assertOnnxAgrees(model, X, classes);
      },
    ],
    [
      'stores of the same values, dense and sparse, give the same predictions',
      async () => {
        const { encoding } = suite.learner;
        const [dense, sparse] = [true, false].map((flag) =>
          learnerData({ rows: ROWS, classes, encoding, seed: 5, dense: flag }),
        );
        const a = (await suite.fit(dense)).predict(dense.X);
        const b = (await suite.fit(sparse)).predict(sparse.X);
        assertClose(a, b, 1e-6);
      },
    ],
    [
      'two rows, and more features than rows, give a result or a clear DataError',
      async () => {
        await suite.fitOrDataError(takeRows(suite.data(classes), [0, 1]));
        await suite.fitOrDataError(takeRows(suite.data(classes), [0, 1, 2, 3, 4]));
      },
    ],
    ...(classes === 0
      ? []
      : ([
          [
            'a class without rows gets a probability, as small as it may be',
            async () => {
              const data = suite.data(3);
              const rows = [...data.y.keys()].filter((i) => data.y[i] !== 1);
              const some = takeRows(data, rows);
              const model = await suite.fit(some);
              assertPredictions(model, data.X, 3);
              await assertOnnxAgrees(model, data.X, 3);
            },
          ],
        ] satisfies Case[])),
  ];
}

/** Every parameter at each end of its range, the others at their defaults. */
function spaceEnds(suite: Suite, classes: number): Case[] {
  const task = classes === 0 ? 'regression' : 'classification';
  const shape = { rows: ROWS, width: suite.data(classes).X.width, classes };
  return Object.entries(suite.learner.space(task, shape)).flatMap(([parameter, dimension]) =>
    ends(dimension).map((value): Case => {
      return [
        `fits with ${parameter} = ${String(value)}`,
        async () => {
          const data = suite.data(classes);
          const model = await suite.fit(data, { [parameter]: value });
          assertPredictions(model, data.X, classes);
          await assertOnnxAgrees(model, data.X, classes);
        },
      ];
    }),
  );
}

function ends(dimension: Dimension): ParameterValue[] {
  return dimension.type === 'choice' ? [...dimension.values] : [dimension.low, dimension.high];
}

/** The model as it comes back from a file. */
function written(model: Model): SerializedModel {
  return JSON.parse(JSON.stringify(model)) as SerializedModel;
}

function assertPredictions(model: Model, X: FeatureMatrix, classes: number): void {
  const predictions = model.predict(X);
  assert.equal(model.classes, classes);
  assert.equal(model.width, X.width);
  assert.equal(predictions.length, X.rows * Math.max(classes, 1));
  assert.ok(
    predictions.every((value) => Number.isFinite(value)),
    'predictions must be finite',
  );
  if (classes === 0) return;
  for (let i = 0; i < X.rows; i++) {
    const row = predictions.subarray(i * classes, (i + 1) * classes);
    assert.ok(
      row.every((p) => p >= 0 && p <= 1),
      `probabilities must lie in [0, 1], but row ${i} has ${row.join(', ')}`,
    );
    const total = row.reduce((sum, p) => sum + p, 0);
    assert.ok(Math.abs(total - 1) < 1e-9, `probabilities must sum to 1, but row ${i} sums to ${total}`);
  }
}

/** Runs the exported nodes on X and compares: probabilities to 1e-5, values to 1e-5 of the largest one, labels equal. */
async function assertOnnxAgrees(model: Model, X: FeatureMatrix, classes: number): Promise<void> {
  const graph = new OnnxGraph('conformance');
  const features = graph.input('features', 'float32', ['N', X.width]);
  const outputs = Math.max(classes, 1);
  graph.output(model.emitOnnx(graph, features), 'float32', ['N', outputs], 'prediction');
  const session = await OnnxSession.create(graph.toModel(), { threads: 1 });
  const feeds = {
    features: { dtype: 'float32' as const, data: X.toRowMajor(), dims: [X.rows, X.width] },
  };
  const { prediction } = await session.run(feeds);
  await session.release();
  assert.deepEqual([...prediction.dims], [X.rows, outputs]);
  const theirs = Float64Array.from(prediction.data as Float32Array);
  const ours = model.predict(X);
  const scale = classes > 0 ? 1 : ours.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  assertClose(theirs, ours, AGREEMENT * scale);
  for (let i = 0; classes > 0 && i < X.rows; i++) {
    const row = ours.subarray(i * classes, (i + 1) * classes);
    const [first, second] = Float64Array.from(row).sort().reverse();
    if (first - second < 1e-6) continue;
    const label = row.indexOf(first);
    const other = theirs.subarray(i * classes, (i + 1) * classes);
    assert.equal(other.indexOf(Math.max(...other)), label, `labels differ in row ${i}`);
  }
}

function assertClose(actual: Float64Array, expected: Float64Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    assert.ok(
      difference <= tolerance,
      `value ${i}: ${actual[i]} differs from ${expected[i]} by ${difference}, more than ${tolerance}`,
    );
  }
}

/** Share of wrong labels of a classification, mean squared error of a regression. */
function meanLoss(model: Model, { X, y, classes }: TrainingData): number {
  const predictions = model.predict(X);
  let total = 0;
  for (let i = 0; i < y.length; i++) {
    const row = predictions.subarray(i * classes, (i + 1) * classes);
    if (classes > 0) total += row.indexOf(Math.max(...row)) === y[i] ? 0 : 1;
    else total += (predictions[i] - y[i]) ** 2;
  }
  return total / y.length;
}
