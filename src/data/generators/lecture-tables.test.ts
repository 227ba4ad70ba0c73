import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { diabetesModel, type FeatureTable, generateDiabetes, generateOtto } from './lecture-tables.ts';

/** Log of the mean count of every feature in every class, and the log share of the class: a Poisson naive Bayes. */
function fitPoisson({ features, labels }: FeatureTable, classes: number) {
  const [rows, width] = features.shape;
  const counts = new Float64Array(classes);
  const sums = Array.from({ length: classes }, () => new Float64Array(width).fill(0.5));
  for (let row = 0; row < rows; row++) {
    const k = Number(labels.data[row]);
    counts[k]++;
    for (let d = 0; d < width; d++) sums[k][d] += features.data[row * width + d];
  }
  return sums.map((sum, k) => {
    const total = sum.reduce((a, b) => a + b, 0);
    // Shares of a row's counts, so that the row's size does not matter.
    return { prior: Math.log(counts[k] / rows), logs: sum.map((value) => Math.log(value / total)) };
  });
}

function accuracy(model: ReturnType<typeof fitPoisson>, { features, labels }: FeatureTable): number {
  const [rows, width] = features.shape;
  let right = 0;
  for (let row = 0; row < rows; row++) {
    const x = features.data.subarray(row * width, (row + 1) * width);
    const scores = model.map(({ prior, logs }) => x.reduce((sum, value, d) => sum + value * logs[d], prior));
    right += Number(scores.indexOf(Math.max(...scores)) === Number(labels.data[row]));
  }
  return right / rows;
}

describe('generateOtto', () => {
  const table = generateOtto({ rows: 6000, seed: 1 });

  it('has 93 counts and nine classes of unequal size', () => {
    expect(table.features.shape).toEqual([6000, 93]);
    expect(table.features.data.every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
    const counts = new Array(9).fill(0);
    for (const label of table.labels.data) counts[Number(label)]++;
    const shares = [3, 26, 13, 4, 4, 23, 5, 14, 8];
    // Four standard deviations of a share among 6000 rows.
    counts.forEach((count, k) => {
      const share = shares[k] / 100;
      expect(Math.abs(count / 6000 - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / 6000));
    });
  });

  it('can be learnt, but not without error', () => {
    const test = generateOtto({ rows: 3000, seed: 2 });
    const found = accuracy(fitPoisson(table, 9), test);
    expect(found).toBeGreaterThan(0.7);
    expect(found).toBeLessThan(0.99);
  });

  it('is the same for the same seed, and begins the same for more rows', () => {
    expect(generateOtto({ rows: 50, seed: 1 }).features.data).toEqual(table.features.data.slice(0, 50 * 93));
    expect(generateOtto({ rows: 50, seed: 2 }).features.data).not.toEqual(
      table.features.data.slice(0, 50 * 93),
    );
  });

  it.each([0, -1, 1.5])('refuses %s rows', (rows) => {
    expect(() => generateOtto({ rows, seed: 1 })).toThrow(ConfigError);
  });
});

describe('generateDiabetes', () => {
  const rows = 20_000;
  const { features, labels } = generateDiabetes({ rows, seed: 3 });
  const width = diabetesModel.length - 1;

  it('has eight standardised features and outcomes of 0 and 1', () => {
    expect([features.shape, labels.shape, labels.dtype]).toEqual([[rows, 8], [rows, 1], 'float32']);
    expect(new Set(labels.data as Float32Array)).toEqual(new Set([0, 1]));
    for (let d = 0; d < width; d++) {
      let [sum, squares] = [0, 0];
      for (let row = 0; row < rows; row++) {
        const value = features.data[row * width + d];
        sum += value;
        squares += value * value;
      }
      // Four standard errors: 1/√n of the mean, √(2/n) of the variance.
      expect(Math.abs(sum / rows)).toBeLessThan(4 / Math.sqrt(rows));
      expect(Math.abs(squares / rows - 1)).toBeLessThan(4 * Math.sqrt(2 / rows));
    }
  });

  it('follows the logistic model that it tells', () => {
    // At the true weights the gradient of the log likelihood, Σ (y − p)·x, has mean 0 and variance Σ p(1 − p)·x².
    const gradient = new Float64Array(width + 1);
    const variance = new Float64Array(width + 1);
    for (let row = 0; row < rows; row++) {
      const x = [...features.data.subarray(row * width, (row + 1) * width), 1];
      const logit = x.reduce((sum, value, d) => sum + value * diabetesModel[d], 0);
      const p = 1 / (1 + Math.exp(-logit));
      x.forEach((value, d) => {
        gradient[d] += (Number(labels.data[row]) - p) * value;
        variance[d] += p * (1 - p) * value * value;
      });
    }
    gradient.forEach((value, d) => {
      expect(Math.abs(value)).toBeLessThan(4 * Math.sqrt(variance[d]));
    });
  });

  it('is the same for the same seed', () => {
    const again = generateDiabetes({ rows: 10, seed: 3 });
    expect(again.features.data).toEqual(features.data.slice(0, 10 * width));
    expect(again.labels.data).toEqual(labels.data.slice(0, 10));
    expect(() => generateDiabetes({ rows: 0, seed: 3 })).toThrow(ConfigError);
  });
});
