import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, DTypeError, type HostTensor, Rng, ShapeError } from '#core';
import { type AffineRange, randomAffine } from './random-affine.ts';
import { compose, flattenFrom, normalize, toTensor } from './transforms.ts';

const bytes = (shape: readonly number[], ...values: number[]): HostTensor => ({
  dtype: 'uint8',
  shape,
  data: Uint8Array.from(values),
});
const floats = (shape: readonly number[], values: ArrayLike<number>): HostTensor<'float32'> => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

describe('toTensor', () => {
  it('divides by 255 and gives grey images a channel', () => {
    expect(toTensor()(bytes([1, 2], 0, 255))).toEqual(floats([1, 1, 2], [0, 1]));
    expect(toTensor()(bytes([3, 1, 1], 51, 102, 255))).toEqual(floats([3, 1, 1], [0.2, 0.4, 1]));
  });

  it('moves channels first, of an image and of a batch', () => {
    const layout = { layout: 'HWC' } as const;
    const image = [0, 51, 102, 153, 204, 255];
    expect(toTensor(layout)(bytes([1, 2, 3], ...image))).toEqual(
      floats([3, 1, 2], [0, 0.6, 0.2, 0.8, 0.4, 1]),
    );
    const batch = toTensor(layout)(bytes([2, 1, 2, 3], ...image, ...image));
    expect(batch).toEqual(floats([2, 3, 1, 2], [0, 0.6, 0.2, 0.8, 0.4, 1, 0, 0.6, 0.2, 0.8, 0.4, 1]));
  });

  it('refuses other types and shapes that are no image', () => {
    expect(() => toTensor()(floats([1, 1], [1]))).toThrow(DTypeError);
    expect(() => toTensor()(bytes([2], 1, 2))).toThrow(ShapeError);
    expect(() => toTensor({ layout: 'HWC' })(bytes([1, 2], 1, 2))).toThrow(ShapeError);
  });
});

