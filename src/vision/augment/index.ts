export { ShiftScaleRotate } from './affine.ts';
export { RandomBrightnessContrast } from './brightness.ts';
export type {
  Augmented,
  AugmentedPlanes,
  MixInput,
  Pipeline,
  PipelineJson,
  SampleKey,
} from './compose.ts';
export { Compose } from './compose.ts';
export { CoarseDropout, Cutout } from './dropout.ts';
export { HorizontalFlip, VerticalFlip } from './flips.ts';
export { augmentFromJson, transformNames } from './from-json.ts';
export { GaussNoise } from './gauss-noise.ts';
export { mapPoint } from './matrix.ts';
export type { Mix, MixPlan } from './mixing.ts';
export { CutMix, MixUp } from './mixing.ts';
export { OneOf, Sequential } from './one-of.ts';
export type { PresetOptions } from './presets.ts';
export { spectrogramTrain, spectrogramValid } from './presets.ts';
export { LongestMaxSize, Resize, SmallestMaxSize } from './resizing.ts';
export type { Transform, TransformJson } from './transform.ts';
