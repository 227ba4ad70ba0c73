import type { Shape } from '#core';
import * as build from '../build.ts';
import type { Value } from '../value.ts';
import { conv, type OpCase, type OpCases, random, same } from './op-case.ts';

/** Convolutions as [x, weight, attributes]. */
const convolutions: readonly (readonly [string, Shape, Shape, ReturnType<typeof conv>])[] = [
  ['plain', [2, 3, 5, 4], [4, 3, 3, 3], conv(1, same)],
  ['pointwise', [2, 16, 4, 4], [24, 16, 1, 1], conv(1, [0, 0, 0, 0])],
  ['pointwise with stride', [2, 16, 5, 5], [16, 16, 1, 1], conv(2, [0, 0, 0, 0])],
  ['pointwise, one phase of four', [2, 16, 4, 4], [16, 16, 1, 1], conv(2, [0, 0, 0, 0])],
  ['dense blocks', [2, 16, 6, 6], [32, 16, 3, 3], conv(1, same)],
  ['rows of a block', [2, 16, 2, 16], [32, 16, 3, 3], conv(1, same)],
  ['rows of two blocks', [2, 16, 2, 32], [16, 16, 3, 2], conv(1, [1, 1, 1, 0])],
  ['rows that share a block', [8, 24, 3, 4], [32, 24, 1, 5], conv(1, [0, 2, 0, 2])],
  ['rows with stride', [4, 16, 6, 16], [16, 16, 3, 3], conv(2, same)],
  ['rows with two strides', [2, 16, 3, 64], [16, 16, 1, 4], { ...conv(1, [0, 1, 0, 1]), strides: [1, 2] }],
  ['rows of one phase', [2, 16, 4, 32], [16, 16, 1, 1], conv(2, [0, 0, 0, 0])],
  ['dense with padded channels', [2, 24, 5, 5], [40, 24, 3, 3], conv(1, same)],
  ['dense with stride', [2, 16, 6, 6], [16, 16, 3, 3], conv(2, same)],
  ['dense with two strides', [2, 24, 6, 6], [16, 24, 3, 4], { ...conv(2, [0, 1, 0, 1]), strides: [3, 2] }],
  ['stem, TensorFlow same', [2, 3, 8, 8], [16, 3, 3, 3], conv(2, [0, 0, 1, 1])],
  ['depthwise', [2, 16, 6, 5], [16, 1, 3, 3], conv(1, same, 1, 16)],
  ['depthwise with stride, TensorFlow same', [2, 32, 8, 8], [32, 1, 5, 5], conv(2, [1, 1, 2, 2], 1, 32)],
  ['depthwise of few channels', [2, 3, 5, 5], [3, 1, 3, 3], conv(1, same, 1, 3)],
  ['groups', [2, 4, 5, 5], [6, 2, 3, 3], conv(1, same, 1, 2)],
  ['dilated, rest of the stride unread', [1, 2, 8, 9], [3, 2, 2, 3], conv(2, [1, 0, 0, 2], 2)],
  ['asymmetric pads', [2, 2, 5, 5], [3, 2, 3, 2], conv(1, [2, 0, 1, 1])],
];

const convCases = (
  make: (x: Value, w: Value, y: Value, attributes: ReturnType<typeof conv>) => Value,
  operands: (x: Shape, w: Shape, y: Shape) => readonly [Shape, Shape],
  role: 'y' | 'x' | 'w',
): OpCase[] =>
  convolutions.map(([name, x, w, attributes]) => {
    const y = build.conv2d(build.input('x', 'float32', x), build.input('w', 'float32', w), attributes).shape;
    return {
      name,
      inputs: operands(x, w, y).map((shape) => ({ shape })),
      linear: true,
      make: (a, b) => {
        const shaped = (shape: Shape) => build.input('unused', 'float32', shape);
        if (role === 'y') return make(a, b, shaped(y), attributes);
        if (role === 'x') return make(shaped(x), b, a, attributes);
        return make(a, shaped(w), b, attributes);
      },
    };
  });

