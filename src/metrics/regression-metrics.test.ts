import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, DataError, ShapeError } from '#core';
import type { RegressionMetricName } from './metric-names.ts';
import { metricInfo, metricNames } from './metric-registry.ts';
import { regressionMetrics, regressionScore, spearmanCorrelation } from './regression-metrics.ts';

interface Fixture {
  readonly name: string;
  readonly yTrue: number[];
  readonly predictions: number[];
  readonly weights: number[] | null;
  readonly range: { min: number; max: number };
  readonly scalars: Record<string, number>;
  readonly residualCounts: number[];
}

const fixtures: readonly Fixture[] = JSON.parse(
  readFileSync(new URL('../../test/fixtures/metrics/metrics.json', import.meta.url), 'utf8'),
).regression;

describe.each(fixtures)('agreement with scikit-learn and SciPy: $name', (fixture) => {
  const input = { ...fixture, weights: fixture.weights ?? undefined };
  const result = regressionMetrics(input);

  test('every scalar, computed together and alone', () => {
    for (const name of metricNames('regression') as RegressionMetricName[]) {
      const alone = regressionScore(name, input);
      if (name in fixture.scalars) {
        expect(result.scalars[name], name).toBeCloseTo(fixture.scalars[name], 12);
        expect(alone, name).toBe(result.scalars[name]);
      } else {
        // The log errors of negative values.
        expect(name).toContain('log_error');
        expect(result.scalars[name]).toBeNaN();
        expect(alone).toBeNaN();
      }
    }
  });

  test('the bins of the residuals', () => {
    expect(result.residuals.data.bin_counts).toEqual(fixture.residualCounts);
  });
});

describe('hand-worked values', () => {
  // y 1 2 3 6, ŷ 2 2 4 4: errors −1 0 −1 2; ȳ = 3, Σ(y − ȳ)² = 4 + 1 + 0 + 9 = 14.
  const input = { yTrue: [1, 2, 3, 6], predictions: [2, 2, 4, 4] };
  const { scalars } = regressionMetrics(input);

  test('absolute and squared errors', () => {
    expect(scalars.mean_absolute_error).toBe(1);
    // Sorted 0 1 1 2.
    expect(scalars.median_absolute_error).toBe(1);
    expect(scalars.root_mean_squared_error).toBeCloseTo(Math.sqrt(6 / 4), 14);
  });

  test('errors over the range of the target, 6 − 1', () => {
    expect(scalars.normalized_mean_absolute_error).toBeCloseTo(0.2, 14);
    expect(scalars.normalized_median_absolute_error).toBeCloseTo(0.2, 14);
    expect(scalars.normalized_root_mean_squared_error).toBeCloseTo(Math.sqrt(1.5) / 5, 14);
    expect(regressionScore('normalized_mean_absolute_error', { ...input, range: { min: 0, max: 10 } })).toBe(
      0.1,
    );
  });

  test('the share of variance explained', () => {
    // 1 − 6/14; the mean error is 0, so both agree.
    expect(scalars.r2_score).toBeCloseTo(8 / 14, 14);
    expect(scalars.explained_variance).toBeCloseTo(8 / 14, 14);
    // A constant shift hurts r2 alone: errors 1 in every row.
    const shifted = regressionMetrics({ yTrue: [1, 2, 3, 6], predictions: [2, 3, 4, 7] }).scalars;
    expect(shifted.explained_variance).toBe(1);
    expect(shifted.r2_score).toBeCloseTo(1 - 4 / 14, 14);
  });

  test('rank correlation shares the mean rank among ties', () => {
    // Ranks 0 1 2 3 and .5 .5 2.5 2.5: Σab = 4, Σaa = 5, Σbb = 4.
    expect(scalars.spearman_correlation).toBeCloseTo(4 / Math.sqrt(20), 14);
  });

  test('log errors', () => {
    const squared = Math.log(2 / 3) ** 2 + 0 + Math.log(4 / 5) ** 2 + Math.log(7 / 5) ** 2;
    expect(scalars.root_mean_squared_log_error).toBeCloseTo(Math.sqrt(squared / 4), 14);
    // Divided by ln 7 − ln 2.
    expect(scalars.normalized_root_mean_squared_log_error).toBeCloseTo(
      Math.sqrt(squared / 4) / Math.log(3.5),
      14,
    );
  });

  test('percentage error leaves out rows with a target of 0', () => {
    // 1/1, 0/2, 1/3, 2/6: mean 5/12.
    expect(scalars.mean_absolute_percentage_error).toBeCloseTo(500 / 12, 12);
    expect(
      regressionScore('mean_absolute_percentage_error', { yTrue: [0, 2, 1e-9], predictions: [5, 1, 1] }),
    ).toBe(50);
    expect(regressionScore('mean_absolute_percentage_error', { yTrue: [0], predictions: [5] })).toBeNaN();
  });

  test('weights count rows', () => {
    // (3·1 + 0 + 1·1 + 2·2) / (3 + 1 + 1 + 2) = 8/7
    expect(regressionScore('mean_absolute_error', { ...input, weights: [3, 1, 1, 2] })).toBeCloseTo(
      8 / 7,
      14,
    );
  });
});

