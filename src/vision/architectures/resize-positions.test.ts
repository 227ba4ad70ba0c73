import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#core';
import { resizePositions } from './resize-positions.ts';

const grid = (values: readonly number[]): HostTensor => ({
  dtype: 'float32',
  shape: [1, values.length + 1, 1],
  data: Float32Array.of(9, ...values),
});
const resized = (values: readonly number[], side: number) =>
  Array.from(resizePositions(grid(values), [1, side * side + 1, 1])?.data as Float32Array);

describe('resizePositions', () => {
  it('keeps the class token, and a constant grid constant', () => {
    const result = resized([2, 2, 2, 2], 5);
    expect(result[0]).toBe(9);
    for (const value of result.slice(1)) expect(value).toBeCloseTo(2, 6);
  });

  it('gives what PyTorch gives for bicubic interpolation without aligned corners', () => {
    // torch.nn.functional.interpolate(torch.tensor([[[[1., 2], [3, 5]]]]), size=(3, 3), mode='bicubic')
    const expected = [0.747119, 1.282986, 1.818854, 1.869792, 2.75, 3.630208, 2.992465, 4.217014, 5.441563];
    resized([1, 2, 3, 5], 3)
      .slice(1)
      .forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 5);
      });
  });

  it('leaves alone what fits, and what is no square grid', () => {
    expect(resizePositions(grid([1, 2, 3, 4]), [1, 5, 1])).toBeUndefined();
    expect(resizePositions(grid([1, 2, 3]), [1, 5, 1])).toBeUndefined();
    expect(resizePositions(grid([1, 2, 3, 4]), [1, 10, 2])).toBeUndefined();
  });
});
