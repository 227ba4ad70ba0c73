import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, DataError, Rng } from '#core';
import { OnnxGraph, OnnxSession } from '#engine';
import { type FeatureColumn, FeatureMatrix } from '../matrix.ts';
import { fitScaler, loadScaler, type Scaler, scalerNames } from './scaler.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** One column, its values hand-made. */
const column = (...values: number[]) => FeatureMatrix.fromRowMajor(values, 1, ['x']);
const scaled = (name: string, ...values: number[]) => {
  const X = column(...values);
  return [...fitScaler(name, X).transform(X).dense(0)];
};

function sparse(rows: number, entries: Record<number, number>): FeatureMatrix {
  const features = [{ name: 's', source: 's', type: 'numeric', cardinality: 0 } as const];
  const at = Uint32Array.from(Object.keys(entries), Number);
  return new FeatureMatrix(rows, features, [
    { kind: 'sparse', rows: at, values: Float32Array.from(Object.values(entries)) },
  ]);
}

/** Dense and sparse numeric columns of very different sizes. */
function randomMatrix(rng: Rng, rows: number, width: number): FeatureMatrix {
  const columns = Array.from({ length: width }, (_, j): FeatureColumn => {
    if (j % 2 === 0) {
      const size = 10 ** (rng.integer(7) - 3);
      const shift = rng.normal() * size * 10;
      return {
        kind: 'dense',
        values: Float32Array.from({ length: rows }, () => shift + size * rng.normal()),
      };
    }
    const at = Uint32Array.from({ length: rows }, (_, i) => i).filter(() => rng.uniform() < 0.3);
    return { kind: 'sparse', rows: at, values: Float32Array.from(at, () => rng.integer(3) + 1) };
  });
  const features = columns.map((_, j) => ({
    name: `f${j}`,
    source: `f${j}`,
    type: 'numeric' as const,
    cardinality: 0,
  }));
  return new FeatureMatrix(rows, features, columns);
}

async function onnxTransform(scaler: Scaler, X: FeatureMatrix): Promise<Float32Array> {
  const graph = new OnnxGraph('scaler');
  const x = graph.input('x', 'float32', ['N', X.width]);
  graph.output(scaler.emitOnnx(graph, x), 'float32', ['N', 'K'], 'y');
  const session = await OnnxSession.create(graph.toModel(), { threads: 1 });
  const feeds = { x: { dtype: 'float32' as const, data: X.toRowMajor(), dims: [X.rows, X.width] } };
  const { y } = await session.run(feeds);
  await session.release();
  return y.data as Float32Array;
}

