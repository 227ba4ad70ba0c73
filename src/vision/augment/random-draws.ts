import { hashString, Rng } from '#core';
import type { Range } from './fields.ts';

/**
 * The generator of random numbers for one purpose in one picture. It depends on the counters alone, so that it is
 * the same in whatever order and thread pictures are made.
 */
export function counterRng(...counters: readonly (number | string)[]): Rng {
  return new Rng(hashString(counters.join('/')));
}

/** Uniform in [low, high). */
export function drawFrom(rng: Rng, [low, high]: Range): number {
  return low + (high - low) * rng.uniform();
}

/** Uniform whole number, both ends included. */
export function drawWhole(rng: Rng, low: number, high: number): number {
  return low + rng.integer(Math.max(1, high - low + 1));
}

/** Beta(a, a): the method of Jöhnk (1964) up to 1, two gamma variates above. */
export function drawBeta(rng: Rng, a: number): number {
  if (a <= 1) {
    for (;;) {
      // Logarithms: powers of small numbers by 1 / a would be zero.
      const x = Math.log(1 - rng.uniform()) / a;
      const y = Math.log(1 - rng.uniform()) / a;
      const most = Math.max(x, y);
      const total = most + Math.log(Math.exp(x - most) + Math.exp(y - most));
      if (total <= 0) return Math.exp(x - total);
    }
  }
  const x = drawGamma(rng, a);
  return x / (x + drawGamma(rng, a));
}

/** Gamma(shape, 1), shape ≥ 1: Marsaglia and Tsang (2000). */
function drawGamma(rng: Rng, shape: number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
