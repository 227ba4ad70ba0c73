import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, DataError, type HostTensor } from '#core';
import { ArrayDataset } from './array-dataset.ts';
import { checkLabels } from './check-labels.ts';
import { collate } from './collate.ts';
import { ConcatDataset } from './concat-dataset.ts';
import type { Dataset, Sample } from './dataset.ts';
import { randomSplit, Subset } from './subset.ts';
import { TensorDataset } from './tensor-dataset.ts';
import { compose, flattenFrom, normalize, toTensor } from './transforms.ts';

const floats = (shape: readonly number[], ...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});
const longs = (...values: number[]): HostTensor => ({
  dtype: 'int64',
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** Sample i is the scalar `start + i`. */
const counting = (length: number, start = 0): Dataset =>
  new ArrayDataset(
    Array.from({ length }, (_, i) => start + i),
    (value) => [floats([], value)],
  );
const scalarOf = (sample: Sample | Promise<Sample>): number => Number((sample as Sample)[0].data[0]);
const valuesOf = (dataset: Dataset): number[] =>
  Array.from({ length: dataset.length }, (_, i) => scalarOf(dataset.get(i)));

describe('TensorDataset', () => {
  const dataset = new TensorDataset(floats([3, 2], 1, 2, 3, 4, 5, 6), longs(7, 8, 9));

  it('gives rows as samples and gathers batches in the order that is asked for', () => {
    expect(dataset.length).toBe(3);
    expect(dataset.get(1)).toEqual([floats([2], 3, 4), { ...longs(8), shape: [] }]);
    expect(dataset.getBatch([2, 0, 2])).toEqual([floats([3, 2], 5, 6, 1, 2, 5, 6), longs(9, 7, 9)]);
  });

  it('copies, so that changing a batch leaves the data set as it is', () => {
    const [x] = dataset.getBatch([0]);
    (x.data as Float32Array).fill(-1);
    expect(dataset.get(0)[0]).toEqual(floats([2], 1, 2));
  });

  it('transforms one tensor once, for all rows together', () => {
    let calls = 0;
    const doubled = dataset.map(({ shape, data }) => {
      calls++;
      return floats(shape, ...Array.from(data as Float32Array, (value) => 2 * value));
    });
    expect([doubled.get(0), doubled.get(2)]).toEqual([
      [floats([2], 2, 4), { ...longs(7), shape: [] }],
      [floats([2], 10, 12), { ...longs(9), shape: [] }],
    ]);
    expect(calls).toBe(1);
    expect(() => dataset.map((y) => ({ ...y, shape: [1, 3] }), 1)).toThrow(DataError);
  });

  it('refuses tensors without common rows, and indices outside', () => {
    expect(() => new TensorDataset(floats([2], 1, 2), longs(1, 2, 3))).toThrow('[2] and [3]');
    expect(() => new TensorDataset()).toThrow('but got none');
    expect(() => new TensorDataset(floats([], 1))).toThrow(DataError);
    expect(() => new TensorDataset(floats([2, 2], 1, 2))).toThrow('2 values for [2, 2]');
    for (const index of [3, -1, 0.5]) {
      expect(() => dataset.get(index)).toThrow(`[0, 3), but got ${index}`);
      expect(() => dataset.getBatch([0, index])).toThrow(DataError);
    }
  });
});

describe('ArrayDataset', () => {
  it('turns an item into a sample when asked for it, also asynchronously', async () => {
    const seen: string[] = [];
    const words = new ArrayDataset(['a', 'bcd'], async (word, index) => {
      seen.push(word);
      return [floats([2], word.length, index)];
    });
    expect(seen).toEqual([]);
    expect(await words.get(1)).toEqual([floats([2], 3, 1)]);
    expect(seen).toEqual(['bcd']);
    expect(() => words.get(2)).toThrow(DataError);
  });
});

describe('Subset and ConcatDataset', () => {
  it('pick and join samples', () => {
    expect(valuesOf(new Subset(counting(5), [4, 0, 4]))).toEqual([4, 0, 4]);
    expect(valuesOf(new ConcatDataset([counting(2), counting(0), counting(3, 10)]))).toEqual([
      0, 1, 10, 11, 12,
    ]);
    const nested = new Subset(new Subset(counting(9), [8, 7, 6, 5]), [3, 1]);
    expect(valuesOf(nested)).toEqual([5, 7]);
  });

  it('gather whole batches where their source does', () => {
    const source = new TensorDataset(floats([4], 10, 11, 12, 13));
    const subset = new Subset(source, [3, 2, 1]);
    expect(subset.getBatch?.([0, 2])).toEqual([floats([2], 13, 11)]);
    expect(() => subset.getBatch?.([3])).toThrow(DataError);
    expect(new Subset(counting(3), [0]).getBatch).toBeUndefined();
  });

  it('refuse indices outside', () => {
    expect(() => new Subset(counting(3), [0, 3])).toThrow('[0, 3), but got 3');
    expect(() => new Subset(counting(3), [0]).get(1)).toThrow(DataError);
    expect(() => new ConcatDataset([counting(2), counting(1)]).get(3)).toThrow(DataError);
    expect(() => new ConcatDataset([]).get(0)).toThrow(DataError);
  });
});

describe('randomSplit', () => {
  it('is a partition, whatever the parts', () => {
    const parts = fc.array(fc.nat(20), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(parts, fc.integer(), fc.boolean(), (counts, seed, asShares) => {
        const total = counts.reduce((a, b) => a + b, 0);
        fc.pre(total > 0);
        const sizes = asShares ? counts.map((count) => count / total) : counts;
        const split = randomSplit(counting(total), sizes, seed);
        expect(split.map(({ length }) => length)).toEqual(counts);
        expect(split.flatMap(valuesOf).sort((a, b) => a - b)).toEqual(valuesOf(counting(total)));
      }),
    );
  });

  it('depends on the seed alone, and gives every sample away when shares do not divide', () => {
    const lengths = (seed: number) => randomSplit(counting(7), [0.5, 0.25, 0.25], seed);
    expect(lengths(1).map(({ length }) => length)).toEqual([4, 1, 2]);
    expect(lengths(1).map(valuesOf)).toEqual(lengths(1).map(valuesOf));
    expect(lengths(1).map(valuesOf)).not.toEqual(lengths(2).map(valuesOf));
  });

  it.each([[[3, 3]], [[0.5, 0.6]], [[1.5, -0.5]], [[8, -1]], [[]], [[Number.NaN, 7]]])(
    'refuses %j of 7 samples',
    (parts) => {
      expect(() => randomSplit(counting(7), parts, 0)).toThrow(ConfigError);
    },
  );
});

describe('collate', () => {
  it('joins samples along a new first axis, tensor by tensor', () => {
    const pair = (value: number): Sample => [floats([2], value, -value), { ...longs(value), shape: [] }];
    expect(collate([pair(1), pair(2), pair(3)])).toEqual([
      floats([3, 2], 1, -1, 2, -2, 3, -3),
      longs(1, 2, 3),
    ]);
  });

  it('names the sample that differs', () => {
    const first = [floats([2], 1, 2)];
    expect(() => collate([first, first, [floats([1], 1)]])).toThrow('number 3 is float32 [1]');
    expect(() => collate([first, [longs(1, 2)]])).toThrow('float32 [2] and number 2 is int64 [2]');
    expect(() => collate([first, []])).toThrow('no tensor');
    expect(() => collate([])).toThrow(DataError);
  });
});

describe('checkLabels', () => {
  it('names the first row outside the classes', () => {
    expect(() => checkLabels(longs(0, 9, 4), 10)).not.toThrow();
    expect(() => checkLabels(longs(0, 10, -1), 10)).toThrow('[0, 10), but row 1 has 10');
    expect(() => checkLabels(longs(-1), 10)).toThrow('row 0 has -1');
    expect(() => checkLabels(floats([2], 1, 0.5), 10)).toThrow('row 1 has 0.5');
    expect(() => checkLabels(floats([1], Number.NaN), 10)).toThrow(DataError);
  });
});

describe('transforms on a data set', () => {
  it('prepare MNIST as the lecture does', () => {
    const images: HostTensor = { dtype: 'uint8', shape: [2, 1, 1, 2], data: Uint8Array.of(0, 255, 51, 0) };
    const prepare = compose(toTensor(), normalize([0.1307], [0.3081]), flattenFrom(1));
    const [x] = new TensorDataset(images, longs(3, 4)).map(prepare).getBatch([1, 0]);
    expect(x.shape).toEqual([2, 2]);
    // (0.2 − 0.1307)/0.3081 = 0.2249, (0 − 0.1307)/0.3081 = −0.4242, (1 − 0.1307)/0.3081 = 2.8215
    const expected = [0.2249, -0.4242, -0.4242, 2.8215];
    expected.forEach((value, i) => {
      expect(x.data[i]).toBeCloseTo(value, 4);
    });
  });
});