describe('fitScaler', () => {
  it('StandardScaler: zero mean and unit standard deviation', () => {
    // Mean 5, squared deviations 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32, standard deviation √(32/8) = 2.
    expect(scaled('StandardScaler', 2, 4, 4, 4, 5, 5, 7, 9)).toEqual([-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2]);
  });

  it('MinMaxScaler: from 0 to 1', () => {
    expect(scaled('MinMaxScaler', -2, 0, 2)).toEqual([0, 0.5, 1]);
  });

  it('MaxAbsScaler: largest size 1', () => {
    expect(scaled('MaxAbsScaler', -4, 0, 2)).toEqual([-1, 0, 0.5]);
  });

  it('RobustScaler: median 0, quartile distance 1, else the standard deviation', () => {
    // Quartiles of 1 … 5 are 2 and 4.
    expect(scaled('RobustScaler', 1, 2, 3, 4, 5)).toEqual([-1, -0.5, 0, 0.5, 1]);
    // Quartiles of 0 × 8, 10, 10 are 0 and 0; mean 2, standard deviation √(.8·4 + .2·64) = 4.
    expect(scaled('RobustScaler', 0, 0, 0, 0, 0, 0, 0, 0, 10, 10)[9]).toBe(2.5);
  });

  it('Normalizer: rows of norm 1, rows of zeros as they are', () => {
    const X = FeatureMatrix.fromRowMajor([3, 4, 0, 0, -1, 1], 2);
    const rows = (norm: 'l1' | 'l2' | 'max') => [
      ...fitScaler('Normalizer', X, { norm }).transform(X).toRowMajor(),
    ];
    expect(rows('l2').slice(0, 4)).toEqual([0.6, 0.8, 0, 0].map(Math.fround));
    expect(rows('l1').slice(4)).toEqual([-0.5, 0.5]);
    expect(rows('max').slice(0, 2)).toEqual([0.75, 1]);
  });

  it('PCA: the direction of largest spread first, uncorrelated components', () => {
    // Points on the line y = 2x, off it by ±1 at right angles: directions (1, 2) / √5 and (2, −1) / √5.
    const points = [-2, -1, 1, 2].flatMap((t) => [-1, 1].flatMap((o) => [t * 2 + o * 2, t * 4 - o]));
    const X = FeatureMatrix.fromRowMajor(points, 2);
    const pca = fitScaler('PCA', X);
    const directions = pca.toJSON()['directions'] as number[];
    const expected = [1, 2, 2, -1].map((v) => v / Math.sqrt(5));
    expect([directions[0], directions[2]].map((v, i) => v - expected[i])).toEqual([
      expect.closeTo(0, 6),
      expect.closeTo(0, 6),
    ]);
    const [a, b] = [0, 1].map((j) => pca.transform(X).dense(j));
    expect(a.reduce((sum, value, i) => sum + value * b[i], 0)).toBeCloseTo(0, 4);
    expect(fitScaler('PCA', X, { components: 0.9 }).transform(X).width).toBe(1);
  });

  it('TruncatedSVD: keeps the length of rows when nothing is cut', () => {
    const X = randomMatrix(new Rng(1), 30, 5);
    const Z = fitScaler('TruncatedSVD', X).transform(X);
    expect(Z.width).toBe(5);
    const length = (matrix: FeatureMatrix) => matrix.toRowMajor().reduce((sum, v) => sum + v * v, 0);
    expect(length(Z) / length(X)).toBeCloseTo(1, 5);
    expect(fitScaler('TruncatedSVD', X, { components: 2 }).transform(X).width).toBe(2);
  });

  it('keeps constants, NaN and categorical codes as they are', () => {
    expect(scaled('StandardScaler', 0.1, 0.1, 0.1).every((v) => Math.abs(v) < 1e-7)).toBe(true);
    expect(scaled('MaxAbsScaler', 0, 0)).toEqual([0, 0]);
    expect(scaled('MinMaxScaler', 1, Number.NaN, 3)).toEqual([0, Number.NaN, 1]);
    expect(scaled('StandardScaler', Number.NaN, Number.NaN)).toEqual([Number.NaN, Number.NaN]);
    const codes = new FeatureMatrix(
      2,
      [{ name: 'c', source: 'c', type: 'categorical', cardinality: 8 }],
      [{ kind: 'dense', values: Float32Array.of(7, 2) }],
    );
    expect([...fitScaler('StandardScaler', codes).transform(codes).dense(0)]).toEqual([7, 2]);
  });

  it('keeps sparse columns sparse and their zeros zero', () => {
    const X = sparse(10, { 2: 1, 7: 1 });
    for (const name of ['StandardScaler', 'MinMaxScaler', 'MaxAbsScaler', 'RobustScaler', 'Normalizer']) {
      const [result] = fitScaler(name, X).transform(X).columns;
      expect(result.kind, name).toBe('sparse');
    }
    // Share 1/5 has standard deviation √(.2 · .8) = .4.
    expect(fitScaler('StandardScaler', X).transform(X).columns[0].values[0]).toBeCloseTo(2.5, 6);
  });

  it('tells its settings, the same after loading', () => {
    const X = FeatureMatrix.fromRowMajor([1, 2, 3, 5, 8, 13, 21, 34, 56], 3);
    const settings = Object.fromEntries(
      scalerNames.map((name) => {
        const scaler = fitScaler(name, X, { components: 2, norm: 'l1' });
        expect(loadScaler(JSON.parse(JSON.stringify(scaler.toJSON()))).settings()).toEqual(scaler.settings());
        return [name, scaler.settings()];
      }),
    );
    expect(settings).toEqual({
      StandardScaler: { with_mean: true, with_std: true },
      MinMaxScaler: { feature_range: [0, 1] },
      MaxAbsScaler: {},
      RobustScaler: { with_centering: true, with_scaling: true, quantile_range: [25, 75] },
      Normalizer: { norm: 'l1' },
      PCA: { n_components: 2 },
      TruncatedSVD: { n_components: 2 },
    });
  });

  it('refuses unknown names, components out of range and features it cannot use', () => {
    expect(() => fitScaler('StandartScaler', column(1))).toThrow(/Did you mean "StandardScaler"/);
    expect(() => fitScaler('PCA', column(1, 2), { components: 0 })).toThrow(ConfigError);
    expect(() => fitScaler('PCA', column(1, Number.NaN))).toThrow(/"x" is missing in some rows/);
    expect(() => fitScaler('StandardScaler', column())).toThrow(DataError);
    expect(() => loadScaler({ scaler: 'none' })).toThrow(DataError);
  });
});

