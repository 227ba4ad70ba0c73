import { describe, expect, it } from 'vitest';
import { ConfigError, DataError, Rng } from '#core';
import type { Pixels } from '#data';
import {
  augmentFromJson,
  CoarseDropout,
  Compose,
  CutMix,
  Cutout,
  GaussNoise,
  HorizontalFlip,
  LongestMaxSize,
  MixUp,
  mapPoint,
  OneOf,
  RandomBrightnessContrast,
  Resize,
  Sequential,
  ShiftScaleRotate,
  SmallestMaxSize,
  spectrogramTrain,
  spectrogramValid,
  VerticalFlip,
} from './index.ts';

function filled(width: number, height: number, value = 100): Pixels {
  return { width, height, data: new Uint8Array(width * height * 3).fill(value) };
}

function random(width: number, height: number, seed = 1): Pixels {
  const rng = new Rng(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => rng.integer(256)) };
}

/** Grey levels, one a pixel. */
function grey(width: number, height: number, levels: readonly number[]): Pixels {
  return { width, height, data: Uint8Array.from(levels.flatMap((level) => [level, level, level])) };
}

const levels = ({ data }: Pixels) => Array.from(data).filter((_, i) => i % 3 === 0);
const mean = ({ data }: Pixels) => data.reduce((sum, value) => sum + value, 0) / data.length;

