import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Deadline } from '#core';
import { TreeTeam } from '#kernels';
import { FeatureMatrix } from '../features/matrix.ts';
import { Pacer } from '../learners/pacer.ts';
import { chooseBins, writeBins } from './binning.ts';

const team = TreeTeam.acquire(1);
afterAll(() => team.release());

const pacer = new Pacer('test', Deadline.none);

async function binsOf(values: Float32Array, maxBins = 255) {
  const X = FeatureMatrix.fromRowMajor(values, 1);
  const mark = team.mark();
  const [bins] = await chooseBins(team, X, maxBins, 0, pacer);
  const address = team.allocate(values.length);
  await writeBins(team, X, [bins], () => ({ address, stride: 1 }), pacer);
  const written = team.u8(address, values.length).slice();
  team.rewind(mark);
  return { bins, written };
}

describe('binning', () => {
  it('puts a threshold in the middle of neighbouring values', async () => {
    const { bins, written } = await binsOf(Float32Array.of(3, 1, 2, 1));
    expect([...bins.thresholds]).toEqual([1.5, 2.5]);
    expect([...written]).toEqual([2, 0, 1, 0]);
  });

  it('gives the decision of the bins exactly as x ≤ threshold on any float32 value', async () => {
    const value = fc.oneof(fc.float(), fc.constantFrom(0, -0, 1, 1 + 2 ** -23, 3.4028234663852886e38));
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 2, max: 255 }),
        async (list, most) => {
          const values = Float32Array.from(list);
          const { bins, written } = await binsOf(values, most);
          expect(bins.valueBins).toBeLessThanOrEqual(most);
          expect(
            bins.thresholds.every((t, i) => Number.isFinite(t) && (i === 0 || t > bins.thresholds[i - 1])),
          ).toBe(true);
          for (let i = 0; i < values.length; i++) {
            if (Number.isNaN(values[i])) expect(written[i]).toBe(bins.valueBins);
            else for (const [b, t] of bins.thresholds.entries()) expect(values[i] <= t).toBe(written[i] <= b);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('separates every distinct value when they are no more than the bins', async () => {
    const { bins } = await binsOf(Float32Array.from({ length: 600 }, (_, i) => (i * 37) % 255));
    expect(bins.valueBins).toBe(255);
  });

  it('makes bins of similar size when values are many, and keeps a frequent value alone', async () => {
    const values = Float32Array.from({ length: 5000 }, (_, i) => (i < 2000 ? 0.5 : i / 5000));
    const { bins, written } = await binsOf(values, 16);
    const sizes = new Array<number>(bins.valueBins).fill(0);
    for (const bin of written) sizes[bin]++;
    expect(bins.valueBins).toBeGreaterThan(12);
    expect(Math.max(...sizes.filter((size) => size < 2000))).toBeLessThan(600);
    expect(sizes[written[0]]).toBeLessThanOrEqual(2001);
  });

  it('gives the 254 most frequent of many categories a bin, and the rest bin 0', async () => {
    const codes = Float32Array.from({ length: 3000 }, (_, i) => (i < 1200 ? 1 + (i % 400) : 1 + (i % 200)));
    const X = new FeatureMatrix(
      3000,
      [{ name: 'c', source: 'c', type: 'categorical', cardinality: 401 }],
      [{ kind: 'dense', values: codes }],
    );
    const [bins] = await chooseBins(team, X, 255, 0, pacer);
    expect(bins.valueBins).toBe(255);
    expect(bins.binOfCode[0]).toBe(0);
    const kept = [...bins.binOfCode].filter((bin) => bin > 0);
    expect(new Set(kept).size).toBe(254);
    for (let code = 1; code <= 200; code++) expect(bins.binOfCode[code]).toBeGreaterThan(0);
  });
});
