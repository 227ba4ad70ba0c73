import { ConfigError } from '#core';
import {
  augmentFromJson,
  imageValid,
  type Pipeline,
  presetPipeline,
  spectrogramValid,
  type TransformJson,
} from '../augment/index.ts';
import type { PictureResize } from './classifier-metadata.ts';
import type { ClassifySettings } from './classify-settings.ts';

export interface Pipelines {
  readonly train: Pipeline;
  readonly valid: Pipeline;
  /** How the exported file brings pictures to the size of `valid`. */
  readonly resize: PictureResize;
  /** Name of the preset that was taken, or `own transforms`. */
  readonly name: string;
}

type AugmentSettings = Pick<ClassifySettings, 'augment' | 'mixup' | 'cutmix' | 'imageSize' | 'seed'>;

/**
 * Augmentation for training, and what validation does instead.
 * @param isUniform whether all pictures have one size
 * @throws ConfigError for a preset that keeps the pictures' shapes where these differ
 */
export function createPipelines(settings: AugmentSettings, isUniform: boolean): Pipelines {
  const { augment, imageSize, seed, cutmix } = settings;
  const name = augment === 'auto' ? (isUniform ? 'spectrogram-train' : 'image-light') : augment;
  const keepsShape =
    name === 'spectrogram-train' || (typeof name !== 'string' && isUniform) || (name === 'none' && isUniform);
  if (keepsShape && !isUniform) {
    throw new ConfigError(
      'classify: spectrogram-train keeps the shape of pictures, so all must have one size, but they differ. Use image-light, image-medium or image-heavy.',
      { augment: name },
    );
  }
  const valid = keepsShape ? spectrogramValid(imageSize) : imageValid(imageSize);
  const mixup = settings.mixup ?? (name === 'spectrogram-train' ? 1 : 0);
  const shared = { valid, resize: keepsShape ? 'stretch' : 'crop' } as const;
  if (typeof name === 'string' && name !== 'none') {
    return { ...shared, name, train: presetPipeline(name, imageSize, { seed, mixup, cutmix }) };
  }
  const transforms: readonly TransformJson[] =
    name === 'none' ? valid.toJSON().transforms : (name as readonly TransformJson[]);
  const mixes = [
    ...(mixup > 0 ? [{ transform: 'MixUp', p: mixup }] : []),
    ...(cutmix > 0 ? [{ transform: 'CutMix', p: cutmix }] : []),
  ];
  return {
    ...shared,
    name: typeof name === 'string' ? name : 'own transforms',
    train: augmentFromJson({ seed, transforms: [...mixes, ...transforms] as TransformJson[] }),
  };
}

/** The training transforms without joining pictures: views of one picture for the test. */
export function viewPipeline(train: Pipeline): Pipeline {
  const { seed, transforms } = train.toJSON();
  return augmentFromJson({
    seed: seed + 1,
    transforms: transforms.filter(({ transform }) => transform !== 'MixUp' && transform !== 'CutMix'),
  });
}