describe('transforms on hand-worked pictures', () => {
  it('HorizontalFlip and VerticalFlip mirror rows and columns', () => {
    const picture = grey(3, 2, [1, 2, 3, 4, 5, 6]);
    const across = Compose([HorizontalFlip({ p: 1 })]).apply(picture, { index: 0 });
    const down = Compose([VerticalFlip({ p: 1 })]).apply(picture, { index: 0 });
    expect(levels(across.pixels)).toEqual([3, 2, 1, 6, 5, 4]);
    expect(levels(down.pixels)).toEqual([4, 5, 6, 1, 2, 3]);
  });

  it('area halves a picture to the means of its quarters', () => {
    const picture = grey(4, 2, [0, 10, 100, 200, 20, 30, 50, 250]);
    const { pixels } = Compose([Resize({ height: 1, width: 2, interpolation: 'area' })]).apply(picture, {
      index: 0,
    });
    expect(levels(pixels)).toEqual([15, 150]);
  });

  it('linear doubles a picture with quarters of its neighbours', () => {
    const { pixels } = Compose([Resize({ height: 1, width: 4 })]).apply(grey(2, 1, [0, 100]), { index: 0 });
    expect(levels(pixels)).toEqual([0, 25, 75, 100]);
  });

  it('nearest repeats pixels', () => {
    const step = Resize({ height: 2, width: 4, interpolation: 'nearest' });
    const { pixels } = Compose([step]).apply(grey(2, 1, [7, 9]), { index: 0 });
    expect(levels(pixels)).toEqual([7, 7, 9, 9, 7, 7, 9, 9]);
  });

  it('cubic weighs four neighbours by −3/32, 19/32, 19/32, −3/32 in the middle', () => {
    const step = ShiftScaleRotate({
      p: 1,
      shiftLimit: [0.125, 0.125],
      scaleLimit: 0,
      rotateLimit: 0,
      interpolation: 'cubic',
      borderMode: 'replicate',
    });
    // Half a pixel to the right in width; the height of 1 shifts by 1/8, where all rows are the same.
    const { pixels } = Compose([step]).apply(grey(4, 1, [0, 0, 160, 160]), { index: 0 });
    expect(levels(pixels)).toEqual([0, 0, 80, 175]);
  });

  it('SmallestMaxSize and LongestMaxSize keep the proportions, halves rounded to even', () => {
    const smallest = Compose([SmallestMaxSize({ maxSize: 128 })]).apply(random(500, 128), { index: 0 });
    expect([smallest.pixels.width, smallest.pixels.height]).toEqual([500, 128]);
    const half = Compose([SmallestMaxSize({ maxSize: 2 })]).apply(random(5, 4), { index: 0 });
    expect([half.pixels.width, half.pixels.height]).toEqual([2, 2]);
    const longest = Compose([LongestMaxSize({ maxSize: 50 })]).apply(random(200, 1), { index: 0 });
    expect([longest.pixels.width, longest.pixels.height]).toEqual([50, 1]);
  });

  it('ShiftScaleRotate moves whole pixels exactly and fills with the border', () => {
    const options = { scaleLimit: 0, rotateLimit: 0, borderMode: 'constant', value: 9, p: 1 } as const;
    const step = ShiftScaleRotate({ shiftLimit: [0.25, 0.25], ...options });
    const picture = grey(4, 4, [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18]);
    const { pixels, matrix } = Compose([step]).apply(picture, { index: 0 });
    expect(levels(pixels)).toEqual([9, 9, 9, 9, 9, 1, 2, 3, 9, 5, 6, 7, 9, 11, 12, 13]);
    expect(mapPoint(matrix, 0, 0)).toEqual([1, 1]);
  });

  it('ShiftScaleRotate turns counter-clockwise around the middle', () => {
    const step = ShiftScaleRotate({ shiftLimit: 0, scaleLimit: 0, rotateLimit: [90, 90], p: 1 });
    const { pixels } = Compose([step]).apply(grey(2, 2, [1, 2, 3, 4]), { index: 0 });
    expect(levels(pixels)).toEqual([2, 4, 1, 3]);
  });

  it('RandomBrightnessContrast multiplies, adds a share of 255 and cuts', () => {
    const step = RandomBrightnessContrast({ contrastLimit: [0.5, 0.5], brightnessLimit: [-0.1, -0.1], p: 1 });
    const { pixels } = Compose([step]).apply(grey(4, 1, [0, 51, 101, 255]), { index: 0 });
    // 51 · 1.5 − 25.5 = 51; 101 · 1.5 − 25.5 = 126; 255 · 1.5 − 25.5 is above 255.
    expect(levels(pixels)).toEqual([0, 51, 126, 255]);
  });

  it('brightness may be a share of the mean', () => {
    const options = { contrastLimit: 0, brightnessLimit: [0.5, 0.5], brightnessByMax: false, p: 1 } as const;
    const { pixels } = Compose([RandomBrightnessContrast(options)]).apply(grey(2, 1, [20, 60]), { index: 0 });
    expect(levels(pixels)).toEqual([40, 80]);
  });

  it('MixUp cuts the float64 sum to whole levels', () => {
    const train = Compose([MixUp()]);
    const mix = { partner: 1, lambda: 0.3, step: 0, pixels: grey(3, 1, [255, 10, 100]) };
    const { pixels, mix: joined } = train.apply(grey(3, 1, [0, 200, 100]), { index: 0 }, mix);
    expect(levels(pixels)).toEqual([
      Math.trunc(255 * (1 - 0.3)),
      Math.trunc(200 * 0.3 + 10 * (1 - 0.3)),
      Math.trunc(100 * 0.3 + 100 * (1 - 0.3)),
    ]);
    expect(joined).toEqual({ partner: 1, lambda: 0.3 });
  });

  it('CutMix tells the share that its rectangle really leaves', () => {
    const mix = { partner: 1, lambda: 0.6, step: 0, pixels: filled(40, 30, 200) };
    for (let index = 0; index < 50; index++) {
      const { pixels, mix: joined } = Compose([CutMix()]).apply(filled(40, 30, 0), { index }, mix);
      const left = levels(pixels).filter((level) => level === 0).length / 1200;
      expect(joined?.lambda).toBeCloseTo(left, 12);
    }
  });

  it('a partner of another size is resized first', () => {
    const mix = { partner: 1, lambda: 0.25, step: 0, pixels: filled(70, 20, 200) };
    const { pixels } = Compose([MixUp()]).apply(filled(32, 16, 40), { index: 0 }, mix);
    expect(pixels).toEqual(filled(32, 16, 160));
  });
});

