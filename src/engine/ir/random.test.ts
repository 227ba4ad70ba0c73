import { describe, expect, it } from 'vitest';
import { interpret, referenceTensor } from '#engine';
import * as build from './build.ts';

const COUNT = 40_000;

function draw(seed: number, step: number, stream: number): Float64Array {
  const key = build.input('key', 'int64', [2]);
  const bindings = { key: referenceTensor([seed, step], [2]) };
  return interpret([build.randomUniform(key, [COUNT], stream)], bindings)[0].data;
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - 0.5) * (b[i] - 0.5);
  return (sum / a.length) * 12;
}

/** Five standard errors: a sound generator passes all of these tests with certainty for all practical purposes. */
const FIVE_SIGMA = 5 / Math.sqrt(COUNT);

describe('randomUniform', () => {
  it.each([
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [42, 12_345, 7],
  ])('seed %i, step %i, stream %i: mean 1/2, variance 1/12, all of [0, 1) alike', (seed, step, stream) => {
    const x = draw(seed, step, stream);
    const mean = x.reduce((a, b) => a + b) / COUNT;
    const variance = x.reduce((total, value) => total + (value - mean) ** 2, 0) / COUNT;
    expect(Math.abs(mean - 0.5)).toBeLessThan(FIVE_SIGMA * Math.sqrt(1 / 12));
    // The fourth central moment is 1/80, so that the sample variance has the variance (1/80 − 1/144)/n.
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(FIVE_SIGMA * Math.sqrt(1 / 80 - 1 / 144));
    const bins = new Array<number>(100).fill(0);
    for (const value of x) bins[Math.floor(value * 100)]++;
    const chiSquare = bins.reduce((total, count) => total + (count - COUNT / 100) ** 2 / (COUNT / 100), 0);
    // 99 degrees of freedom: mean 99, deviation √198.
    expect(Math.abs(chiSquare - 99)).toBeLessThan(5 * Math.sqrt(198));
  });

  it('neighbours are not correlated, at any of several distances', () => {
    const x = draw(3, 5, 1);
    for (const lag of [1, 2, 3, 16, 28, 784]) {
      const pairs = COUNT - lag;
      expect(Math.abs(correlation(x.subarray(0, pairs), x.subarray(lag))), `distance ${lag}`).toBeLessThan(
        FIVE_SIGMA * 1.05,
      );
    }
  });

  it('neighbouring seeds, steps and streams are not correlated', () => {
    const x = draw(3, 5, 1);
    for (const [seed, step, stream] of [
      [4, 5, 1],
      [3, 6, 1],
      [3, 5, 2],
      [5, 3, 1],
      [2, 6, 1],
    ]) {
      expect(Math.abs(correlation(x, draw(seed, step, stream))), `${seed} ${step} ${stream}`).toBeLessThan(
        FIVE_SIGMA,
      );
    }
  });

  it('is a function of seed, step and stream', () => {
    expect(draw(9, 8, 7)).toEqual(draw(9, 8, 7));
  });
});
