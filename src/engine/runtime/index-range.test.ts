import { describe, expect, it } from 'vitest';
import { checkIndices } from './index-range.ts';

describe('checkIndices', () => {
  const range = { size: 3, what: 'labels', site: '' };

  it.each([
    ['int64', BigInt64Array.of(0n, 2n, 1n)],
    ['int32', Int32Array.of(0, 2, 1)],
    ['uint8', Uint8Array.of(0, 2, 1)],
  ])('accepts %s numbers below the size', (_, data) => {
    expect(() => checkIndices(data, range)).not.toThrow();
    expect(() => checkIndices(data, { ...range, size: 2 })).toThrow(/\[0, 2\), but number 1 is 2\./);
  });

  it('tells numbers apart that differ in their upper half alone', () => {
    for (const wrong of [2n ** 32n, -1n, -(2n ** 32n), 2n ** 40n + 1n]) {
      expect(() => checkIndices(BigInt64Array.of(1n, wrong), range)).toThrow(`number 1 is ${wrong}.`);
    }
  });

  it('accepts the exception, which may lie outside, and names it', () => {
    const data = BigInt64Array.of(-100n, 0n, 255n);
    expect(() => checkIndices(data, { ...range, except: -100 })).toThrow(
      /\[0, 3\) or -100, but number 2 is 255/,
    );
    expect(() => checkIndices(data.subarray(0, 2), { ...range, except: -100 })).not.toThrow();
  });

  it('names the line when it is known', () => {
    expect(() => checkIndices(Int32Array.of(9), { ...range, site: 'model.ts:3' })).toThrow(
      /\(model\.ts:3\)$/,
    );
  });
});
