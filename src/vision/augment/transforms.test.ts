import { describe, expect, it } from 'vitest';
import { ConfigError, Rng } from '#core';
import type { Pixels } from '#data';
import {
  Affine,
  augmentFromJson,
  Blur,
  CenterCrop,
  CLAHE,
  ColorJitter,
  Compose,
  HueSaturationValue,
  imageTrain,
  imageValid,
  mapPoint,
  Normalize,
  PadIfNeeded,
  Perspective,
  presetNames,
  presetPipeline,
  RandomResizedCrop,
  Resize,
  ToGray,
  type Transform,
  transformNames,
} from './index.ts';

function random(width: number, height: number, seed = 1): Pixels {
  const rng = new Rng(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => rng.integer(256)) };
}

function grey(width: number, height: number, values: readonly number[]): Pixels {
  return { width, height, data: Uint8Array.from(values.flatMap((level) => [level, level, level])) };
}

const levels = ({ data }: Pixels) => Array.from(data).filter((_, i) => i % 3 === 0);
const apply = (step: Transform, picture: Pixels, index = 0) =>
  Compose([step]).apply(picture, { index }).pixels;
const dot = (...color: readonly number[]): Pixels => ({ width: 1, height: 1, data: Uint8Array.from(color) });

describe('crops and padding', () => {
  it('CenterCrop keeps the middle, and pads what is too small with black', () => {
    const picture = grey(4, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(levels(apply(CenterCrop({ height: 1, width: 2 }), picture))).toEqual([6, 7]);
    expect(levels(apply(CenterCrop({ height: 1, width: 6 }), picture))).toEqual([0, 5, 6, 7, 8, 0]);
  });

  it('PadIfNeeded puts the larger half behind, mirrored without the border itself', () => {
    const step = PadIfNeeded({ minHeight: 1, minWidth: 6 });
    expect(levels(apply(step, grey(3, 1, [1, 2, 3])))).toEqual([2, 1, 2, 3, 2, 1]);
    const filled = PadIfNeeded({ minHeight: 2, minWidth: 3, borderMode: 'constant', value: 9 });
    expect(levels(apply(filled, grey(3, 1, [1, 2, 3])))).toEqual([1, 2, 3, 9, 9, 9]);
  });

  it('RandomResizedCrop takes parts within its limits, and the middle where none fits', () => {
    const { data, ...size } = random(90, 60);
    const step = RandomResizedCrop({ height: 8, width: 8, scale: [0.2, 0.5], ratio: [0.8, 1.25] });
    for (let index = 0; index < 100; index++) {
      const { matrix } = Compose([step]).apply({ ...size, data }, { index });
      const [columns, rows] = [8 / matrix[0], 8 / matrix[4]];
      expect((columns * rows) / 5400).toBeGreaterThan(0.19);
      expect((columns * rows) / 5400).toBeLessThan(0.51);
      expect(columns / rows).toBeGreaterThan(0.77);
      expect(columns / rows).toBeLessThan(1.3);
    }
    const strip = RandomResizedCrop({ height: 1, width: 1, scale: [1, 1], interpolation: 'nearest' });
    // No allowed part has the whole area: the largest allowed one is the 1 × 1 in the middle.
    expect(levels(apply(strip, grey(5, 1, [1, 2, 3, 4, 5])))).toEqual([3]);
  });
});

describe('geometry', () => {
  it('Affine scales each axis, turns and shifts as asked', () => {
    const shift = Affine({ translatePercent: [0.25, 0.25], p: 1 });
    expect(levels(apply(shift, grey(4, 1, [1, 2, 3, 4])))).toEqual(
      [0, 1, 2, 3].map((v) => Math.round(v * 0.75)),
    );
    const turn = Affine({ rotate: [90, 90], p: 1 });
    expect(levels(apply(turn, grey(2, 2, [1, 2, 3, 4])))).toEqual([2, 4, 1, 3]);
    const { matrix } = Compose([Affine({ scale: 2, p: 1 })]).apply(grey(3, 3, new Array(9).fill(1)), {
      index: 0,
    });
    expect(matrix).toEqual([2, 0, -1, 0, 2, -1, 0, 0, 1]);
  });

  it('Perspective brings four inner points to the corners', () => {
    const step = Perspective({ scale: [0.1, 0.1], p: 1 });
    for (let index = 0; index < 30; index++) {
      const { matrix, pixels } = Compose([step]).apply(grey(50, 40, new Array(2000).fill(77)), { index });
      // Only the inside was looked at, so no border shows.
      expect(levels(pixels).every((level) => level === 77)).toBe(true);
      // The outer corners are now outside.
      for (const [x, y] of [
        [-0.5, -0.5],
        [49.5, -0.5],
        [49.5, 39.5],
        [-0.5, 39.5],
      ] as const) {
        const [u, v] = mapPoint(matrix, x, y);
        expect(u < 0 || u > 49 || v < 0 || v > 39).toBe(true);
      }
    }
    const still = Perspective({ scale: [0, 0], p: 1 });
    expect(apply(still, random(9, 7))).toEqual(random(9, 7));
  });
});

describe('colour', () => {
  it('ToGray weighs the channels by 0.299, 0.587 and 0.114', () => {
    // 0.299 · 100 + 0.587 · 50 + 0.114 · 200 = 82.05
    expect(Array.from(apply(ToGray({ p: 1 }), dot(100, 50, 200)).data)).toEqual([82, 82, 82]);
  });

  it('HueSaturationValue turns red to green by 60 of 180', () => {
    const none = { satShiftLimit: 0, valShiftLimit: 0, p: 1 };
    const hue = HueSaturationValue({ hueShiftLimit: [60, 60], ...none });
    expect(Array.from(apply(hue, dot(255, 0, 0)).data)).toEqual([0, 255, 0]);
    expect(Array.from(apply(hue, dot(0, 0, 255)).data)).toEqual([255, 0, 0]);
    expect(Array.from(apply(hue, dot(90, 90, 90)).data)).toEqual([90, 90, 90]);
  });

  it('HueSaturationValue changes saturation and value alone', () => {
    const fields = { hueShiftLimit: 0, p: 1 };
    const paler = HueSaturationValue({ ...fields, satShiftLimit: [-255, -255], valShiftLimit: 0 });
    expect(Array.from(apply(paler, dot(200, 10, 10)).data)).toEqual([200, 200, 200]);
    const darker = HueSaturationValue({ ...fields, satShiftLimit: 0, valShiftLimit: [-100, -100] });
    expect(Array.from(apply(darker, dot(200, 0, 0)).data)).toEqual([100, 0, 0]);
  });

  it('ColorJitter without limits changes nothing; contrast keeps the mean', () => {
    const still = { brightness: 0, contrast: 0, saturation: 0, hue: 0, p: 1 };
    expect(apply(ColorJitter(still), grey(3, 1, [5, 99, 250]))).toEqual(grey(3, 1, [5, 99, 250]));
    const contrast = ColorJitter({ ...still, contrast: [-0.5, -0.5] });
    expect(levels(apply(contrast, grey(2, 1, [40, 60])))).toEqual([45, 55]);
  });
});

describe('filters', () => {
  it('Blur means a square, mirrored at the border', () => {
    const step = Blur({ blurLimit: [3, 3], p: 1 });
    // Rows are alike: (90 + 0 + 90) / 3, (0 + 90 + 0) / 3, …
    expect(levels(apply(step, grey(4, 1, [0, 90, 0, 30])))).toEqual([60, 30, 40, 10]);
    expect(apply(Blur({ blurLimit: [7, 7], p: 1 }), dot(1, 2, 3))).toEqual(dot(1, 2, 3));
  });

  it('CLAHE spreads a narrow range of levels and leaves colours without cast', () => {
    const rng = new Rng(3);
    const picture = grey(
      64,
      64,
      Array.from({ length: 4096 }, () => 100 + rng.integer(20)),
    );
    const { data } = apply(CLAHE({ clipLimit: [4, 4], p: 1 }), picture);
    const sorted = [...data].sort((a, b) => a - b);
    expect(
      sorted[Math.floor(sorted.length * 0.95)] - sorted[Math.floor(sorted.length * 0.05)],
    ).toBeGreaterThan(40);
    expect(data.every((value, i) => Math.abs(value - data[i - (i % 3)]) <= 1)).toBe(true);
  });
});

describe('what the network gets', () => {
  it('Normalize subtracts the mean and divides by the deviation of each channel', () => {
    const step = Normalize({ mean: [0.5, 0.2, 0], std: [0.5, 0.1, 1] });
    const { planes } = Compose([step]).applyToPlanes(dot(255, 51, 102), { index: 0 });
    expect(Array.from(planes, (value) => Number(value.toFixed(6)))).toEqual([1, 0, 0.4]);
  });

  it('results may go to memory that is used again', () => {
    const batch = new Uint8Array(100);
    const { pixels } = Compose([Resize({ height: 2, width: 3 })]).apply(
      random(9, 9),
      { index: 0 },
      undefined,
      batch.subarray(10),
    );
    expect(pixels.data).toHaveLength(18);
    expect(pixels.data.buffer).toBe(batch.buffer);
    expect(batch.subarray(10, 28)).toEqual(pixels.data);
    expect(batch.subarray(28).every((value) => value === 0)).toBe(true);
    expect(() => imageValid(8).apply(random(9, 9), { index: 0 }, undefined, batch)).toThrow(
      /must hold 8 × 8 × 3 values/,
    );
  });
});

describe('every transform', () => {
  const needed: Readonly<Record<string, object>> = {
    Resize: { height: 5, width: 7 },
    CenterCrop: { height: 5, width: 7 },
    RandomResizedCrop: { height: 5, width: 7 },
    PadIfNeeded: { minHeight: 9, minWidth: 9 },
    SmallestMaxSize: { maxSize: 6 },
    LongestMaxSize: { maxSize: 6 },
  };
  const single = transformNames.filter((name) => !['OneOf', 'Sequential', 'MixUp', 'CutMix'].includes(name));

  it.each(single)('%s takes any size, repeats itself and comes back from JSON', (name) => {
    const pipeline = augmentFromJson({ seed: 3, transforms: [{ transform: name, ...needed[name], p: 1 }] });
    const again = augmentFromJson(JSON.parse(JSON.stringify(pipeline)));
    expect(again.toJSON()).toEqual(pipeline.toJSON());
    for (const [width, height] of [
      [1, 1],
      [1, 300],
      [300, 1],
      [2, 3],
      [17, 33],
    ] as const) {
      for (let index = 0; index < 5; index++) {
        const { pixels, applied, matrix } = pipeline.apply(random(width, height), { index });
        expect(applied).toEqual([name]);
        expect(pixels.data).toHaveLength(pixels.width * pixels.height * 3);
        expect(matrix.every(Number.isFinite)).toBe(true);
        expect(again.apply(random(width, height), { index }).pixels).toEqual(pixels);
      }
    }
  });

  it.each(presetNames)('preset %s makes pictures of one size from any', (name) => {
    for (const [width, height] of [
      [1, 1],
      [400, 3],
      [40, 50],
    ] as const) {
      const { pixels } = presetPipeline(name, 24, { seed: 1 }).apply(random(width, height), { index: 1 });
      expect(Math.min(pixels.width, pixels.height)).toBe(24);
    }
  });

  it('unknown presets and even blurs are refused', () => {
    expect(() => presetPipeline('photo', 24)).toThrow(ConfigError);
    expect(() => Blur({ blurLimit: 4 })).toThrow(/sizes must be odd/);
  });

  it('imageTrain grows stronger from light to heavy', () => {
    const names = (strength: 'light' | 'medium' | 'heavy') =>
      imageTrain(8, { strength }).toJSON().transforms.length;
    expect(names('light')).toBeLessThan(names('medium'));
    expect(names('medium')).toBeLessThan(names('heavy'));
  });
});