/** Cases of matrix products and convolutions. */
export const productCases: OpCases<'matmul' | 'gemm' | 'conv2d' | 'conv2dInput' | 'conv2dWeight'> = {
  matmul: [
    // [1 2; 3 4]·[5; 6] = [1·5 + 2·6; 3·5 + 4·6]
    {
      name: 'matrix and column',
      inputs: [
        { shape: [2, 2], data: [1, 2, 3, 4] },
        { shape: [2, 1], data: [5, 6] },
      ],
      make: (a, b) => build.matmul(a, b),
      expected: [[17, 39]],
    },
    { name: 'plain', inputs: [random(3, 4), random(4, 2)], make: (a, b) => build.matmul(a, b), smooth: true },
    {
      name: 'first transposed',
      inputs: [random(4, 3), random(4, 2)],
      make: (a, b) => build.matmul(a, b, { transposeA: true }),
      smooth: true,
    },
    {
      name: 'second transposed',
      inputs: [random(3, 4), random(2, 4)],
      make: (a, b) => build.matmul(a, b, { transposeB: true }),
      smooth: true,
    },
    {
      name: 'both transposed',
      inputs: [random(4, 3), random(2, 4)],
      make: (a, b) => build.matmul(a, b, { transposeA: true, transposeB: true }),
      smooth: true,
    },
    {
      name: 'batches that broadcast',
      inputs: [random(2, 1, 3, 4), random(3, 4, 2)],
      make: (a, b) => build.matmul(a, b),
      smooth: true,
    },
    {
      name: 'batches, transposed',
      inputs: [random(2, 4, 3), random(2, 5, 4)],
      make: (a, b) => build.matmul(a, b, { transposeA: true, transposeB: true }),
      smooth: true,
    },
  ],
  gemm: [
    {
      name: 'a row for all',
      inputs: [random(4, 3), random(3, 2), random(2)],
      make: (a, b, c) => build.gemm(a, b, c, { transposeA: false, transposeB: false, beta: 1, relu: false }),
      smooth: true,
    },
    // 1·3 + 2·4 + ½·10
    {
      name: 'product and addend',
      inputs: [
        { shape: [1, 2], data: [1, 2] },
        { shape: [2, 1], data: [3, 4] },
        { shape: [1, 1], data: [10] },
      ],
      make: (a, b, c) =>
        build.gemm(a, b, c, { transposeA: false, transposeB: false, beta: 0.5, relu: false }),
      expected: [[16]],
    },
    {
      name: 'transposed',
      inputs: [random(4, 3), random(2, 4), random(3, 2)],
      make: (a, b, c) => build.gemm(a, b, c, { transposeA: true, transposeB: true, beta: 2, relu: false }),
      smooth: true,
    },
    // [1·3 + 2·4 − 12, 1·5 + 2·6 − 12]
    {
      name: 'ReLU',
      inputs: [
        { shape: [1, 2], data: [1, 2] },
        { shape: [2, 2], data: [3, 5, 4, 6] },
        { shape: [2], data: [-12, -12] },
      ],
      make: (a, b, c) => build.gemm(a, b, c, { transposeA: false, transposeB: false, beta: 1, relu: true }),
      expected: [[0, 5]],
    },
    {
      name: 'transposed, ReLU',
      inputs: [random(3, 4), random(5, 3), random(5)],
      make: (a, b, c) => build.gemm(a, b, c, { transposeA: true, transposeB: true, beta: 1, relu: true }),
      linear: true,
    },
  ],
  conv2d: [
    // A kernel of ones adds up each 2×2 window of 1 … 9: 1+2+4+5 = 12, …
    {
      name: 'window sums',
      inputs: [
        { shape: [1, 1, 3, 3], data: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
        { shape: [1, 1, 2, 2], data: [1, 1, 1, 1] },
      ],
      make: (x, w) => build.conv2d(x, w, conv(1, [0, 0, 0, 0])),
      expected: [[12, 16, 24, 28]],
    },
    ...convCases(
      (x, w, _, attributes) => build.conv2d(x, w, attributes),
      (x, w) => [x, w],
      'y',
    ),
  ],
  conv2dInput: [
    // Each of the four gradients spreads over its window: corners get one, edges two, the centre all
    {
      name: 'window spread',
      inputs: [
        { shape: [1, 1, 2, 2], data: [1, 2, 3, 4] },
        { shape: [1, 1, 2, 2], data: [1, 1, 1, 1] },
      ],
      make: (dy, w) => build.conv2dInput(dy, w, { ...conv(1, [0, 0, 0, 0]), shape: [1, 1, 3, 3] }),
      expected: [[1, 3, 2, 4, 10, 6, 3, 7, 4]],
    },
    ...convCases(
      (x, w, y, attributes) => build.conv2dInput(y, w, { ...attributes, shape: x.shape }),
      (_, w, y) => [y, w],
      'x',
    ),
  ],
  conv2dWeight: [
    // With one output the gradient is the window itself
    {
      name: 'window',
      inputs: [
        { shape: [1, 1, 2, 2], data: [1, 2, 3, 4] },
        { shape: [1, 1, 1, 1], data: [2] },
      ],
      make: (x, dy) => build.conv2dWeight(x, dy, { ...conv(1, [0, 0, 0, 0]), shape: [1, 1, 2, 2] }),
      expected: [[2, 4, 6, 8]],
    },
    ...convCases(
      (x, w, y, attributes) => build.conv2dWeight(x, y, { ...attributes, shape: w.shape }),
      (x, _, y) => [x, y],
      'w',
    ),
  ],
};
