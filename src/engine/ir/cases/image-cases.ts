import * as build from '../build.ts';
import { type OpCase, type OpCases, of, pool, random, same } from './op-case.ts';

const columns = { kernel: [3, 1], strides: [3, 1], pads: [0, 0, 0, 0], isByPhases: true } as const;
const poolings = [
  ['tiles', [2, 3, 4, 6], pool(2, 2)],
  ['overlapping', [2, 2, 7, 7], pool(3, 2, same)],
  ['unread rest', [1, 2, 5, 5], pool(2, 2)],
  ['blocks', [2, 16, 6, 6], pool(2, 2)],
  ['columns', [2, 2, 3, 5], columns],
  ['tall columns', [2, 2, 9, 2], { kernel: [9, 1], strides: [9, 1], pads: [0, 0, 0, 0] }],
] as const;

/** Cases of ops on channels, pooling and resizing. */
export const imageCases: OpCases<
  | 'channelAffine'
  | 'affineSum'
  | 'channelDot'
  | 'channelSum'
  | 'channelMoments'
  | 'maxPool2d'
  | 'maxPool2dScatter'
  | 'maxPool2dGather'
  | 'averagePool2d'
  | 'averagePool2dGradient'
  | 'resize2d'
> = {
  channelAffine: [
    {
      name: 'per channel',
      inputs: [{ shape: [1, 2, 2], data: [1, 2, 3, 4] }, of(10, 100), of(1, 2)],
      make: build.channelAffine,
      expected: [[11, 21, 302, 402]],
    },
    {
      name: 'blocks',
      inputs: [random(2, 16, 2, 3), random(16), random(16)],
      make: build.channelAffine,
      smooth: true,
    },
    {
      name: 'padded channels',
      inputs: [random(2, 24, 2, 3), random(24), random(24)],
      make: build.channelAffine,
      linear: true,
    },
    {
      name: 'per sample, no shift',
      inputs: [random(2, 16, 2, 2), random(2, 16)],
      make: (x, s) => build.channelAffine(x, s),
      smooth: true,
    },
    { name: 'matrix', inputs: [random(4, 3), random(3), random(3)], make: build.channelAffine, smooth: true },
  ],
  affineSum: [
    // 1·10 + 1 − 12 and 2·10 + 1 + 4, 3·100 + 2 − 400 and 4·100 + 2 + 0; negative ones are zero
    {
      name: 'sum and ReLU',
      inputs: [
        { shape: [1, 2, 1, 2], data: [1, 2, 3, 4] },
        of(10, 100),
        of(1, 2),
        { shape: [1, 2, 1, 2], data: [-12, 4, -400, 0] },
      ],
      make: (x, scale, shift, addend) => build.affineSum({ x, scale, shift, addend }, true),
      expected: [[0, 25, 0, 402]],
    },
    {
      name: 'blocks, sum',
      inputs: [random(2, 16, 2, 3), random(16), random(16), random(2, 16, 2, 3)],
      make: (x, scale, shift, addend) => build.affineSum({ x, scale, shift, addend }, false),
      smooth: true,
    },
    {
      name: 'padded channels, ReLU',
      inputs: [random(2, 24, 2, 3), random(24), random(24)],
      make: (x, scale, shift) => build.affineSum({ x, scale, shift }, true),
      linear: true,
    },
  ],
  channelDot: [
    // 1·5 + 2·6 and 3·7 + 4·8
    {
      name: 'per channel',
      inputs: [
        { shape: [1, 2, 2], data: [1, 2, 3, 4] },
        { shape: [1, 2, 2], data: [5, 6, 7, 8] },
      ],
      make: (x, y) => build.channelDot(x, y),
      expected: [[17, 53]],
    },
    {
      name: 'blocks',
      inputs: [random(2, 16, 2, 3), random(2, 16, 2, 3)],
      make: (x, y) => build.channelDot(x, y),
      smooth: true,
    },
    {
      name: 'with itself, padded channels',
      inputs: [random(2, 24, 2, 3)],
      make: (x) => build.channelDot(x, x),
      linear: true,
    },
    {
      name: 'per sample',
      inputs: [random(2, 16, 2, 2), random(2, 16, 2, 2)],
      make: (x, y) => build.channelDot(x, y, true),
      smooth: true,
    },
  ],
  channelSum: [
    {
      name: 'per channel',
      inputs: [{ shape: [1, 2, 2], data: [1, 2, 3, 4] }],
      make: (x) => build.channelSum(x),
      expected: [[3, 7]],
    },
    { name: 'blocks', inputs: [random(2, 16, 2, 3)], make: (x) => build.channelSum(x), smooth: true },
    {
      name: 'per sample',
      inputs: [random(2, 24, 2, 2)],
      make: (x) => build.channelSum(x, true),
      linear: true,
    },
    { name: 'matrix', inputs: [random(4, 3)], make: (x) => build.channelSum(x), smooth: true },
  ],
  channelMoments: [
    // Channel 1: mean 2, variance ((−1)² + 1²)/2 = 1; channel 2: mean 5, variance 4
    {
      name: 'per channel',
      inputs: [{ shape: [1, 2, 2], data: [1, 3, 3, 7] }],
      make: build.channelMoments,
      expected: [
        [2, 5],
        [1, 4],
      ],
    },
    { name: 'blocks', inputs: [random(3, 16, 2, 3)], make: build.channelMoments, smooth: true },
    { name: 'padded channels', inputs: [random(3, 24, 2, 3)], make: build.channelMoments, linear: true },
    { name: 'matrix', inputs: [random(5, 3)], make: build.channelMoments, smooth: true },
  ],
  maxPool2d: [
    {
      name: 'window',
      inputs: [{ shape: [1, 1, 2, 2], data: [1, 4, 3, 2] }],
      make: (x) => build.maxPool2d(x, pool(2, 2)),
      expected: [[4]],
    },
    ...poolings.map(
      ([name, shape, attributes]): OpCase => ({
        name,
        inputs: [{ shape }],
        make: (x) => build.maxPool2d(x, attributes),
        linear: true,
      }),
    ),
  ],
  maxPool2dScatter: [
    {
      name: 'window',
      inputs: [
        { shape: [1, 1, 1, 1], data: [7] },
        { shape: [1, 1, 2, 2], data: [1, 4, 4, 2] },
      ],
      make: (dy, x) => build.maxPool2dScatter(dy, x, build.maxPool2d(x, pool(2, 2)), pool(2, 2)),
      expected: [[0, 7, 0, 0]],
    },
    {
      name: 'a column without finite numbers',
      inputs: [
        { shape: [1, 1, 1, 1], data: [0] },
        {
          shape: [1, 1, 3, 1],
          data: [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
        },
      ],
      make: (dy, x) => {
        const column = { kernel: [3, 1], strides: [3, 1], pads: [0, 0, 0, 0] } as const;
        return build.maxPool2dScatter(dy, x, build.maxPool2d(x, column), column);
      },
      expected: [[0, 0, 0]],
    },
    {
      name: 'equal rows',
      inputs: [
        { shape: [1, 1, 1, 3], data: [5, 6, 7] },
        { shape: [1, 1, 3, 3], data: [1, 2, 0, 1, 4, 0, 1, 4, 9] },
      ],
      make: (dy, x) => build.maxPool2dScatter(dy, x, build.maxPool2d(x, columns), columns),
      expected: [[5, 0, 0, 0, 6, 0, 0, 0, 7]],
    },
    ...poolings.map(([name, shape, attributes]): OpCase => {
      const pooled = build.maxPool2d(build.input('x', 'float32', shape), attributes).shape;
      return {
        name,
        inputs: [{ shape: pooled }, { shape }],
        make: (dy, x) =>
          build.maxPool2dScatter(
            dy,
            build.stopGradient(x),
            build.stopGradient(build.maxPool2d(x, attributes)),
            attributes,
          ),
        linear: true,
      };
    }),
  ],
  maxPool2dGather: poolings.map(
    ([name, shape, attributes]): OpCase => ({
      name,
      inputs: [{ shape }, { shape }],
      make: (g, x) =>
        build.maxPool2dGather(
          g,
          build.stopGradient(x),
          build.stopGradient(build.maxPool2d(x, attributes)),
          attributes,
        ),
      linear: true,
    }),
  ),
  averagePool2d: [
    {
      name: 'window',
      inputs: [{ shape: [1, 1, 2, 2], data: [1, 4, 3, 2] }],
      make: (x) => build.averagePool2d(x, { ...pool(2, 2), countIncludePad: true }),
      expected: [[2.5]],
    },
    ...poolings.flatMap(([name, shape, attributes]) =>
      [true, false].map(
        (countIncludePad): OpCase => ({
          name: `${name}${countIncludePad ? ', padding counts' : ''}`,
          inputs: [{ shape }],
          make: (x) => build.averagePool2d(x, { ...attributes, countIncludePad }),
          linear: true,
        }),
      ),
    ),
  ],
  averagePool2dGradient: poolings.map(([name, shape, attributes]): OpCase => {
    const pooled = build.maxPool2d(build.input('x', 'float32', shape), attributes).shape;
    return {
      name,
      inputs: [{ shape: pooled }],
      make: (dy) => build.averagePool2dGradient(dy, { ...attributes, countIncludePad: false, shape }),
      linear: true,
    };
  }),
  resize2d: [
    {
      name: 'nearest',
      inputs: [{ shape: [1, 1, 1, 2], data: [1, 2] }],
      make: (x) => build.resize2d(x, { size: [2, 4], mode: 'nearest', alignCorners: false }),
      expected: [[1, 1, 2, 2, 1, 1, 2, 2]],
    },
    // Points −¼ → 0, ¼, ¾ and 1¼ → 1 between 0 and 4
    {
      name: 'bilinear',
      inputs: [{ shape: [1, 1, 1, 2], data: [0, 4] }],
      make: (x) => build.resize2d(x, { size: [1, 4], mode: 'bilinear', alignCorners: false }),
      expected: [[0, 1, 3, 4]],
    },
    {
      name: 'smaller',
      inputs: [random(1, 2, 5, 4)],
      make: (x) => build.resize2d(x, { size: [3, 2], mode: 'bilinear', alignCorners: false }),
      smooth: true,
    },
    {
      name: 'corners',
      inputs: [random(2, 1, 3, 4)],
      make: (x) => build.resize2d(x, { size: [5, 7], mode: 'bilinear', alignCorners: true }),
      smooth: true,
    },
    {
      name: 'nearest, odd factor',
      inputs: [random(1, 2, 5, 4)],
      make: (x) => build.resize2d(x, { size: [7, 3], mode: 'nearest', alignCorners: false }),
      smooth: true,
    },
  ],
};