describe('normalize', () => {
  it('uses the numbers of each channel, or one for all', () => {
    const x = floats([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
    expect(normalize([1, 3], [2, 4])(x)).toEqual(floats([2, 2, 1, 2], [0, 0.5, 0, 0.25, 2, 2.5, 1, 1.25]));
    expect(normalize([1], [2])(x)).toEqual(floats([2, 2, 1, 2], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]));
  });

  it('leaves its input as it is', () => {
    const x = floats([1, 1, 1], [3]);
    normalize([1], [2])(x);
    expect(x).toEqual(floats([1, 1, 1], [3]));
  });

  it('refuses numbers that do not fit', () => {
    for (const [mean, std] of [
      [[], []],
      [[0], [0]],
      [[0, 0], [1]],
      [[Number.NaN], [1]],
      [[Number.POSITIVE_INFINITY], [1]],
      [[0.1], [Number.POSITIVE_INFINITY]],
      [[0.1], [Number.NaN]],
    ]) {
      expect(() => normalize(mean, std)).toThrow(ConfigError);
    }
    expect(() => normalize([0, 0], [1, 1])(floats([3, 1, 1], [1, 2, 3]))).toThrow('Pass 3');
    expect(() => normalize([0], [1])(bytes([1, 1, 1], 1))).toThrow(DTypeError);
  });
});

describe('compose and flattenFrom', () => {
  it('apply one after another and join axes', () => {
    const x = bytes([2, 1, 1, 2], 255, 255, 0, 255);
    expect(compose(toTensor(), flattenFrom(1))(x)).toEqual(floats([2, 2], [1, 1, 0, 1]));
    expect(flattenFrom()(x).shape).toEqual([4]);
    expect(compose()(x)).toBe(x);
  });
});

describe('randomAffine', () => {
  const size = 8;
  const images = (count: number) => {
    const rng = new Rng(4);
    return floats(
      [count, 1, size, size],
      Array.from({ length: count * size * size }, () => rng.uniform()),
    );
  };
  const range: AffineRange = { degrees: 20, translate: 0.2, scale: [0.8, 1.2], shear: 10, fill: -1 };
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

  it('does nothing when all ranges are empty', () => {
    const batch = images(3);
    expect(randomAffine(batch, {}, { seed: 1, epoch: 2, indices: upTo(3) })).toEqual(batch);
  });

  it('gives an image the same change in whatever batch it is', () => {
    const all = images(6);
    const whole = randomAffine(all, range, { seed: 1, epoch: 3, indices: upTo(6) });
    const area = size * size;
    fc.assert(
      fc.property(fc.shuffledSubarray(upTo(6), { minLength: 1 }), (indices) => {
        const rows = (from: HostTensor<'float32'>) =>
          floats(
            [indices.length, 1, size, size],
            indices.flatMap((i) => [...from.data.subarray(i * area, (i + 1) * area)]),
          );
        expect(randomAffine(rows(all), range, { seed: 1, epoch: 3, indices })).toEqual(rows(whole));
      }),
    );
  });

  it('changes with seed, epoch and index', () => {
    const batch = images(1);
    const base = randomAffine(batch, range, { seed: 1, epoch: 0, indices: [0] });
    for (const other of [
      { seed: 2, epoch: 0, indices: [0] },
      { seed: 1, epoch: 1, indices: [0] },
      { seed: 1, epoch: 0, indices: [1] },
    ]) {
      expect(randomAffine(batch, range, other)).not.toEqual(base);
    }
  });

  it('changes all channels alike', () => {
    const { data } = images(1);
    const both = randomAffine(floats([1, 2, size, size], [...data, ...data]), range, {
      seed: 5,
      epoch: 0,
      indices: [7],
    });
    expect(both.data.slice(0, size * size)).toEqual(both.data.slice(size * size));
  });

  it('moves the middle of mass by the shift, and keeps the mass of a centred blob', () => {
    const wide = 21;
    const blob = new Float32Array(wide * wide);
    for (let y = 8; y <= 12; y++) blob.fill(1, y * wide + 8, y * wide + 13);
    const batch = floats([1, 1, wide, wide], blob);
    const measure = (data: Float32Array) => {
      let [mass, x, y] = [0, 0, 0];
      data.forEach((value, i) => {
        mass += value;
        x += value * (i % wide);
        y += value * Math.floor(i / wide);
      });
      return { mass, x: x / mass, y: y / mass };
    };
    for (let seed = 0; seed < 20; seed++) {
      const draw = { seed, epoch: 0, indices: [0] };
      const turned = measure(randomAffine(batch, { degrees: 45 }, draw).data);
      expect(turned.x).toBeCloseTo(10, 4);
      expect(turned.y).toBeCloseTo(10, 4);
      expect(Math.abs(turned.mass - 25)).toBeLessThan(1);
      const moved = measure(randomAffine(batch, { translate: 0.2 }, draw).data);
      expect(moved.mass).toBeCloseTo(25, 3);
      expect(Math.abs(moved.x - 10)).toBeLessThanOrEqual(0.2 * wide);
      const scaled = measure(randomAffine(batch, { scale: [1.5, 1.5] }, draw).data);
      expect(Math.abs(scaled.mass / 25 - 2.25)).toBeLessThan(0.15);
    }
  });

  it('stays between the least and the largest value of image and fill', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { data } = randomAffine(images(1), range, { seed, epoch: 0, indices: [0] });
        expect(Math.min(...data)).toBeGreaterThanOrEqual(-1);
        expect(Math.max(...data)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('refuses ranges and shapes that cannot be', () => {
    const draw = { seed: 0, epoch: 0, indices: [0] };
    for (const bad of [
      { degrees: -1 },
      { translate: Number.NaN },
      { scale: [0, 1] as const },
      { scale: [2, 1] as const },
      { shear: 90 },
    ]) {
      expect(() => randomAffine(images(1), bad, draw)).toThrow(ConfigError);
    }
    expect(() => randomAffine(images(2), {}, draw)).toThrow(ShapeError);
    expect(() => randomAffine(floats([1, 2, 2], [1, 2, 3, 4]), {}, draw)).toThrow(ShapeError);
  });
});
