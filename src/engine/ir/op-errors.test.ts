import { describe, expect, it } from 'vitest';
import { DTypeError, ShapeError } from '#core';
import { gradients } from '../autodiff/gradients.ts';
import { tensor } from '../tensor/create.ts';
import * as build from './build.ts';
import type { Value } from './value.ts';

const floats = (...shape: number[]) => build.input('x', 'float32', shape);
const wholes = (...shape: number[]) => build.input('i', 'int64', shape);
const plain = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;

const here = / \(src\/engine\/ir\/op-errors\.test\.ts:\d+\)$/;

describe('operands whose shapes do not fit', () => {
  it.each<[string, () => Value, RegExp]>([
    ['add', () => build.add(floats(2, 3), floats(4)), /^add: .* but got \[2, 3\] and \[4\]\./],
    ['matmul', () => build.matmul(floats(8, 5), floats(4, 6)), /^matmul: .* but got \[8, 5\] and \[4, 6\]/],
    [
      'conv2d',
      () => build.conv2d(floats(8, 3, 32, 32), floats(16, 4, 3, 3), plain),
      /^conv2d: channels of input and weight must agree, but got input \[8, 3, 32, 32\] and weight \[16, 4, 3, 3\] with groups=1\. Set inChannels to 3\./,
    ],
    ['concat', () => build.concat([floats(2, 3), floats(2, 4)], 0), /^concat: .*\[2, 3\] and \[2, 4\]/],
    ['reshape', () => build.reshape(floats(2, 3), [7]), /^reshape: .*\[2, 3\].*\[7\]/],
    [
      'channelAffine',
      () => build.channelAffine(floats(2, 3, 4, 4), floats(5)),
      /^channelAffine: .*\[2, 3, 4, 4\] and \[5\]/,
    ],
    ['where', () => build.where(build.less(floats(3), 0), floats(3), floats(2)), /^where: .*\[3\].*\[2\]/],
    [
      'maxPool2d',
      () => build.maxPool2d(floats(1, 1, 2, 2), { kernel: [3, 3], strides: [1, 1], pads: [0, 0, 0, 0] }),
      /^maxPool2d: .*\[1, 1, 2, 2\] and kernel \[3, 3\]/,
    ],
  ])('%s names itself, the shapes and the line', (_, make, sentence) => {
    expect(make).toThrow(ShapeError);
    expect(make).toThrow(sentence);
    expect(make).toThrow(here);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'an axis that is not there',
      () => build.softmax(floats(2, 3), 2),
      /^softmax: axis must be a whole number in \[-2, 2\), but got 2\./,
    ],
    [
      'an axis named twice',
      () => build.sum(floats(2, 3), [0, -2]),
      /^sum: axes must differ, but got \[0, -2\]\./,
    ],
    [
      'two sizes to be found',
      () => build.reshape(floats(2, 3), [-1, -1]),
      /^reshape: .* but got \[2, 3\] to \[-1, -1\]\./,
    ],
    ['rows of different lengths', () => tensor([[1, 2], [3]]), /^tensor: rows must have equal lengths/],
    [
      'the gradient of what is no number',
      () => gradients(floats(2, 3), []),
      /^gradients: .* must be a scalar, but got \[2, 3\]/,
    ],
  ])('%s: named once with the line', (_, make, sentence) => {
    expect(make).toThrow(ShapeError);
    expect(make).toThrow(sentence);
    expect(make).toThrow(here);
    expect(make).not.toThrow(/test\.ts.*test\.ts/);
  });
});

describe('operands whose element types do not fit', () => {
  it.each<[string, () => Value, RegExp]>([
    [
      'add',
      () => build.add(floats(2), wholes(2)),
      /^add: .* but got float32\[2\] and int64\[2\]\. Cast one of them\./,
    ],
    [
      'matmul',
      () => build.matmul(floats(2, 2), wholes(2, 2)),
      /^matmul: .*float32\[2, 2\] and int64\[2, 2\]/,
    ],
    [
      'sigmoid',
      () => build.sigmoid(wholes(2)),
      /^sigmoid: elements must be floating point numbers, but got int64\[2\]/,
    ],
    ['gather', () => build.gather(floats(3), floats(1)), /^gather: .*float32/],
    ['not', () => build.not(floats(2)), /^not: .*float32\[2\]/],
  ])('%s names itself, the types and the line', (_, make, sentence) => {
    expect(make).toThrow(DTypeError);
    expect(make).toThrow(sentence);
    expect(make).toThrow(here);
  });
});