describe('transforms that draw', () => {
  it('GaussNoise has the asked variance, loses half a level to the cut, and no pattern between neighbours', () => {
    const step = GaussNoise({ varLimit: [36, 36], p: 1 });
    const { pixels } = Compose([step]).apply(filled(200, 200), { index: 3 });
    const noise = Array.from(pixels.data, (value) => value - 99.5);
    const average = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const variance = noise.reduce((sum, value) => sum + value * value, 0) / noise.length;
    const lagged = noise.slice(1).reduce((sum, value, i) => sum + value * noise[i], 0) / noise.length;
    expect(Math.abs(average)).toBeLessThan(0.1);
    expect(Math.abs(variance - 36 - 1 / 12)).toBeLessThan(0.7);
    expect(Math.abs(lagged / variance)).toBeLessThan(0.015);
  });

  it('GaussNoise without perChannel leaves grey grey', () => {
    const { pixels } = Compose([GaussNoise({ perChannel: false, p: 1 })]).apply(filled(20, 9), { index: 0 });
    const { data } = pixels;
    expect(data.every((value, i) => value === data[i - (i % 3)])).toBe(true);
    expect(new Set(data).size).toBeGreaterThan(5);
  });

  it('CoarseDropout cuts whole rectangles, Cutout at most its count', () => {
    const coarse = CoarseDropout({ maxHoles: 1, maxHeight: 5, maxWidth: 7, p: 1 });
    const cutout = Cutout({ numHoles: 3, maxHSize: 10, maxWSize: 16, p: 1 });
    for (let index = 0; index < 100; index++) {
      const one = Compose([coarse]).apply(filled(30, 20), { index }).pixels;
      expect(levels(one).filter((level) => level === 0)).toHaveLength(35);
      const three = Compose([cutout]).apply(filled(60, 50), { index }).pixels;
      expect(levels(three).filter((level) => level === 0).length).toBeLessThanOrEqual(480);
    }
  });

  it('OneOf chooses by weight and applies nothing else', () => {
    const step = OneOf([HorizontalFlip({ p: 0.75 }), VerticalFlip({ p: 0.25 })], { p: 0.5 });
    const counts = { none: 0, HorizontalFlip: 0, VerticalFlip: 0 };
    const pipeline = Compose([step], { seed: 4 });
    for (let index = 0; index < 2000; index++) {
      const { applied } = pipeline.apply(filled(2, 2), { index });
      expect(applied.length).toBeLessThanOrEqual(1);
      counts[(applied[0] ?? 'none') as keyof typeof counts]++;
    }
    expect(counts.none / 2000).toBeCloseTo(0.5, 1);
    expect(counts.HorizontalFlip / 2000).toBeCloseTo(0.375, 1);
    expect(counts.VerticalFlip / 2000).toBeCloseTo(0.125, 1);
  });

  it('planMix finds a partner of another class, however rare, and none where there is one class', () => {
    const labels = new Array<number>(500).fill(0);
    expect(Compose([MixUp()]).planMix({ index: 3 }, labels)).toBeUndefined();
    labels[77] = 1;
    for (let index = 0; index < 20; index++) {
      expect(Compose([MixUp()]).planMix({ index }, labels)?.partner).toBe(77);
    }
    expect(labels[Compose([MixUp()]).planMix({ index: 77 }, labels)?.partner ?? 77]).toBe(0);
  });

  it('lambda follows Beta(0.2, 0.2): mean 1/2, variance 1/5.6, mass at the ends', () => {
    const labels = [0, 1];
    const draws = Array.from(
      { length: 8000 },
      (_, epoch) =>
        Compose([MixUp()], { seed: 2 }).planMix({ epoch, index: 0 }, labels)?.lambda ?? Number.NaN,
    );
    const average = draws.reduce((sum, x) => sum + x, 0) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - average) ** 2, 0) / draws.length;
    expect(average).toBeCloseTo(0.5, 1);
    expect(Math.abs(variance - 1 / 5.6)).toBeLessThan(0.006);
    expect(draws.every((x) => x >= 0 && x <= 1)).toBe(true);
  });
});

