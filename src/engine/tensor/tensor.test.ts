import { expect, test } from 'vitest';
import { ShapeError } from '#core';
import { placeholder } from './create.ts';

const x = placeholder('x', 'float32', [2, 3]);
const thin = placeholder('thin', 'float32', [1, 3, 1]);
const scalar = placeholder('scalar', 'float32', []);

test('flatten joins the axes from one on, counted from either end', () => {
  expect(thin.flatten(1).shape).toEqual([1, 3]);
  expect(thin.flatten(-2).shape).toEqual([1, 3]);
  expect(x.flatten().shape).toEqual([6]);
  expect(scalar.flatten().shape).toEqual([1]);
  expect(placeholder('empty', 'float32', [0, 3, 4]).flatten(1).shape).toEqual([0, 12]);
});

test('unsqueeze puts an axis of size 1 anywhere, also behind the last', () => {
  expect(x.unsqueeze(0).shape).toEqual([1, 2, 3]);
  expect(x.unsqueeze(2).shape).toEqual([2, 3, 1]);
  expect(x.unsqueeze(-1).shape).toEqual([2, 3, 1]);
  expect(x.unsqueeze(-3).shape).toEqual([1, 2, 3]);
  expect(scalar.unsqueeze(0).shape).toEqual([1]);
});

test('squeeze takes out axes of size 1, or the one that is named', () => {
  expect(thin.squeeze().shape).toEqual([3]);
  expect(thin.squeeze(0).shape).toEqual([3, 1]);
  expect(thin.squeeze(-1).shape).toEqual([1, 3]);
});

test.each([
  ['flatten', () => x.flatten(7), 'flatten: axis must be a whole number in [-2, 2), but got 7'],
  ['flatten', () => x.flatten(2), 'flatten: axis must be a whole number in [-2, 2), but got 2'],
  ['unsqueeze', () => x.unsqueeze(7), 'unsqueeze: axis must be a whole number in [-3, 3), but got 7'],
  ['unsqueeze', () => x.unsqueeze(0.5), 'unsqueeze: axis must be a whole number in [-3, 3), but got 0.5'],
  ['squeeze', () => x.squeeze(-3), 'squeeze: axis must be a whole number in [-2, 2), but got -3'],
  ['squeeze', () => x.squeeze(0), 'squeeze: the axis must have size 1, but got axis 0 of [2, 3]'],
])('%s refuses an axis by its own name: %#', (_, make, sentence) => {
  expect(make).toThrow(ShapeError);
  expect(make).toThrow(sentence);
});
