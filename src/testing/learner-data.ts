import { Rng } from '#core';
import {
  type Encoding,
  type FeatureColumn,
  type FeatureInfo,
  FeatureMatrix,
  type TrainingData,
} from '#tabular';

/** What `learnerData` draws. */
export interface LearnerDataOptions {
  readonly rows: number;
  /** K ≥ 2, or 0 for a regression. */
  readonly classes: number;
  readonly encoding: Encoding;
  readonly seed: number;
  /** Share of missing numbers and categories; 0 by default. */
  readonly missing?: number;
  /** Store one-hot columns dense instead of sparse. */
  readonly dense?: boolean;
}

const LEVELS = 4;
const NUMERIC = 4;

/**
 * A learnable problem: four standard normal numbers (the last one noise) and one category of four levels.
 * `onehot` data has the numbers and one sparse 0/1 column per level, missing numbers being 0 and missing categories
 * all 0; `ordinal` data has NaN and code 0.
 *
 * Classes lie around K points on a circle in the first two numbers, moved by the category; regression targets are
 * 10 + 3·x₀ − 2·x₁ + 2·[category is 1] + noise.
 */
export function learnerData(options: LearnerDataOptions): TrainingData {
  const { rows, classes, encoding, missing = 0 } = options;
  const rng = new Rng(options.seed).fork('learner-data');
  const numbers = Array.from({ length: NUMERIC }, () => new Float32Array(rows));
  const levels = new Uint8Array(rows);
  const y = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    for (const column of numbers) column[i] = rng.normal();
    levels[i] = 1 + rng.integer(LEVELS);
    if (classes > 0) {
      y[i] = i < classes ? i : rng.integer(classes);
      const angle = (2 * Math.PI * y[i]) / classes;
      numbers[0][i] = 1.6 * Math.cos(angle) + 0.45 * numbers[0][i];
      numbers[1][i] = 1.6 * Math.sin(angle) + 0.45 * numbers[1][i];
      if (rng.uniform() < 0.5) levels[i] = 1 + (y[i] % LEVELS);
    } else {
      y[i] = 10 + 3 * numbers[0][i] - 2 * numbers[1][i] + (levels[i] === 1 ? 2 : 0) + 0.3 * rng.normal();
    }
    if (missing > 0) {
      for (const column of numbers) {
        if (rng.uniform() < missing) column[i] = encoding === 'ordinal' ? Number.NaN : 0;
      }
      if (rng.uniform() < missing) levels[i] = 0;
    }
  }
  return { X: toMatrix(numbers, levels, options), y, classes };
}

function toMatrix(
  numbers: readonly Float32Array[],
  levels: Uint8Array,
  { rows, encoding, dense }: LearnerDataOptions,
): FeatureMatrix {
  const features = numbers.map((_, j): FeatureInfo => {
    return { name: `x${j}`, source: `x${j}`, type: 'numeric', cardinality: 0 };
  });
  const columns = numbers.map((values): FeatureColumn => ({ kind: 'dense', values }));
  if (encoding === 'ordinal') {
    features.push({ name: 'c', source: 'c', type: 'categorical', cardinality: LEVELS + 1 });
    columns.push({ kind: 'dense', values: Float32Array.from(levels) });
    return new FeatureMatrix(rows, features, columns);
  }
  for (let level = 1; level <= LEVELS; level++) {
    features.push({ name: `c=${level}`, source: 'c', type: 'numeric', cardinality: 0 });
    const at = Uint32Array.from([...levels.keys()].filter((i) => levels[i] === level));
    columns.push(
      dense
        ? { kind: 'dense', values: Float32Array.from(levels, (value) => (value === level ? 1 : 0)) }
        : { kind: 'sparse', rows: at, values: new Float32Array(at.length).fill(1) },
    );
  }
  return new FeatureMatrix(rows, features, columns);
}

/** The same matrix with column `j` replaced. */
export function withColumn(X: FeatureMatrix, j: number, column: FeatureColumn): FeatureMatrix {
  return new FeatureMatrix(
    X.rows,
    X.features,
    X.columns.map((old, k) => (k === j ? column : old)),
  );
}

/** Rows of training data in the given order, repeats allowed. */
export function takeRows(data: TrainingData, index: ArrayLike<number>): TrainingData {
  const rows = Array.from(index);
  return {
    X: data.X.take(rows),
    y: Float64Array.from(rows, (i) => data.y[i]),
    classes: data.classes,
    ...(data.weights === undefined
      ? {}
      : { weights: Float64Array.from(rows, (i) => data.weights?.[i] ?? 1) }),
  };
}
