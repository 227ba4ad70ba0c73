import type { VisionModel } from './vision-model.ts';

/** What a model is made with, all decided. */
export interface ModelSettings {
  /** Outputs of the head. */
  readonly numClasses: number;
  /** Share of the features dropped before the head in training, in [0, 1). */
  readonly dropRate: number;
  /** Stochastic depth: share of samples whose last residual branch is dropped in training, in [0, 1). */
  readonly dropPathRate: number;
  /** Channels of the image. */
  readonly inChannels: number;
  /** Height and width in pixels, where a model's parameters depend on it; others take any size. */
  readonly imageSize: number;
  /** Seed of the initial weights; by order of creation when absent. */
  readonly seed: number | undefined;
}

/** Parameter names as another library writes them. */
export interface KeyDialect {
  /** That library, such as `timm` or `torchvision`. */
  readonly source: string;
  /** From its names to the model's, applied in order as in `mapKeys`; none for the same names. */
  readonly rename?: readonly (readonly [pattern: RegExp, replacement: string])[];
}

/** One architecture: its facts, and how to make it. */
export interface Architecture {
  /** Name by which it is made and listed. */
  readonly name: string;
  /** Architectures built by the same code. */
  readonly family: string;
  /** Other names it answers to. */
  readonly aliases: readonly string[];
  /** Number of parameters with 1,000 classes and three channels. */
  readonly parameters: number;
  /** Multiplications with an addition for one image of `inputSize`, 1,000 classes. */
  readonly multiplyAdds: number;
  /** Height and width in pixels of the images that published weights were trained on. */
  readonly inputSize: number;
  /** Share of the shorter side that published weights are evaluated on, cut from the centre. */
  readonly cropShare: number;
  readonly interpolation: 'bilinear' | 'bicubic';
  /** Mean and standard deviation per channel of images in [0, 1] that published weights expect. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Whose weight files are read; the first names parameters as the model does. */
  readonly dialects: readonly KeyDialect[];
  readonly create: (settings: ModelSettings) => VisionModel;
}

/** Statistics of ImageNet's training images. */
export const imagenetStatistics = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const;
