import { expect, test } from 'vitest';
import { axisTicks, wholeTicks } from './axis-ticks.ts';

test('ticks are round and enclose the values', () => {
  expect(axisTicks(0.37, 2.26).labels).toEqual(['0.0', '0.5', '1.0', '1.5', '2.0', '2.5']);
  expect(axisTicks(0.851, 0.99).labels).toEqual(['0.85', '0.90', '0.95', '1.00']);
  expect(axisTicks(0, 214).labels).toEqual(['0', '50', '100', '150', '200', '250']);
  expect(axisTicks(0, 1).values[0]).toBe(0);
});

test('small and large values are told by powers of ten', () => {
  expect(axisTicks(0, 1e-3).labels).toEqual(['0', '2e-4', '4e-4', '6e-4', '8e-4', '1e-3']);
  expect(axisTicks(0, 1.1e-3).labels).toEqual(['0', '5e-4', '1e-3', '1.5e-3']);
  expect(axisTicks(0, 4e5).labels).toEqual(['0', '1e5', '2e5', '3e5', '4e5']);
});

test('equal values, zeros and negative ones have an axis too', () => {
  expect(axisTicks(0, 0).values.length).toBeGreaterThan(1);
  const { values } = axisTicks(3, 3);
  expect(values[0]).toBeLessThanOrEqual(3);
  expect(values[values.length - 1]).toBeGreaterThan(3);
  expect(axisTicks(-1, 1).labels).toEqual(['-1.0', '-0.5', '0.0', '0.5', '1.0']);
});

test('epochs are whole numbers, the first among them', () => {
  expect(wholeTicks(1, 5).labels).toEqual(['1', '2', '3', '4', '5']);
  expect(wholeTicks(1, 30).labels).toEqual(['1', '5', '10', '15', '20', '25', '30']);
  expect(wholeTicks(1, 1).labels).toEqual(['1']);
  expect(wholeTicks(11, 14).labels).toEqual(['11', '12', '13', '14']);
});
