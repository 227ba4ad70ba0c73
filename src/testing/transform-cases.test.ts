import { describe, expect, it } from 'vitest';
import { type TransformConformanceOptions, transformCases } from '#testing';
import * as vision from '#vision';

type Create = Parameters<typeof transformCases>[0];

const size = { height: 40, width: 51 };
const geometric = { geometric: true };
const fixed = { fixed: true };
/** Every transform by name; options keep its results small, and its geometry within sight of the middle. */
const transforms: Readonly<Record<string, readonly [Create, TransformConformanceOptions?]>> = {
  Affine: [(options) => vision.Affine({ rotate: 20, shear: 5, scale: [0.9, 1.2], ...options }), geometric],
  Blur: [vision.Blur],
  CenterCrop: [(options) => vision.CenterCrop({ ...size, ...options }), { ...geometric, ...fixed }],
  CLAHE: [(options) => vision.CLAHE({ clipLimit: 40, tileGridSize: 2, ...options })],
  CoarseDropout: [vision.CoarseDropout],
  ColorJitter: [vision.ColorJitter],
  CutMix: [vision.CutMix],
  Cutout: [vision.Cutout],
  GaussNoise: [vision.GaussNoise],
  HorizontalFlip: [vision.HorizontalFlip, { ...geometric, ...fixed }],
  HueSaturationValue: [vision.HueSaturationValue],
  LongestMaxSize: [
    (options) => vision.LongestMaxSize({ maxSize: 40, ...options }),
    { ...geometric, ...fixed },
  ],
  MixUp: [vision.MixUp],
  Normalize: [vision.Normalize, fixed],
  OneOf: [(options) => vision.OneOf([vision.HorizontalFlip(), vision.VerticalFlip()], options), geometric],
  PadIfNeeded: [
    (options) => vision.PadIfNeeded({ minHeight: 50, minWidth: 90, ...options }),
    { ...geometric, ...fixed },
  ],
  Perspective: [vision.Perspective, geometric],
  RandomBrightnessContrast: [vision.RandomBrightnessContrast],
  RandomResizedCrop: [
    (options) => vision.RandomResizedCrop({ ...size, scale: [0.5, 1], ...options }),
    geometric,
  ],
  Resize: [(options) => vision.Resize({ ...size, ...options }), { ...geometric, ...fixed }],
  Sequential: [(options) => vision.Sequential([vision.Blur({ p: 1 }), vision.GaussNoise({ p: 1 })], options)],
  ShiftScaleRotate: [vision.ShiftScaleRotate, geometric],
  SmallestMaxSize: [
    (options) => vision.SmallestMaxSize({ maxSize: 40, ...options }),
    { ...geometric, ...fixed },
  ],
  ToGray: [vision.ToGray, fixed],
  VerticalFlip: [vision.VerticalFlip, { ...geometric, ...fixed }],
};

describe.each(Object.entries(transforms))('%s', (_, [create, options]) => {
  for (const { name, run } of transformCases(create, options)) it(name, run);
});

describe('transformCases', () => {
  it('is run on every transform', () => {
    expect(Object.keys(transforms).sort()).toEqual([...vision.transformNames]);
  });
});
