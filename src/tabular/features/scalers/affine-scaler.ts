import type { OnnxGraph } from '#engine';
import { type FeatureColumn, FeatureMatrix } from '../matrix.ts';
import type { Scaler, ScalerJson, ScalerName } from './scaler.ts';

export type AffineName = Extract<
  ScalerName,
  'StandardScaler' | 'MinMaxScaler' | 'MaxAbsScaler' | 'RobustScaler'
>;

/** Offset and factor of one feature. */
type Affine = readonly [offset: number, factor: number];

const IDENTITY: Affine = [0, 1];

const settings: Readonly<Record<AffineName, Readonly<Record<string, unknown>>>> = {
  StandardScaler: { with_mean: true, with_std: true },
  MinMaxScaler: { feature_range: [0, 1] },
  MaxAbsScaler: {},
  RobustScaler: { with_centering: true, with_scaling: true, quantile_range: [25, 75] },
};

/** (x − offset) · factor per feature, each operation rounded to float32, in TypeScript as in ONNX. */
export class AffineScaler implements Scaler {
  readonly name: AffineName;
  private readonly offsets: Float32Array;
  private readonly factors: Float32Array;

  constructor(name: AffineName, offsets: Float32Array, factors: Float32Array) {
    this.name = name;
    this.offsets = offsets;
    this.factors = factors;
  }

  transform(X: FeatureMatrix): FeatureMatrix {
    const columns = X.columns.map((column, j): FeatureColumn => {
      const offset = this.offsets[j];
      const factor = this.factors[j];
      if (offset === 0 && factor === 1) return column;
      if (column.kind === 'sparse' && offset === 0) {
        return { ...column, values: column.values.map((value) => value * factor) };
      }
      const from = X.dense(j);
      const values = new Float32Array(X.rows);
      for (let i = 0; i < values.length; i++) values[i] = Math.fround(from[i] - offset) * factor;
      return { kind: 'dense', values };
    });
    return new FeatureMatrix(X.rows, X.features, columns);
  }

  settings(): Readonly<Record<string, unknown>> {
    return structuredClone(settings[this.name]);
  }

  emitOnnx(graph: OnnxGraph, features: string): string {
    const shifted = this.offsets.some((offset) => offset !== 0)
      ? graph.node('Sub', [features, graph.constant(this.offsets)])
      : features;
    return graph.node('Mul', [shifted, graph.constant(this.factors)]);
  }

  toJSON(): ScalerJson {
    return { scaler: this.name, offsets: Array.from(this.offsets), factors: Array.from(this.factors) };
  }

  static load(name: AffineName, json: ScalerJson): AffineScaler {
    return new AffineScaler(
      name,
      Float32Array.from(json['offsets'] as number[]),
      Float32Array.from(json['factors'] as number[]),
    );
  }
}

/** The values a column has: those listed (no NaN), and some zeros. */
interface Sample {
  readonly values: Float32Array;
  readonly zeros: number;
  readonly sparse: boolean;
}

const rules: Readonly<Record<AffineName, (sample: Sample) => Affine>> = {
  StandardScaler: (sample) => {
    const { mean, deviation } = momentsOf(sample);
    return [sample.sparse ? 0 : mean, inverse(deviation)];
  },
  MinMaxScaler: (sample) => {
    const [low, high] = extremes(sample);
    return [low, inverse(high - low)];
  },
  MaxAbsScaler: (sample) => {
    const [low, high] = extremes(sample);
    return [0, inverse(Math.max(-low, high))];
  },
  RobustScaler: (sample) => {
    const sorted = { ...sample, values: sample.values.slice().sort() };
    const spread = quantile(sorted, 0.75) - quantile(sorted, 0.25);
    const scale = spread > 0 ? spread : momentsOf(sample).deviation;
    return [sample.sparse ? 0 : quantile(sorted, 0.5), inverse(scale)];
  },
};

/** Fits on the numeric features; categorical ones and those without any value stay as they are. */
export function fitAffine(name: AffineName, X: FeatureMatrix): AffineScaler {
  const fitted = X.columns.map((column, j): Affine => {
    if (X.features[j].type === 'categorical') return IDENTITY;
    const sample = sampleOf(column, X.rows);
    return sample.values.length + sample.zeros === 0 ? IDENTITY : rules[name](sample);
  });
  return new AffineScaler(
    name,
    Float32Array.from(fitted, ([offset]) => offset),
    Float32Array.from(fitted, ([, factor]) => factor),
  );
}

/** 1 / x, or 1 where that is no float32 number. */
function inverse(x: number): number {
  const factor = Math.fround(1 / x);
  return x > 0 && Number.isFinite(factor) && factor > 0 ? factor : 1;
}

function sampleOf(column: FeatureColumn, rows: number): Sample {
  const { kind, values } = column;
  const present = values.some((value) => Number.isNaN(value))
    ? values.filter((value) => !Number.isNaN(value))
    : values;
  return { values: present, zeros: kind === 'sparse' ? rows - values.length : 0, sparse: kind === 'sparse' };
}

/** Mean and population standard deviation, in two passes. */
function momentsOf({ values, zeros }: Sample): { mean: number; deviation: number } {
  const count = values.length + zeros;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / count;
  let squares = zeros * mean * mean;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  const deviation = Math.sqrt(squares / count);
  // What is left of a constant after rounding is no spread.
  return { mean, deviation: deviation > 1e-10 * Math.abs(mean) ? deviation : 0 };
}

function extremes({ values, zeros }: Sample): [number, number] {
  let low = zeros > 0 ? 0 : Number.POSITIVE_INFINITY;
  let high = zeros > 0 ? 0 : Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

/** Linear interpolation between order statistics at position q · (n − 1); `values` are sorted. */
function quantile({ values, zeros }: Sample, q: number): number {
  let negatives = 0;
  if (zeros > 0) while (negatives < values.length && values[negatives] < 0) negatives++;
  const at = (i: number) => {
    if (i < negatives) return values[i];
    return i < negatives + zeros ? 0 : values[i - zeros];
  };
  const last = values.length + zeros - 1;
  const below = Math.floor(q * last);
  const low = at(below);
  return low + (q * last - below) * (at(Math.min(below + 1, last)) - low);
}