describe('corner cases', () => {
  test('r2 is not below −1 and normalised errors are not above 1', () => {
    const { scalars } = regressionMetrics({ yTrue: [1, 2, 3], predictions: [100, -100, 100] });
    expect(scalars.r2_score).toBe(-1);
    expect(scalars.normalized_mean_absolute_error).toBe(1);
    expect(scalars.normalized_root_mean_squared_error).toBe(1);
    expect(scalars.explained_variance).toBeLessThan(-1);
  });

  test('a constant target: errors normalise to 0 if perfect, to 1 if not', () => {
    const perfect = regressionMetrics({ yTrue: [2, 2], predictions: [2, 2] }).scalars;
    expect(perfect.normalized_root_mean_squared_error).toBe(0);
    expect(perfect.normalized_root_mean_squared_log_error).toBe(0);
    expect(perfect.r2_score).toBe(1);
    const wrong = regressionMetrics({ yTrue: [2, 2], predictions: [2, 2.5] }).scalars;
    expect(wrong.normalized_root_mean_squared_error).toBe(1);
    expect(wrong.normalized_median_absolute_error).toBe(1);
    expect(wrong.r2_score).toBe(0);
    expect(wrong.explained_variance).toBe(0);
    expect(wrong.spearman_correlation).toBeNaN();
  });

  test('constant predictions have no rank correlation', () => {
    expect(spearmanCorrelation([1, 2, 3], [5, 5, 5])).toBeNaN();
  });

  test('log errors are undefined with a negative target, prediction or range', () => {
    const names = ['root_mean_squared_log_error', 'normalized_root_mean_squared_log_error'] as const;
    for (const name of names) {
      expect(regressionScore(name, { yTrue: [-1, 2], predictions: [1, 2] })).toBeNaN();
      expect(regressionScore(name, { yTrue: [1, 2], predictions: [-0.1, 2] })).toBeNaN();
    }
    const input = { yTrue: [1, 2], predictions: [1, 2], range: { min: -3, max: 5 } };
    expect(regressionScore('root_mean_squared_log_error', input)).toBe(0);
    expect(regressionScore('normalized_root_mean_squared_log_error', input)).toBeNaN();
  });

  test('bad input is refused in one sentence', () => {
    expect(() => regressionMetrics({ yTrue: [], predictions: [] })).toThrow(DataError);
    expect(() => regressionMetrics({ yTrue: [1, 2], predictions: [1] })).toThrow(ShapeError);
    expect(() => regressionMetrics({ yTrue: [1, 2], predictions: [1, Number.NaN] })).toThrow(
      'regressionMetrics: predictions must be finite, but got NaN in row 2. Drop or repair the row.',
    );
    expect(() => regressionMetrics({ yTrue: [1], predictions: [1], range: { min: 2, max: 1 } })).toThrow(
      ConfigError,
    );
    expect(() => regressionMetrics({ yTrue: [1], predictions: [1], standardDeviation: -1 })).toThrow(
      ConfigError,
    );
  });
});

describe('properties', () => {
  const value = fc.integer({ min: -50, max: 50 }).map((n) => n / 4);
  const pairs = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 30 });

  test('every scalar is NaN or in its bounds', () => {
    fc.assert(
      fc.property(pairs, (rows) => {
        const { scalars } = regressionMetrics({
          yTrue: rows.map(([y]) => y),
          predictions: rows.map(([, p]) => p),
        });
        for (const name of metricNames('regression') as RegressionMetricName[]) {
          if (Number.isNaN(scalars[name])) continue;
          const [low, high] = metricInfo(name).bounds;
          expect(scalars[name], name).toBeGreaterThanOrEqual(low);
          expect(scalars[name], name).toBeLessThanOrEqual(high);
        }
      }),
    );
  });

  test('rank correlation does not change under a rising transform and changes sign under a falling one', () => {
    fc.assert(
      fc.property(pairs, (rows) => {
        const y = rows.map(([v]) => v);
        const p = rows.map(([, v]) => v);
        const rho = spearmanCorrelation(y, p);
        fc.pre(!Number.isNaN(rho));
        expect(spearmanCorrelation(y, p.map(Math.atan))).toBe(rho);
        expect(
          spearmanCorrelation(
            y,
            p.map((v) => -v),
          ),
        ).toBeCloseTo(-rho, 12);
      }),
    );
  });
});
