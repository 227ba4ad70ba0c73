import { expect, test } from 'vitest';
import { grad, interpret, tensor } from '#engine';
import { GlobalMaxPool2d } from './pooling.ts';

test('GlobalMaxPool2d gives the largest pixel of a channel, which gets the gradient', async () => {
  const x = tensor([[[[1, 4], [3, 2]], [[-5, -8], [-7, -6]]]]); // biome-ignore format: images
  const y = new GlobalMaxPool2d().forward(x);
  expect(y.shape).toEqual([1, 2]);
  expect(await y.array()).toEqual([[4, -5]]);
  const [dx] = interpret([grad(y.mul(tensor([[10, 20]])).sum(), [x])[0].value], {});
  expect(Array.from(dx.data)).toEqual([0, 10, 0, 0, 20, 0, 0, 0]);
});

test('GlobalMaxPool2d divides the gradient among equal pixels, as torch.amax does', () => {
  const x = tensor([[[[2, 2], [1, 0]]]]); // biome-ignore format: an image
  const [dx] = interpret([grad(new GlobalMaxPool2d().forward(x).sum(), [x])[0].value], {});
  expect(Array.from(dx.data)).toEqual([0.5, 0.5, 0, 0]);
});
