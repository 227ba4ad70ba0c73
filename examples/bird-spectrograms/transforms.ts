/** In [3]: get_train_transform and get_test_transform. */
import {
  CoarseDropout,
  Compose,
  Cutout,
  GaussNoise,
  MixUp,
  OneOf,
  type Pipeline,
  RandomBrightnessContrast,
  ShiftScaleRotate,
  SmallestMaxSize,
} from 'trainyard/vision';
import { seed } from './setting.js';

/** @param mixup In [4]: probability that a picture is joined with one of another class, before all else */
export function getTrainTransform(imgSize: number, mixup: number): Pipeline {
  return Compose(
    [
      ...(mixup > 0 ? [MixUp({ alpha: 0.2, p: mixup })] : []),
      SmallestMaxSize({ maxSize: imgSize, interpolation: 'area' }),
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

export function getTestTransform(imgSize: number): Pipeline {
  return Compose([SmallestMaxSize({ maxSize: imgSize, interpolation: 'area' })]);
}
