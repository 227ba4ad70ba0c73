import { type HostTensor, Rng } from '#core';
import { checkGeneratorOptions, drawIndex, sigmoid } from './draw.ts';

/** Features float32 `[N, D]` and labels. */
export interface FeatureTable {
  readonly features: HostTensor<'float32'>;
  readonly labels: HostTensor;
}

const OTTO_FEATURES = 93;
/** Percentages of the nine classes, about those of the original. */
const OTTO_SHARES = [3, 26, 13, 4, 4, 23, 5, 14, 8];
/** The means of the classes are the same for every seed of the rows. */
const OTTO_WORLD = 2015;

/**
 * A table in the form of the Otto product classification: 93 counts and 9 classes of unequal size. Each class has its
 * own mean counts; some classes share most of them, so that no model can tell all apart.
 *
 * @returns counts `[rows, 93]` and int64 classes `[rows]`
 */
export function generateOtto({ rows, seed }: { rows: number; seed: number }): FeatureTable {
  checkGeneratorOptions('generateOtto', rows, 0);
  const world = new Rng(OTTO_WORLD).fork('otto');
  const shared = Array.from({ length: OTTO_FEATURES }, () => Math.exp(world.normal() * 0.8 - 1));
  const means = OTTO_SHARES.map((_, k) => {
    // Classes 2 and 3 (counted from 1) are hard to tell apart, as in the original.
    const rng = world.fork(k === 2 ? 1 : k);
    const own = world.fork(`own ${k}`);
    return shared.map(
      (mean) => mean * Math.exp(rng.normal() * 0.9 + own.normal() * (k === 1 || k === 2 ? 0.25 : 0.1)),
    );
  });
  const rng = new Rng(seed).fork('otto rows');
  const features = new Float32Array(rows * OTTO_FEATURES);
  const labels = new BigInt64Array(rows);
  for (let row = 0; row < rows; row++) {
    const k = drawIndex(rng, OTTO_SHARES);
    labels[row] = BigInt(k);
    const size = Math.exp(rng.normal() * 0.5);
    for (let d = 0; d < OTTO_FEATURES; d++)
      features[row * OTTO_FEATURES + d] = poisson(means[k][d] * size, rng);
  }
  return {
    features: { dtype: 'float32', shape: [rows, OTTO_FEATURES], data: features },
    labels: { dtype: 'int64', shape: [rows], data: labels },
  };
}

/** Knuth's method: products of uniform numbers; for large means the normal approximation. */
function poisson(mean: number, rng: Rng): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * rng.normal()));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = rng.uniform(); product > limit; product *= rng.uniform()) count++;
  return count;
}

/** Weights of the logistic model that `generateDiabetes` draws from: eight features, then the constant. */
export const diabetesModel: readonly number[] = [0.4, 1.1, -0.25, 0.05, 0.1, 0.7, 0.3, 0.2, -0.8];

/**
 * A table in the form of the diabetes data of the lecture: eight standardised features, and an outcome that is drawn
 * from a known logistic model.
 *
 * @returns features `[rows, 8]` and float32 outcomes 0 or 1 `[rows, 1]`
 */
export function generateDiabetes({ rows, seed }: { rows: number; seed: number }): FeatureTable {
  checkGeneratorOptions('generateDiabetes', rows, 0);
  const rng = new Rng(seed).fork('diabetes');
  const width = diabetesModel.length - 1;
  const features = new Float32Array(rows * width);
  const labels = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let logit = diabetesModel[width];
    for (let d = 0; d < width; d++) {
      const value = rng.normal();
      features[row * width + d] = value;
      logit += diabetesModel[d] * value;
    }
    labels[row] = Number(rng.uniform() < sigmoid(logit));
  }
  return {
    features: { dtype: 'float32', shape: [rows, width], data: features },
    labels: { dtype: 'float32', shape: [rows, 1], data: labels },
  };
}
