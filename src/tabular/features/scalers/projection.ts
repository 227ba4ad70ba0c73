import { ConfigError } from '#core';
import type { OnnxGraph } from '#engine';
import { type FeatureColumn, FeatureMatrix } from '../matrix.ts';
import { numericFeature } from '../steps/step.ts';
import type { Scaler, ScalerJson, ScalerOptions } from './scaler.ts';
import { type Eigen, symmetricEigen } from './symmetric-eigen.ts';

export type ProjectionName = 'PCA' | 'TruncatedSVD';

const MAX_FIT_ROWS = 10_000;
const BLOCK_ROWS = 512;
const DEFAULT_COMPONENTS = 50;

/** (x − mean) · directions: [N, D] → [N, k]. `TruncatedSVD` has no mean. */
export class Projection implements Scaler {
  readonly name: ProjectionName;
  /** [D], or empty. */
  private readonly mean: Float32Array;
  /** [D, k] row-major. */
  private readonly directions: Float32Array;
  private readonly components: number;

  constructor(name: ProjectionName, mean: Float32Array, directions: Float32Array, components: number) {
    this.name = name;
    this.mean = mean;
    this.directions = directions;
    this.components = components;
  }

  transform(X: FeatureMatrix): FeatureMatrix {
    const k = this.components;
    const base = new Float64Array(k);
    const sums = new Float64Array(X.rows * k);
    X.columns.forEach((column, j) => {
      const mean = this.mean.length === 0 ? 0 : this.mean[j];
      const weights = this.directions.subarray(j * k, (j + 1) * k);
      const { values } = column;
      const shift = column.kind === 'dense' ? mean : 0;
      // Sparse columns: the mean is taken off all rows at once.
      if (column.kind === 'sparse') for (let c = 0; c < k; c++) base[c] -= mean * weights[c];
      for (let i = 0; i < values.length; i++) {
        const x = Math.fround(values[i] - shift);
        const at = (column.kind === 'dense' ? i : column.rows[i]) * k;
        for (let c = 0; c < k; c++) sums[at + c] += x * weights[c];
      }
    });
    const columns = Array.from({ length: k }, (_, c): FeatureColumn => {
      const values = new Float32Array(X.rows);
      for (let i = 0; i < X.rows; i++) values[i] = sums[i * k + c] + base[c];
      return { kind: 'dense', values };
    });
    const hint = this.name === 'PCA' ? 'pca' : 'svd';
    const features = columns.map((_, c) => numericFeature(`${hint}${c}`, hint));
    return new FeatureMatrix(X.rows, features, columns);
  }

  settings(): Readonly<Record<string, unknown>> {
    return { n_components: this.components };
  }

  emitOnnx(graph: OnnxGraph, features: string): string {
    const centred =
      this.mean.length === 0 ? features : graph.node('Sub', [features, graph.constant(this.mean)]);
    const width = this.directions.length / this.components;
    return graph.node('MatMul', [
      centred,
      graph.constant(this.directions, [width, this.components], 'directions'),
    ]);
  }

  toJSON(): ScalerJson {
    return {
      scaler: this.name,
      components: this.components,
      mean: Array.from(this.mean),
      directions: Array.from(this.directions),
    };
  }

  static load(name: ProjectionName, json: ScalerJson): Projection {
    return new Projection(
      name,
      Float32Array.from(json['mean'] as number[]),
      Float32Array.from(json['directions'] as number[]),
      json['components'] as number,
    );
  }
}

/** @throws ConfigError when `components` is out of range */
export function fitProjection(name: ProjectionName, X: FeatureMatrix, options: ScalerOptions): Projection {
  const { components = DEFAULT_COMPONENTS, seed = 0 } = options;
  const share = name === 'PCA' && components > 0 && components < 1;
  if (!share && !(Number.isInteger(components) && components >= 1)) {
    throw new ConfigError(
      `fitScaler: components of ${name} must be a whole number from 1${name === 'PCA' ? ' or a share in (0, 1)' : ''}, ` +
        `but got ${components}. Leave it out for ${DEFAULT_COMPONENTS}.`,
    );
  }
  const width = X.width;
  const mean = name === 'PCA' ? Float32Array.from(X.columns, (_, j) => meanOf(X, j)) : new Float32Array(0);
  const limit = Math.min(X.rows, width);
  const wanted = share ? limit : Math.min(components, limit);
  const eigen = symmetricEigen(gramOf(X, mean), width, wanted, seed);
  const kept = share ? countForShare(eigen, components) : wanted;
  const directions = new Float32Array(width * kept);
  for (let j = 0; j < width; j++) {
    for (let c = 0; c < kept; c++) directions[j * kept + c] = eigen.vectors[c * width + j];
  }
  return new Projection(name, mean, directions, kept);
}

function countForShare({ values }: Eigen, share: number): number {
  const total = values.reduce((sum, value) => sum + value, 0);
  let sum = 0;
  for (let c = 0; c < values.length; c++) {
    sum += values[c];
    if (sum >= share * total) return c + 1;
  }
  return values.length;
}

function meanOf(X: FeatureMatrix, j: number): number {
  return X.columns[j].values.reduce((sum, value) => sum + value, 0) / X.rows;
}

/** (X − mean)ᵀ (X − mean) [D, D] over evenly spaced rows, block by block. */
function gramOf(X: FeatureMatrix, mean: Float32Array): Float64Array {
  const { width } = X;
  const step = Math.max(1, X.rows / MAX_FIT_ROWS);
  const rows = Math.min(X.rows, MAX_FIT_ROWS);
  const sample = X.take(Uint32Array.from({ length: rows }, (_, i) => Math.floor(i * step)));
  const gram = new Float64Array(width * width);
  const block = new Float64Array(width * BLOCK_ROWS);
  for (let start = 0; start < rows; start += BLOCK_ROWS) {
    const size = Math.min(BLOCK_ROWS, rows - start);
    for (let j = 0; j < width; j++) {
      const { values } = sample.columns[j];
      const shift = mean.length === 0 ? 0 : mean[j];
      for (let i = 0; i < size; i++) block[j * BLOCK_ROWS + i] = values[start + i] - shift;
    }
    for (let j = 0; j < width; j++) {
      for (let m = 0; m <= j; m++) {
        let sum = 0;
        for (let i = 0; i < size; i++) sum += block[j * BLOCK_ROWS + i] * block[m * BLOCK_ROWS + i];
        gram[j * width + m] += sum;
      }
    }
  }
  for (let j = 0; j < width; j++) for (let m = 0; m < j; m++) gram[m * width + j] = gram[j * width + m];
  return gram;
}
