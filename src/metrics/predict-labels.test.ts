import { expect, test } from 'vitest';
import { ShapeError } from '#core';
import { argmaxRows, predictWithClassWeights, predictWithThreshold } from './predict-labels.ts';

test('argmax takes the first of equals', () => {
  expect(Array.from(argmaxRows([0.2, 0.3, 0.5, 0.4, 0.4, 0.2, 0, 0, 0], 3))).toEqual([2, 0, 0]);
});

test('a probability equal to the threshold is positive', () => {
  expect(Array.from(predictWithThreshold([0.75, 0.25, 0.5, 0.5, 0.25, 0.75], 0.5))).toEqual([0, 1, 1]);
});

test('the threshold is compared in float32', () => {
  // 0.3 − 1e-12 and 0.3 are the same float32 number.
  expect(Array.from(predictWithThreshold([0.7, 0.3 - 1e-12], 0.3))).toEqual([1]);
});

test('class weights multiply before the argmax', () => {
  expect(Array.from(predictWithClassWeights([0.6, 0.3, 0.1, 0.6, 0.2, 0.2], [1, 2.5, 1]))).toEqual([1, 0]);
});

test('a matrix that is not [N, K] is refused', () => {
  expect(() => predictWithThreshold([0.1, 0.9, 0.5], 0.5)).toThrow(ShapeError);
  expect(() => predictWithClassWeights([0.1, 0.9, 0.5, 0.5], [1, 1, 1])).toThrow(ShapeError);
});
