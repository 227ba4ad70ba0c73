import { describe, expect, it } from 'vitest';
import { build, grad, interpret, ones, type Tensor, tensor, trace } from '#engine';
import type { Module } from '../module.ts';
import { Dropout, DropPath } from './dropout.ts';

const key = tensor([7, 3], 'int64').value;
const values = (x: Tensor): number[] => Array.from(interpret([x.value], {})[0].data);
const uniform = (shape: readonly number[]) =>
  Array.from(interpret([build.randomUniform(key, shape, 0)], {})[0].data);

function expectClose(got: readonly number[], wanted: readonly number[]): void {
  expect(got).toHaveLength(wanted.length);
  wanted.forEach((each, i) => {
    expect(got[i], `element ${i}`).toBeCloseTo(each, 5);
  });
}

/** What a layer gives in training, and the gradient of its sum. */
function train(layer: Module, x: Tensor) {
  const { result } = trace({ training: true, key }, () => layer.forward(x) as Tensor);
  return { y: values(result), dx: values(grad(result.sum(), [x])[0]) };
}

const counting = (...shape: number[]) =>
  tensor(Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i + 1)).reshape(shape);

describe('Dropout', () => {
  it('keeps what has drawn the rate or more, four times as large at a rate of 3/4', () => {
    const x = counting(4, 10);
    const { y, dx } = train(new Dropout(0.75), x);
    const kept = uniform([4, 10]).map((u) => u >= 0.75);
    expectClose(y, kept.map((keep, i) => (keep ? 4 * (i + 1) : 0))); // biome-ignore format: formula
    // y = x·mask, so the gradient is the mask.
    expectClose(dx, kept.map((keep) => (keep ? 4 : 0))); // biome-ignore format: formula
  });

  it('drops the share it is told and keeps the mean', () => {
    const { y } = train(new Dropout(0.25), ones([100, 100]));
    // 10 000 draws: the share of zeros has a standard deviation of √(¼·¾/10⁴) = 0.0043.
    expect(y.filter((each) => each === 0).length / 1e4).toBeCloseTo(0.25, 1);
    expect(y.reduce((a, b) => a + b) / 1e4).toBeCloseTo(1, 1);
  });

  it('changes nothing in evaluation or at a rate of 0', () => {
    const x = counting(2, 3);
    expect(new Dropout(0.5).eval().forward(x)).toBe(x);
    expect(trace({ training: true, key }, () => new Dropout(0).forward(x)).result).toBe(x);
  });
});

describe('DropPath', () => {
  it.each([[[8, 3]], [[8, 2, 2, 2]], [[8, 2, 3]]])('drops whole samples of %j', (shape) => {
    const x = counting(...shape);
    const { y, dx } = train(new DropPath(0.5), x);
    const size = x.size / 8;
    const kept = uniform([8, 1]).map((u) => u >= 0.5);
    expect(new Set(kept).size).toBe(2);
    expectClose(y, y.map((_, i) => (kept[Math.floor(i / size)] ? 2 * (i + 1) : 0))); // biome-ignore format: formula
    expectClose(dx, dx.map((_, i) => (kept[Math.floor(i / size)] ? 2 : 0))); // biome-ignore format: formula
  });

  it('changes nothing in evaluation', () => {
    const x = counting(2, 3);
    expect(new DropPath(0.5).eval().forward(x)).toBe(x);
  });
});
