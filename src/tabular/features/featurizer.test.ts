import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, Rng } from '#core';
import { type Column, numberColumn, stringColumn, Table } from '#data';
import { OnnxSession } from '#engine';
import { type Featurizer, fitFeaturizer, loadFeaturizer } from './featurizer.ts';
import { tableFeeds } from './inputs.ts';
import type { FeatureMatrix } from './matrix.ts';
import { inferPurposes, type Purpose } from './purposes.ts';

function columnOf(matrix: FeatureMatrix, name: string): number[] {
  const j = matrix.features.findIndex((feature) => feature.name === name);
  if (j < 0) throw new Error(`no feature ${name} among ${matrix.features.map((f) => f.name).join(', ')}`);
  return [...matrix.dense(j)];
}

const names = (matrix: FeatureMatrix) => matrix.features.map(({ name }) => name);

/** The features ONNX Runtime makes of a table, row-major. */
async function onnxFeatures(featurizer: Featurizer, table: Table): Promise<Float32Array> {
  const session = await OnnxSession.create(featurizer.toOnnx(), { threads: 1 });
  const outputs = await session.run(tableFeeds(table, featurizer.inputs()));
  await session.release();
  return outputs['features'].data as Float32Array;
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** 40 rows, so that up to two distinct integers are categories. */
const small = new Table([
  numberColumn(
    'age',
    range(40).map((i) => (i === 0 ? null : i + 0.5)),
  ),
  stringColumn(
    'job',
    range(40).map((i) => (i < 20 ? 'admin.' : i < 30 ? 'maid' : i < 35 ? 'cook' : null)),
  ),
  stringColumn(
    'flag',
    range(40).map((i) => (i % 4 === 0 ? 'yes' : 'no')),
  ),
  numberColumn(
    'count',
    range(40).map((i) => i % 2),
  ),
]);
const purposes: Record<string, Purpose> = { job: 'Categorical', flag: 'Categorical', count: 'Categorical' };
const smallPurposes = inferPurposes(small, { overrides: purposes }).map(({ column, purpose, reason }) => ({
  column,
  purpose,
  reason,
}));

describe('fitFeaturizer, onehot', () => {
  const { featurizer, training } = fitFeaturizer(small, { encoding: 'onehot', purposes: smallPurposes });

  it('fills numbers with the mean and flags what was missing', () => {
    // The mean of 1.5 … 39.5 is 20.5.
    expect(columnOf(training, 'age').slice(0, 3)).toEqual([20.5, 1.5, 2.5]);
    expect(columnOf(training, 'age_WASNULL').slice(0, 3)).toEqual([1, 0, 0]);
  });

  it('gives one sparse column per category, one for two categories, and one for missing values', () => {
    expect(names(training)).toEqual([
      'age',
      'age_WASNULL',
      'job=admin.',
      'job=maid',
      'job=cook',
      'job_WASNULL',
      'flag=yes',
      'count=1',
    ]);
    expect(training.columns[2].kind).toBe('sparse');
    expect(columnOf(training, 'job=cook').flatMap((v, i) => (v === 1 ? [i] : []))).toEqual([
      30, 31, 32, 33, 34,
    ]);
    expect(columnOf(training, 'job_WASNULL').slice(34)).toEqual([0, 1, 1, 1, 1, 1]);
  });

  it('gives zeros for unseen categories', () => {
    const unseen = new Table([
      numberColumn('age', [null]),
      stringColumn('job', ['pilot']),
      stringColumn('flag', ['maybe']),
      numberColumn('count', [7]),
    ]);
    expect([...featurizer.transform(unseen).toRowMajor()]).toEqual([20.5, 1, 0, 0, 0, 0, 0, 0]);
  });

  it('reads whole-number categories as int64, numbers as float32 and strings as string', () => {
    expect(featurizer.inputs().map(({ column, dtype }) => [column, dtype])).toEqual([
      ['age', 'float32'],
      ['job', 'string'],
      ['flag', 'string'],
      ['count', 'int64'],
    ]);
    const ordinal = fitFeaturizer(small, { encoding: 'ordinal', purposes: smallPurposes });
    expect(ordinal.featurizer.inputs()).toEqual(featurizer.inputs());
  });

  it('lists its steps as a fitted pipeline', () => {
    expect(featurizer.steps()).toEqual([
      { name: 'NumericImputer', settings: { strategy: 'mean' }, columns: ['age'] },
      { name: 'MissingIndicator', settings: {}, columns: ['age'] },
      {
        name: 'OneHotEncoder',
        settings: { handleUnknown: 'ignore' },
        columns: ['job', 'flag', 'count'],
      },
    ]);
  });

  it('emits two nodes per categorical column, whatever the number of categories', async () => {
    const session = await OnnxSession.create(featurizer.toOnnx());
    expect(session.info.operators).toEqual([
      'Reshape',
      'Sub',
      'IsNaN',
      'Where',
      'Cast',
      'Concat',
      'ai.onnx.ml.LabelEncoder',
      'OneHot',
      'ai.onnx.ml.LabelEncoder',
      'OneHot',
      'ai.onnx.ml.LabelEncoder',
      'OneHot',
      'Concat',
      'Concat',
      'Identity',
    ]);
    await session.release();
  });

  it('hashes columns of many categories into buckets that hold what was seen only', () => {
    const table = new Table([
      stringColumn(
        'town',
        range(1200).map((i) => `town ${i % 600}`),
      ),
    ]);
    const { featurizer: hashing, training: hashed } = fitFeaturizer(table, { encoding: 'onehot' });
    expect(hashed.width).toBeGreaterThan(200);
    expect(hashed.width).toBeLessThanOrEqual(256);
    expect(hashed.features[0].name).toMatch(/^town#\d+$/);
    expect(hashed.toRowMajor().reduce((sum, value) => sum + value)).toBe(1200);
    const unseen = hashing.transform(new Table([stringColumn('town', ['town 600', null])]));
    expect(Math.max(...unseen.toRowMajor())).toBe(0);
    expect(hashing.steps()[0].name).toBe('HashOneHotEncoder');
  });
});

describe('fitFeaturizer, ordinal', () => {
  it('keeps NaN, codes categories by frequency and whole numbers as numbers', () => {
    const { training } = fitFeaturizer(small, { encoding: 'ordinal', purposes: smallPurposes });
    expect(training.features.map(({ name, type, cardinality }) => [name, type, cardinality])).toEqual([
      ['age', 'numeric', 0],
      ['count', 'numeric', 0],
      ['job', 'categorical', 4],
      ['flag', 'categorical', 3],
    ]);
    expect(columnOf(training, 'age')[0]).toBeNaN();
    expect([0, 20, 30, 35].map((row) => columnOf(training, 'job')[row])).toEqual([1, 2, 3, 0]);
    expect(columnOf(training, 'flag').slice(0, 2)).toEqual([2, 1]);
  });

  it('codes whole numbers when asked to', () => {
    const { training } = fitFeaturizer(small, {
      encoding: 'ordinal',
      purposes: smallPurposes,
      config: { integersAsNumbers: false },
    });
    expect(training.features.find(({ name }) => name === 'count')?.type).toBe('categorical');
  });

  it('keeps the 254 most frequent categories and gives the rest code 0', () => {
    const values = range(300).flatMap((i) => Array.from({ length: i < 254 ? 3 : 2 }, () => `c${i}`));
    const { training } = fitFeaturizer(new Table([stringColumn('c', values)]), {
      encoding: 'ordinal',
      targetEncoding: false,
    });
    expect(training.features[0].cardinality).toBe(255);
    const codes = columnOf(training, 'c');
    expect(Math.min(...codes.slice(0, 254 * 3))).toBe(1);
    expect(Math.max(...codes.slice(254 * 3))).toBe(0);
  });
});

describe('fitFeaturizer with a config', () => {
  it('imputes as told, column before *', () => {
    const table = new Table([
      numberColumn('a', [1, 1, 4, 10, null]),
      numberColumn('b', [1.5, 1.5, 4, 10, null]),
      numberColumn('c', [0.5, 1, 2, 3, null]),
    ]);
    const config = { imputation: { '*': 'median', b: 'mostFrequent', c: { constant: -7 } } } as const;
    const { training } = fitFeaturizer(table, { encoding: 'onehot', config });
    expect(['a', 'b', 'c'].map((name) => columnOf(training, name)[4])).toEqual([2.5, 1.5, -7]);
  });

  it('fills categories with the most frequent one or a constant instead of a category of their own', () => {
    const encode = (how: 'mostFrequent' | { constant: string }) =>
      fitFeaturizer(small, {
        encoding: 'onehot',
        purposes: smallPurposes,
        config: { imputation: { job: how } },
      });
    expect(columnOf(encode('mostFrequent').training, 'job=admin.')[39]).toBe(1);
    expect(names(encode('mostFrequent').training)).not.toContain('job_WASNULL');
    expect(columnOf(encode({ constant: 'none' }).training, 'job=none')[39]).toBe(1);
  });

  it('leaves out dropped columns and blocked steps', () => {
    const config = { dropColumns: ['job'], blockedSteps: ['MissingIndicator'] } as const;
    const { featurizer, training } = fitFeaturizer(small, {
      encoding: 'onehot',
      purposes: smallPurposes,
      config,
    });
    expect(names(training)).toEqual(['age', 'flag=yes', 'count=1']);
    expect(featurizer.inputs().map(({ column }) => column)).toEqual(['age', 'flag', 'count']);
  });

  it('passes numbers as they are when off, and refuses strings by name', () => {
    const numbers = small.drop('job', 'flag');
    const off = fitFeaturizer(numbers, { encoding: 'onehot', config: 'off' });
    expect(names(off.training)).toEqual(['age', 'count']);
    expect(columnOf(off.training, 'age')[0]).toBe(20.5);
    expect(() => fitFeaturizer(small, { encoding: 'onehot', config: 'off' })).toThrow(/"job", "flag" do not/);
  });

  it('says why nothing is left', () => {
    const table = new Table([numberColumn('x', [1, 1, 1])]);
    expect(() => fitFeaturizer(table, { encoding: 'onehot' })).toThrow(
      /all columns were dropped: x \(constant/,
    );
    expect(() => fitFeaturizer(table.take([]), { encoding: 'onehot' })).toThrow(DataError);
  });
});

describe('target encoding', () => {
  const y = (n: number, rng: Rng) => Float64Array.from({ length: n }, () => rng.integer(2));

  it('is (sum + 10 mean) / (count + 10) over all rows for new data', () => {
    // a: 3 of 4, b: 1 of 4; mean 1/2, so a → (3 + 5) / 14, b → (1 + 5) / 14.
    const table = new Table([stringColumn('c', ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b'])]);
    const { featurizer } = fitFeaturizer(table, {
      encoding: 'onehot',
      purposes: [{ column: 'c', purpose: 'CategoricalHash', reason: 'test' }],
      targetEncoding: true,
      target: { y: Float64Array.of(1, 1, 1, 0, 1, 0, 0, 0), classes: 2 },
    });
    const matrix = featurizer.transform(new Table([stringColumn('c', ['a', 'b', 'z', null])]));
    expect(names(matrix)).toEqual(['c:target']);
    expect([...matrix.dense(0)]).toEqual([8 / 14, 6 / 14, 0.5, 0.5].map(Math.fround));
  });

  it('never sees a row’s own label: random categories do not predict random labels', () => {
    const rng = new Rng(5);
    const n = 4000;
    const table = new Table([
      stringColumn(
        'c',
        range(n).map(() => `c${rng.integer(1500)}`),
      ),
    ]);
    const target = { y: y(n, rng), classes: 2 };
    const { featurizer, training } = fitFeaturizer(table, {
      encoding: 'onehot',
      targetEncoding: true,
      target,
    });
    const correlation = (values: Float32Array) => {
      const meanX = values.reduce((s, v) => s + v, 0) / n;
      const meanY = target.y.reduce((s, v) => s + v, 0) / n;
      let xy = 0;
      let xx = 0;
      let yy = 0;
      for (let i = 0; i < n; i++) {
        xy += (values[i] - meanX) * (target.y[i] - meanY);
        xx += (values[i] - meanX) ** 2;
        yy += (target.y[i] - meanY) ** 2;
      }
      return xy / Math.sqrt(xx * yy);
    };
    // Three standard errors of a correlation of 4000 independent pairs are .047.
    expect(Math.abs(correlation(training.dense(0)))).toBeLessThan(0.047);
    // The mapping for new data has seen these labels, which is why it must not be used for training.
    expect(correlation(featurizer.transform(table).dense(0))).toBeGreaterThan(0.4);
  });

  it('changing the label of one row leaves its own training value as it is', () => {
    const rng = new Rng(9);
    const table = new Table([
      stringColumn(
        'c',
        range(200).map(() => `c${rng.integer(60)}`),
      ),
    ]);
    const labels = y(200, rng);
    const encode = (values: Float64Array) =>
      fitFeaturizer(table, {
        encoding: 'onehot',
        targetEncoding: true,
        seed: 3,
        purposes: [{ column: 'c', purpose: 'CategoricalHash', reason: 'test' }],
        target: { y: values, classes: 2 },
      }).training.dense(0);
    const before = encode(labels);
    for (const row of [0, 57, 199]) {
      expect(encode(labels.map((value, i) => (i === row ? 1 - value : value)))[row]).toBe(before[row]);
    }
  });

  it('gives the share of each of K > 2 classes, and takes weights', () => {
    const table = new Table([stringColumn('c', ['a', 'a', 'b', 'b', 'c', 'c'])]);
    const encode = (weights?: Float64Array) =>
      fitFeaturizer(table, {
        encoding: 'onehot',
        targetEncoding: true,
        purposes: [{ column: 'c', purpose: 'CategoricalHash', reason: 'test' }],
        target: { y: Float64Array.of(0, 1, 2, 2, 1, 0), classes: 3 },
        ...(weights === undefined ? {} : { weights }),
      }).featurizer.transform(table);
    const matrix = encode();
    expect(names(matrix)).toEqual(['c:target#0', 'c:target#1', 'c:target#2']);
    // b: class 2 holds (2 + 10/3) / 12 of it.
    expect(columnOf(matrix, 'c:target#2')[2]).toBeCloseTo((2 + 10 / 3) / 12, 6);
    const weighted = encode(Float64Array.of(3, 1, 1, 1, 1, 1));
    // a: class 0 weighs 3 of 4; over all it is 4 of 8.
    expect(columnOf(weighted, 'c:target#0')[0]).toBeCloseTo((3 + 5) / 14, 6);
  });
});

describe('Featurizer', () => {
  it('survives JSON', () => {
    for (const encoding of ['onehot', 'ordinal'] as const) {
      const { featurizer } = fitFeaturizer(small, { encoding, purposes: smallPurposes });
      const loaded = loadFeaturizer(JSON.parse(JSON.stringify(featurizer.toJSON())));
      expect(loaded.toJSON()).toEqual(featurizer.toJSON());
      expect(loaded.features).toEqual(featurizer.features);
      expect(loaded.transform(small).toRowMajor()).toEqual(featurizer.transform(small).toRowMajor());
    }
    expect(() => loadFeaturizer({ steps: [] } as never)).toThrow(DataError);
  });

  it('leaves its input as it was', () => {
    const before = structuredClone(small.share());
    const { featurizer } = fitFeaturizer(small, { encoding: 'onehot', purposes: smallPurposes });
    featurizer.transform(small);
    expect(small.share()).toEqual(before);
  });

  it('names the nearest column when one is missing', () => {
    const { featurizer } = fitFeaturizer(small, { encoding: 'onehot', purposes: smallPurposes });
    const renamed = new Table(
      small.columns.map((column) => (column.name === 'age' ? { ...column, name: 'Age ' } : column)),
    );
    expect(() => featurizer.transform(renamed)).toThrow(/"age" is missing\. Did you mean "Age "/);
    expect(() => tableFeeds(renamed, featurizer.inputs())).toThrow(DataError);
  });

  it('gives clashing features names of their own', () => {
    const table = new Table([numberColumn('a', [1.5, 2, null]), numberColumn('a_WASNULL', [0.5, 1, 2])]);
    const { training } = fitFeaturizer(table, { encoding: 'onehot' });
    expect(names(training)).toEqual(['a', 'a_WASNULL', 'a_WASNULL~2']);
  });
});

describe('the emitted ONNX nodes', () => {
  /** Columns of every kind, with missing values, and rows of another draw with unseen values. */
  const tables = fc.record({
    seed: fc.integer({ min: 0, max: 1e6 }),
    encoding: fc.constantFrom('onehot' as const, 'ordinal' as const),
    targetEncoding: fc.boolean(),
    integersAsNumbers: fc.boolean(),
    classes: fc.constantFrom(0, 2, 3),
    trainRows: fc.integer({ min: 3, max: 60 }),
    testRows: fc.integer({ min: 0, max: 20 }),
    imputation: fc.constantFrom('mostFrequent' as const, 'category' as const, 'median' as const),
  });

  function randomTable(rng: Rng, rows: number, unseen: boolean): Table {
    const maybe = <T>(make: () => T): (T | null)[] =>
      range(rows).map(() => (rng.uniform() < 0.2 ? null : make()));
    const more = unseen ? 3 : 0;
    return new Table([
      numberColumn(
        'x',
        maybe(() => rng.normal() * 10 ** rng.integer(6)),
      ),
      numberColumn(
        'huge',
        maybe(() => (rng.uniform() < 0.2 ? 1e300 : rng.normal() * 1e6)),
      ),
      numberColumn(
        'whole',
        maybe(() => rng.integer(4 + more) - 2),
      ),
      numberColumn(
        'halves',
        maybe(() => rng.integer(4 + more) + 0.5),
      ),
      stringColumn(
        's',
        maybe(() => ['', 'ä', 'b c', 'ß'][rng.integer(4)] + (unseen ? 'x'.repeat(rng.integer(2)) : '')),
      ),
      stringColumn(
        'many',
        maybe(() => `m${rng.integer(30 + 10 * more)}`),
      ),
    ] satisfies Column[]);
  }

  it('give what TypeScript gives, bit for bit, for random tables', async () => {
    await fc.assert(
      fc.asyncProperty(tables, async (options) => {
        const rng = new Rng(options.seed);
        const train = randomTable(rng, options.trainRows, false);
        const overrides = {
          x: 'Numeric',
          huge: 'Numeric',
          whole: 'Categorical',
          halves: 'Categorical',
          s: 'Categorical',
          many: 'CategoricalHash',
        } as const;
        const { featurizer } = fitFeaturizer(train, {
          encoding: options.encoding,
          purposes: inferPurposes(train, { overrides }).map((info) => ({ ...info, overridden: false })),
          config: {
            integersAsNumbers: options.integersAsNumbers,
            imputation: { '*': options.imputation },
          },
          targetEncoding: options.targetEncoding,
          target: {
            y: Float64Array.from(range(options.trainRows), () =>
              options.classes === 0 ? rng.normal() : rng.integer(options.classes),
            ),
            classes: options.classes,
          },
        });
        const test = randomTable(rng, options.testRows, true);
        const expected = featurizer.transform(test).toRowMajor();
        expect(await onnxFeatures(featurizer, test)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