describe('scalers in ONNX', () => {
  it.each(scalerNames)('%s agrees with TypeScript on random matrices', async (name) => {
    const shapes = fc.record({
      seed: fc.integer({ min: 0, max: 1e6 }),
      rows: fc.integer({ min: 2, max: 40 }),
      width: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ seed, rows, width }) => {
        const X = randomMatrix(new Rng(seed), rows, width);
        const before = X.toRowMajor();
        const scaler = fitScaler(name, X);
        const expected = scaler.transform(X).toRowMajor();
        expect(X.toRowMajor()).toEqual(before);
        const loaded = loadScaler(JSON.parse(JSON.stringify(scaler.toJSON())));
        expect(loaded.transform(X).toRowMajor()).toEqual(expected);
        const got = await onnxTransform(scaler, X);
        if (scaler.toJSON()['offsets'] !== undefined) {
          expect(got).toEqual(expected);
        } else {
          const size = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
          expect(got.length).toBe(expected.length);
          got.forEach((value, i) => {
            expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(2e-6 * size);
          });
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe('symmetricEigen', () => {
  it('solves a 2 × 2 matrix by hand', () => {
    // [[2, 1], [1, 2]] has eigenvalues 3 and 1 with directions (1, 1) and (1, −1).
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2, 2);
    expect([...values]).toEqual([expect.closeTo(3, 12), expect.closeTo(1, 12)]);
    expect(vectors[0]).toBeCloseTo(Math.SQRT1_2, 12);
    expect(vectors[1]).toBeCloseTo(Math.SQRT1_2, 12);
  });

  it('finds the leading pairs of a large matrix to a small residual, the same for a seed', () => {
    const n = 200;
    const rng = new Rng(4);
    const factor = Float64Array.from({ length: n * 12 }, () => rng.normal());
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        for (let m = 0; m < 12; m++) matrix[i * n + j] += factor[i * 12 + m] * factor[j * 12 + m] * (12 - m);
      }
    }
    const { values, vectors } = symmetricEigen(matrix, n, 5, 1);
    for (let c = 0; c < 5; c++) {
      const v = vectors.subarray(c * n, (c + 1) * n);
      let residual = 0;
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += matrix[i * n + j] * v[j];
        residual += (sum - values[c] * v[i]) ** 2;
      }
      expect(Math.sqrt(residual)).toBeLessThan(1e-4 * values[0]);
    }
    expect(symmetricEigen(matrix, n, 5, 1).vectors).toEqual(vectors);
  });
});
