import { expect, it } from 'vitest';
import * as build from './build.ts';
import { multiplyAdds } from './multiply-adds.ts';
import type { Value } from './value.ts';

const floats = (...shape: number[]) => build.input('x', 'float32', shape);
const conv = { strides: [2, 2], pads: [1, 1, 1, 1], dilations: [1, 1], groups: 2 } as const;

it.each<[string, Value, number]>([
  // 2·3 elements of 4 products each, in 5 batches
  ['a product', build.matmul(floats(5, 2, 4), floats(5, 4, 3)), 120],
  ['a transposed product', build.matmul(floats(4, 2), floats(4, 3), { transposeA: true }), 24],
  // 2 images of 6 channels and 4·4 pixels, each from 3·3 places of 4/2 channels
  ['a convolution', build.conv2d(floats(2, 4, 8, 8), floats(6, 2, 3, 3), conv), 192 * 18],
  [
    'its gradient in the input',
    build.conv2dInput(floats(2, 6, 4, 4), floats(6, 2, 3, 3), { ...conv, shape: [2, 4, 8, 8] }),
    192 * 18,
  ],
  [
    'its gradient in the weight',
    build.conv2dWeight(floats(2, 4, 8, 8), floats(2, 6, 4, 4), { ...conv, shape: [6, 2, 3, 3] }),
    192 * 18,
  ],
  ['a sum', build.add(floats(3), 1), 0],
])('%s', (_, value, count) => {
  expect(multiplyAdds(value.node)).toBe(count);
});
