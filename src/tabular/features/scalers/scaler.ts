import { ConfigError, DataError, nearestName } from '#core';
import type { OnnxGraph } from '#engine';
import type { FeatureMatrix } from '../matrix.ts';
import { AffineScaler, fitAffine } from './affine-scaler.ts';
import { type Norm, Normalizer } from './normalizer.ts';
import { fitProjection, Projection } from './projection.ts';

export const scalerNames = [
  'StandardScaler',
  'MinMaxScaler',
  'MaxAbsScaler',
  'RobustScaler',
  'Normalizer',
  'PCA',
  'TruncatedSVD',
] as const;

export type ScalerName = (typeof scalerNames)[number];

/** A fitted scaler as a JSON document; `scaler` is its name. */
export interface ScalerJson {
  readonly scaler: string;
  readonly [key: string]: unknown;
}

/** A fitted scaler: features [N, D] in, features [N, D] (or [N, components]) out. */
export interface Scaler {
  readonly name: ScalerName;
  transform(X: FeatureMatrix): FeatureMatrix;
  /** What it was set to, plain data under scikit-learn's names, e.g. `{ with_mean: true, with_std: true }`. */
  settings(): Readonly<Record<string, unknown>>;
  toJSON(): ScalerJson;
  /**
   * Adds the nodes that do the same.
   * @param features name of a float32 tensor [N, D]
   * @returns name of a float32 tensor
   */
  emitOnnx(graph: OnnxGraph, features: string): string;
}

export interface ScalerOptions {
  /** Start vectors of the eigenvalue iteration of PCA and TruncatedSVD with many features; default 0. */
  readonly seed?: number;
  /** PCA and TruncatedSVD: number of components ≥ 1, capped at min(N, D); default 50. PCA also takes a share of variance in (0, 1). */
  readonly components?: number;
  /** Normalizer: default `l2`. */
  readonly norm?: Norm;
}

/**
 * Fits a scaler. Constant features keep their scale. The first four look at numeric features only, skip NaN, and leave
 * categorical codes as they are; sparse columns stay sparse where zero stays zero, and `StandardScaler` and
 * `RobustScaler` do not centre them.
 *
 * - `StandardScaler`: (x − mean) / standard deviation
 * - `MinMaxScaler`: (x − min) / (max − min)
 * - `MaxAbsScaler`: x / max |x|
 * - `RobustScaler`: (x − median) / (third − first quartile); the standard deviation where the quartiles are equal
 * - `Normalizer`: each row divided by its norm
 * - `PCA`: (x − mean) · principal directions; `TruncatedSVD`: x · right singular vectors. The sign of a direction is such
 *   that its largest loading is positive. Fitted on at most 10,000 evenly spaced rows.
 *
 * @throws ConfigError for an unknown name or an option out of range
 * @throws DataError when the last three get categorical features or NaN, or there are no rows
 */
export function fitScaler(name: string, X: FeatureMatrix, options: ScalerOptions = {}): Scaler {
  if (!(scalerNames as readonly string[]).includes(name)) {
    const near = nearestName(name, scalerNames);
    throw new ConfigError(
      `fitScaler: the scaler must be one of ${scalerNames.join(', ')}, but got "${name}".` +
        (near === undefined ? '' : ` Did you mean "${near}"?`),
    );
  }
  if (X.rows === 0) {
    throw new DataError(
      `fitScaler: ${name} must be fitted on rows, but got 0. Check the source of the data.`,
    );
  }
  const scaler = name as ScalerName;
  if (scaler === 'Normalizer' || scaler === 'PCA' || scaler === 'TruncatedSVD') checkComplete(scaler, X);
  if (scaler === 'Normalizer') return new Normalizer(options.norm ?? 'l2');
  if (scaler === 'PCA' || scaler === 'TruncatedSVD') return fitProjection(scaler, X, options);
  return fitAffine(scaler, X);
}

/** @throws DataError when the document is not one that `Scaler.toJSON` wrote */
export function loadScaler(json: ScalerJson): Scaler {
  const name = json?.scaler as ScalerName;
  switch (name) {
    case 'StandardScaler':
    case 'MinMaxScaler':
    case 'MaxAbsScaler':
    case 'RobustScaler':
      return AffineScaler.load(name, json);
    case 'Normalizer':
      return new Normalizer(json['norm'] as Norm);
    case 'PCA':
    case 'TruncatedSVD':
      return Projection.load(name, json);
    default:
      throw new DataError(
        `loadScaler: the document must name one of ${scalerNames.join(', ')}, but got ${JSON.stringify(name)}. ` +
          'Pass what Scaler.toJSON wrote.',
      );
  }
}

function checkComplete(name: ScalerName, X: FeatureMatrix): void {
  const broken = X.features.find(
    ({ type }, j) => type === 'categorical' || X.columns[j].values.some((value) => Number.isNaN(value)),
  );
  if (broken === undefined) return;
  throw new DataError(
    `fitScaler: ${name} needs numbers without gaps, but feature "${broken.name}" is ` +
      `${broken.type === 'categorical' ? 'categorical' : 'missing in some rows'}. Use the onehot encoding.`,
  );
}
