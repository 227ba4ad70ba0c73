import { ConfigError } from '#core';
import { ShiftScaleRotate } from './affine.ts';
import { RandomBrightnessContrast } from './brightness.ts';
import { ColorJitter, ToGray } from './colour.ts';
import { Compose, type Pipeline } from './compose.ts';
import { CenterCrop, RandomResizedCrop } from './crops.ts';
import { CoarseDropout, Cutout } from './dropout.ts';
import { Blur, CLAHE } from './filters.ts';
import { HorizontalFlip } from './flips.ts';
import { GaussNoise } from './gauss-noise.ts';
import { CutMix, type Mix, MixUp } from './mixing.ts';
import { OneOf } from './one-of.ts';
import { SmallestMaxSize } from './resizing.ts';
import type { Transform } from './transform.ts';

export interface PresetOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Probability that a picture is joined with one of another class by MixUp. */
  readonly mixup?: number;
  /** The same by CutMix, for pictures that MixUp passed over; default 0. */
  readonly cutmix?: number;
}

export interface ImagePresetOptions extends PresetOptions {
  /** How much is changed; default 'medium'. */
  readonly strength?: 'light' | 'medium' | 'heavy';
}

function mixSteps(mixup: number, cutmix: number): Mix[] {
  return [...(mixup > 0 ? [MixUp({ p: mixup })] : []), ...(cutmix > 0 ? [CutMix({ p: cutmix })] : [])];
}

/**
 * Training on spectrograms: time and frequency keep their directions, so nothing is flipped or turned. The shorter
 * side becomes `imageSize` pixels. MixUp comes first, by default for every picture.
 */
export function spectrogramTrain(
  imageSize: number,
  { seed = 0, mixup = 1, cutmix = 0 }: PresetOptions = {},
): Pipeline {
  return Compose(
    [
      ...mixSteps(mixup, cutmix),
      SmallestMaxSize({ maxSize: imageSize, interpolation: 'area' }),
      RandomBrightnessContrast({ brightnessLimit: 0.2, contrastLimit: 0.2, p: 0.5 }),
      GaussNoise({ p: 0.3 }),
      OneOf([Cutout({ maxHSize: 10, maxWSize: 16 }), CoarseDropout({ maxHoles: 4 })], { p: 0.5 }),
      ShiftScaleRotate({
        shiftLimit: 0.05,
        scaleLimit: 0.15,
        rotateLimit: 0,
        interpolation: 'linear',
        borderMode: 'constant',
        p: 0.7,
      }),
    ],
    { seed },
  );
}

/** Validation on spectrograms: the shorter side becomes `imageSize` pixels. */
export function spectrogramValid(imageSize: number): Pipeline {
  return Compose([SmallestMaxSize({ maxSize: imageSize, interpolation: 'area' })]);
}

/** Training on photographs: squares of `imageSize` pixels. Nothing is joined unless asked for. */
export function imageTrain(
  imageSize: number,
  { seed = 0, mixup = 0, cutmix = 0, strength = 'medium' }: ImagePresetOptions = {},
): Pipeline {
  return Compose([...mixSteps(mixup, cutmix), ...imageSteps(imageSize)[strength]()], { seed });
}

function imageSteps(imageSize: number): Readonly<Record<'light' | 'medium' | 'heavy', () => Transform[]>> {
  const crop = (least: number) =>
    RandomResizedCrop({ height: imageSize, width: imageSize, scale: [least, 1], interpolation: 'area' });
  return {
    light: () => [crop(0.6), HorizontalFlip()],
    medium: () => [
      crop(0.35),
      HorizontalFlip(),
      ShiftScaleRotate({ shiftLimit: 0.0625, scaleLimit: 0.1, rotateLimit: 15, p: 0.5 }),
      ColorJitter({ hue: 0.05, p: 0.5 }),
      CoarseDropout(holesOf(imageSize, 4, { p: 0.3 })),
    ],
    heavy: () => [
      crop(0.2),
      HorizontalFlip(),
      ShiftScaleRotate({ shiftLimit: 0.1, scaleLimit: 0.2, rotateLimit: 30, p: 0.7 }),
      ColorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, p: 0.8 }),
      ToGray({ p: 0.1 }),
      OneOf([Blur(), GaussNoise(), CLAHE()], { p: 0.4 }),
      CoarseDropout(holesOf(imageSize, 8, { p: 0.5 })),
    ],
  };
}

function holesOf(imageSize: number, maxHoles: number, options: { readonly p: number }) {
  const side = Math.max(1, Math.round(imageSize / 8));
  return { maxHoles, maxHeight: side, maxWidth: side, minHoles: 1, ...options };
}

/** Validation on photographs: the middle square of `imageSize` pixels after the shorter side became 8/7 of it. */
export function imageValid(imageSize: number): Pipeline {
  return Compose([
    SmallestMaxSize({ maxSize: Math.round((imageSize * 8) / 7), interpolation: 'area' }),
    CenterCrop({ height: imageSize, width: imageSize }),
  ]);
}

const presets: Readonly<Record<string, (imageSize: number, options: PresetOptions) => Pipeline>> = {
  'spectrogram-train': spectrogramTrain,
  'spectrogram-valid': spectrogramValid,
  'image-light': (imageSize, options) => imageTrain(imageSize, { ...options, strength: 'light' }),
  'image-medium': (imageSize, options) => imageTrain(imageSize, { ...options, strength: 'medium' }),
  'image-heavy': (imageSize, options) => imageTrain(imageSize, { ...options, strength: 'heavy' }),
  'image-valid': imageValid,
};

/** Names that `presetPipeline` knows. */
export const presetNames: readonly string[] = Object.keys(presets);

/**
 * The preset of that name, as options and configuration files give it.
 * @throws ConfigError for another name
 */
export function presetPipeline(name: string, imageSize: number, options: PresetOptions = {}): Pipeline {
  if (Object.hasOwn(presets, name)) return presets[name](imageSize, options);
  throw new ConfigError(
    `presetPipeline: the preset must be one of ${presetNames.join(', ')}, but got ${JSON.stringify(name)}. Choose one.`,
    { name },
  );
}
