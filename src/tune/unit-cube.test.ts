import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '#core';
import { sampleParameters } from './sample-parameters.ts';
import type { Dimension, SearchSpace } from './space.ts';
import { decodeParameters, encodeParameters } from './unit-cube.ts';
import { validateParameters, validateSpace } from './validate-space.ts';

const positive = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
const dimension: fc.Arbitrary<Dimension> = fc.oneof(
  fc
    .tuple(positive, positive, fc.boolean())
    .map(([a, b, log]): Dimension => ({ type: 'float', low: Math.min(a, b), high: Math.max(a, b), log })),
  fc
    .tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 5000 }), fc.boolean())
    .map(([low, width, log]): Dimension => ({ type: 'int', low, high: low + width, log })),
  fc
    .uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), { minLength: 1 })
    .map((values): Dimension => ({ type: 'choice', values })),
);
const space: fc.Arbitrary<SearchSpace> = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), dimension, {
  maxKeys: 8,
});

describe('the unit cube of a search space', () => {
  it('gives every sampled point back exactly after encode and decode', () => {
    fc.assert(
      fc.property(space, fc.integer(), (any, seed) => {
        const point = sampleParameters(any, new Rng(seed));
        expect(decodeParameters(any, encodeParameters(any, point))).toEqual(point);
      }),
    );
  });

  it('keeps samples inside the space and coordinates inside the cube', () => {
    fc.assert(
      fc.property(space, fc.integer(), (any, seed) => {
        validateSpace(any);
        const point = sampleParameters(any, new Rng(seed));
        validateParameters(any, point);
        for (const u of encodeParameters(any, point)) {
          expect(u).toBeGreaterThanOrEqual(0);
          expect(u).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('samples each integer of a range about equally often', () => {
    const rng = new Rng(3);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      counts[Number(sampleParameters({ n: { type: 'int', low: 0, high: 3 } }, rng).n)]++;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  it('samples the logarithm uniformly where the dimension is logarithmic', () => {
    const rng = new Rng(4);
    const logarithms = Array.from({ length: 4000 }, () =>
      Math.log10(Number(sampleParameters({ x: { type: 'float', low: 0.01, high: 100, log: true } }, rng).x)),
    );
    const mean = logarithms.reduce((sum, x) => sum + x, 0) / logarithms.length;
    expect(Math.abs(mean)).toBeLessThan(0.1);
  });
});

describe('validateSpace', () => {
  it('names every faulty dimension at once', () => {
    const faulty: SearchSpace = {
      a: { type: 'float', low: 2, high: 1 },
      b: { type: 'float', low: 0, high: 1, log: true },
      c: { type: 'int', low: 0.5, high: 3 },
      d: { type: 'choice', values: [] },
      e: { type: 'float', low: 0, high: Number.POSITIVE_INFINITY },
    };
    expect(() => validateSpace(faulty)).toThrow(
      /a is reversed.*b is logarithmic from 0.*c is an integer.*d has no values.*e is not finite/,
    );
  });
});

describe('validateParameters', () => {
  it('names what is missing, unknown and out of range', () => {
    const known: SearchSpace = {
      depth: { type: 'int', low: 1, high: 9 },
      kind: { type: 'choice', values: ['a', 'b'] },
      rate: { type: 'float', low: 0, high: 1 },
    };
    expect(() => validateParameters(known, { depth: 2.5, kind: 'c', extra: 1 })).toThrow(
      /depth is 2.5, outside 1 … 9; kind is "c", outside "a" \| "b"; rate is missing; extra is unknown/,
    );
  });
});