describe('pipelines', () => {
  const labels = [0, 1, 0, 1];

  it('depend on seed, epoch and index alone, not on the order of calls', () => {
    const make = () => spectrogramTrain(32, { seed: 5 });
    const picture = random(80, 40);
    const run = (pipeline = make(), epoch: number, index: number) => {
      const plan = pipeline.planMix({ epoch, index }, labels);
      const mix = plan === undefined ? undefined : { ...plan, pixels: random(80, 40, 9) };
      return pipeline.apply(picture, { epoch, index }, mix);
    };
    const one = make();
    const forward = [0, 1, 2, 3].map((index) => run(one, 1, index));
    const backward = [3, 2, 1, 0].map((index) => run(make(), 1, index)).reverse();
    expect(forward).toEqual(backward);
    expect(run(one, 2, 0).pixels).not.toEqual(forward[0].pixels);
    expect(forward[1].pixels).not.toEqual(forward[0].pixels);
    expect(run(spectrogramTrain(32, { seed: 6 }), 1, 0).pixels).not.toEqual(forward[0].pixels);
  });

  it('come back from JSON as they were', () => {
    const train = Compose(
      [
        CutMix({ p: 0.5 }),
        OneOf([Sequential([HorizontalFlip()], { p: 0.3 }), Cutout({ p: 0.2 })]),
        ShiftScaleRotate({ rotateLimit: 30 }),
      ],
      { seed: 8 },
    );
    const text = JSON.stringify(train);
    const again = augmentFromJson(JSON.parse(text));
    expect(JSON.stringify(again)).toBe(text);
    expect(again.apply(random(20, 30), { index: 2 })).toEqual(train.apply(random(20, 30), { index: 2 }));
  });

  it('change 1×1 pictures and strips without fault', () => {
    for (const [width, height] of [
      [1, 1],
      [1, 700],
      [700, 1],
      [3, 2],
    ] as const) {
      for (let index = 0; index < 20; index++) {
        const { pixels } = spectrogramTrain(16).apply(random(width, height), { index });
        expect(Math.min(pixels.width, pixels.height)).toBe(16);
      }
    }
  });

  it('refuse a result beyond the memory, and go on', () => {
    const pipeline = Compose([Resize({ height: 65_536, width: 65_536 })]);
    expect(() => pipeline.apply(random(2, 2), { index: 0 })).toThrow(/must fit into 4 GiB/);
    expect(spectrogramValid(4).apply(filled(2, 2, 7), { index: 0 }).pixels).toEqual(filled(4, 4, 7));
  });

  it('leave their input untouched', () => {
    const picture = random(40, 30);
    const copy = { ...picture, data: picture.data.slice() };
    spectrogramTrain(16).apply(picture, { index: 0 });
    expect(picture).toEqual(copy);
  });

  it('give planes of value / 255, channels first', () => {
    const picture = { width: 2, height: 1, data: Uint8Array.of(255, 0, 51, 0, 255, 102) };
    const { planes } = spectrogramValid(1).applyToPlanes(picture, { index: 0 });
    expect(planes).toEqual(Float32Array.of(1, 0, 0, 1, 51 / 255, 102 / 255));
  });

  it('tell where places went through every geometric step', () => {
    const steps = [
      SmallestMaxSize({ maxSize: 60 }),
      HorizontalFlip({ p: 1 }),
      ShiftScaleRotate({ p: 1, borderMode: 'constant' }),
    ];
    const picture = filled(200, 120, 0);
    for (let y = 55; y < 66; y++) picture.data.fill(255, (y * 200 + 120) * 3, (y * 200 + 131) * 3);
    for (let index = 0; index < 20; index++) {
      const { pixels, matrix } = Compose(steps).apply(picture, { index });
      let [weight, x, y] = [0, 0, 0];
      levels(pixels).forEach((level, at) => {
        weight += level;
        x += level * (at % pixels.width);
        y += level * Math.floor(at / pixels.width);
      });
      const [wantedX, wantedY] = mapPoint(matrix, 125, 60);
      expect(Math.hypot(x / weight - wantedX, y / weight - wantedY)).toBeLessThan(0.2);
    }
  });
});

describe('wrong configurations', () => {
  it.each([
    [() => SmallestMaxSize({ maxSize: 0 }), /SmallestMaxSize.maxSize: must be a number of at least 1/],
    [() => Resize({ height: 5 }), /Resize: width is required/],
    [
      () => HorizontalFlip({ p: 2 }),
      /HorizontalFlip.p: must be a number of at least 0 and at most 1, but got 2/,
    ],
    [() => GaussNoise({ varLimit: [5, 1] }), /GaussNoise.varLimit: low must not exceed high/],
    [() => OneOf([]), /OneOf: some transform must have a p above 0/],
    [() => Compose([HorizontalFlip(), MixUp()]), /must come first/],
    [
      () => augmentFromJson({ transforms: [{ transform: 'HorizontalFlop' }] }),
      /Did you mean HorizontalFlip\?/,
    ],
    [
      () => augmentFromJson({ transforms: [{ transform: 'Cutout', holes: 2 }] }),
      /Cutout: options must be among .* got holes/,
    ],
    [
      () =>
        augmentFromJson({
          transforms: [{ transform: 'Resize', width: 2, height: 2, interpolation: 'best' }],
        }),
      /must be one of linear/,
    ],
  ])('%# are refused with the option and the rule', (make, message) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
  });

  it('pixels of another size than stated are refused', () => {
    const wrong = { width: 2, height: 2, data: new Uint8Array(5) };
    expect(() => spectrogramValid(4).apply(wrong, { index: 0 })).toThrow(DataError);
    expect(mean(filled(2, 2, 7))).toBe(7);
  });
});
