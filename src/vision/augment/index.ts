export { Affine, Perspective, ShiftScaleRotate } from './affine.ts';
export { RandomBrightnessContrast } from './brightness.ts';
export { ColorJitter, HueSaturationValue, ToGray } from './colour.ts';
export type {
  Augmented,
  AugmentedPlanes,
  MixInput,
  Pipeline,
  PipelineJson,
  SampleKey,
} from './compose.ts';
export { Compose } from './compose.ts';
export { CenterCrop, PadIfNeeded, RandomResizedCrop } from './crops.ts';
export { CoarseDropout, Cutout } from './dropout.ts';
export * as optionFields from './fields.ts';
export { Blur, CLAHE } from './filters.ts';
export { HorizontalFlip, VerticalFlip } from './flips.ts';
export { augmentFromJson, transformNames } from './from-json.ts';
export { GaussNoise } from './gauss-noise.ts';
export { mapPoint } from './matrix.ts';
export type { Mix, MixPlan } from './mixing.ts';
export { CutMix, MixUp } from './mixing.ts';
export { Normalize } from './normalize.ts';
export { OneOf, Sequential } from './one-of.ts';
export type { Picture } from './picture.ts';
export type { ImagePresetOptions, PresetOptions } from './presets.ts';
export {
  imageTrain,
  imageValid,
  presetNames,
  presetPipeline,
  spectrogramTrain,
  spectrogramValid,
} from './presets.ts';
export { LongestMaxSize, Resize, SmallestMaxSize } from './resizing.ts';
export type { Transform, TransformJson } from './transform.ts';
export { defineTransform } from './transform.ts';
