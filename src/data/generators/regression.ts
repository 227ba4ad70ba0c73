import { Rng } from '#core';
import { numberColumn, stringColumn, Table } from '../table.ts';
import { blank, checkGeneratorOptions, drawIndex } from './draw.ts';

export interface GenerateRegressionOptions {
  readonly rows: number;
  readonly seed: number;
  /** Standard deviation of the noise, above 0; default 1. */
  readonly noise?: number;
  /** Share of feature cells blanked at random, in [0, 1); default 0. */
  readonly missing?: number;
}

/** The best that any model can reach: the noise that was added. */
export interface RegressionTruth {
  /** E[y] of every row. */
  readonly means: Float64Array;
  readonly noise: number;
  /** Scores of the true means against the values drawn. */
  readonly bestRmse: number;
  readonly bestMae: number;
  readonly bestR2: number;
  /** Root mean squared error expected of the true means: the noise's deviation. */
  readonly expectedRmse: number;
}

const regions = { north: 3, south: -2, east: 0, west: 1, centre: -4, islands: 6 } as const;
const regionWeights = [30, 25, 20, 15, 7, 3];
const grades = ['A', 'B', 'C', 'D', 'E'] as const;

/**
 * Friedman's first function with categories:
 *
 *     y = 10·sin(π·x1·x2) + 20·(x3 − ½)² + 10·x4 + 5·x5 + shift(region) + 2·rank(grade)·x4 + noise·ε
 *
 * with x1 … x5 uniform on [0, 1], ε standard normal, shift between −4 and 6, rank 0 to 4 for grades A to E.
 * `x6` follows x4 with an error, `x7` and `x8` are unrelated to y.
 *
 * @throws ConfigError for a row number or share out of range
 * @source J. Friedman, Multivariate adaptive regression splines, Annals of Statistics 19 (1991)
 */
export function generateRegression(options: GenerateRegressionOptions): {
  table: Table;
  truth: RegressionTruth;
} {
  const { rows, seed, noise = 1, missing = 0 } = options;
  checkGeneratorOptions('generateRegression', rows, missing, noise);
  const rng = new Rng(seed);
  const features = rng.fork('features');
  const x = Array.from({ length: 8 }, () => new Float64Array(rows));
  const region: (keyof typeof regions)[] = [];
  const grade: string[] = [];
  const means = new Float64Array(rows);
  const names = Object.keys(regions) as (keyof typeof regions)[];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < 5; j++) x[j][i] = features.uniform();
    x[5][i] = x[3][i] + 0.2 * features.normal();
    x[6][i] = features.uniform();
    x[7][i] = features.normal();
    region.push(names[drawIndex(features, regionWeights)]);
    const rank = features.integer(grades.length);
    grade.push(grades[rank]);
    means[i] =
      10 * Math.sin(Math.PI * x[0][i] * x[1][i]) +
      20 * (x[2][i] - 0.5) ** 2 +
      10 * x[3][i] +
      5 * x[4][i] +
      regions[region[i]] +
      2 * rank * x[3][i];
  }
  const noiseRng = rng.fork('noise');
  const y = means.map((mean) => mean + noise * noiseRng.normal());
  const blanks = rng.fork('missing');
  const table = new Table([
    ...x.map((values, j) => numberColumn(`x${j + 1}`, blank(blanks, Array.from(values), missing))),
    stringColumn('region', blank(blanks, region, missing)),
    stringColumn('grade', blank(blanks, grade, missing)),
    numberColumn('y', y),
  ]);
  return { table, truth: regressionTruth(means, y, noise) };
}

function regressionTruth(means: Float64Array, y: Float64Array, noise: number): RegressionTruth {
  const rows = y.length;
  const average = y.reduce((sum, value) => sum + value, 0) / rows;
  let squares = 0;
  let absolute = 0;
  let total = 0;
  for (let i = 0; i < rows; i++) {
    squares += (y[i] - means[i]) ** 2;
    absolute += Math.abs(y[i] - means[i]);
    total += (y[i] - average) ** 2;
  }
  return {
    means,
    noise,
    bestRmse: Math.sqrt(squares / rows),
    bestMae: absolute / rows,
    bestR2: 1 - squares / total,
    expectedRmse: noise,
  };
}
