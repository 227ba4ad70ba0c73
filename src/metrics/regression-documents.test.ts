import { expect, test } from 'vitest';
import { predictedTrue, residuals } from './regression-documents.ts';

test('residuals: eight even bins in ±2σ and one on either side', () => {
  // σ = 2: inner edges −4 −3 … 4. Residuals ŷ − y: −9, −4, −.5, 0, 3.9, 4.
  const { data, ...schema } = residuals([0, 0, 0, 0, 0, 0], [-9, -4, -0.5, 0, 3.9, 4], 2);
  expect(schema).toEqual({ schema_type: 'residuals', schema_version: '1.0.0' });
  expect(data.bin_edges).toEqual([-9, -4, -3, -2, -1, 0, 1, 2, 3, 4, 4]);
  expect(data.bin_counts).toEqual([1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
  expect(data.res_count).toBe(6);
  expect(data.mean).toBeCloseTo(-5.6 / 6, 14);
  // Squares 81 + 16 + .25 + 0 + 15.21 + 16 = 128.46
  expect(data.stddev).toBeCloseTo(Math.sqrt(128.46 / 6 - (5.6 / 6) ** 2), 12);
});

test('residuals: outer bins without rows are as wide as the others', () => {
  const { data } = residuals([1, 2], [1.5, 2], 1);
  expect(data.bin_edges[0]).toBe(-2.5);
  expect(data.bin_edges[10]).toBe(2.5);
});

test('residuals: a target without spread gets σ = 1', () => {
  expect(residuals([3, 3], [3, 3], 0).data.bin_edges[1]).toBe(-2);
});

test('predicted_true: mean and spread of the predictions per tenth of the range, right edges included', () => {
  const { data, ...schema } = predictedTrue([0, 1, 1.5, 10], [1, 3, 4, 9], { min: 0, max: 10 });
  expect(schema).toEqual({ schema_type: 'predicted_true', schema_version: '1.0.0' });
  expect(data.bin_edges).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(data.bin_counts).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
  // Bin 0 holds 1 and 3: mean 2, deviation 1.
  expect(data.bin_averages).toEqual([2, 4, 0, 0, 0, 0, 0, 0, 0, 9]);
  expect(data.bin_errors).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test('predicted_true: values outside the range go to the outer bins, a single value gets a bin around it', () => {
  expect(predictedTrue([-5, 15], [0, 0], { min: 0, max: 10 }).data.bin_counts).toEqual([
    1, 0, 0, 0, 0, 0, 0, 0, 0, 1,
  ]);
  const { data } = predictedTrue([3, 3], [2, 4], { min: 3, max: 3 });
  expect(data.bin_edges[0]).toBe(2.5);
  expect(data.bin_counts.reduce((a, b) => a + b)).toBe(2);
});
