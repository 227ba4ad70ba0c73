import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactWeights } from './exact-weights.ts';

test('adding all weights and taking them away in another order leaves exactly 0', () => {
  const weights = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(weights, (values) => {
      const exact = exactWeights(values) as Float64Array;
      const total = exact.reduce((a, b) => a + b);
      expect(exact.reduceRight((left, weight) => left - weight, total)).toBe(0);
      values.forEach((value, i) => {
        expect(Math.abs(exact[i] - value) / total).toBeLessThan(1e-14);
      });
    }),
  );
});

test('plain sums of the same weights do leave a residue', () => {
  expect(0.1 + 0.2 + 0.3 - 0.1 - 0.2 - 0.3).not.toBe(0);
  const [a, b, c] = exactWeights([0.1, 0.2, 0.3]) as Float64Array;
  expect(a + b + c - a - b - c).toBe(0);
});

test('whole weights stay as they are', () => {
  expect(Array.from(exactWeights([1, 2, 1000]) as Float64Array)).toEqual([1, 2, 1000]);
  expect(exactWeights(undefined)).toBeUndefined();
});
