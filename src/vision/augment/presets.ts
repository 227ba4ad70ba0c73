import { ShiftScaleRotate } from './affine.ts';
import { RandomBrightnessContrast } from './brightness.ts';
import { Compose, type Pipeline } from './compose.ts';
import { CoarseDropout, Cutout } from './dropout.ts';
import { GaussNoise } from './gauss-noise.ts';
import { MixUp } from './mixing.ts';
import { OneOf } from './one-of.ts';
import { SmallestMaxSize } from './resizing.ts';

export interface PresetOptions {
  readonly seed?: number;
  /** Probability that a picture is joined with one of another class. */
  readonly mixup?: number;
}

/**
 * Training on spectrograms: time and frequency keep their directions, so nothing is flipped or turned. MixUp comes
 * first; the shorter side becomes `imageSize` pixels.
 */
export function spectrogramTrain(imageSize: number, { seed = 0, mixup = 1 }: PresetOptions = {}): Pipeline {
  return Compose(
    [
      ...(mixup > 0 ? [MixUp({ p: mixup })] : []),
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
