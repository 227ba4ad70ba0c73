import type { SoundPictureOptions } from '#data';
import type { TransformJson } from '../augment/index.ts';

/** Everything that decides what a training comes to, as plain data: a run folder keeps it beside the checkpoints. */
export interface ClassifySettings {
  /** Architecture, by timm's or torchvision's name; default `tf_efficientnet_b0.ns_jft_in1k`. */
  readonly arch: string;
  /** File or http(s) address of weights to start from; random ones when null, the default. */
  readonly weights: string | null;
  /** SHA-256 of that file in hexadecimal, which it is compared with; null, the default, compares nothing. */
  readonly weightsSha256: string | null;
  /** What becomes of the weights' head: see `loadPretrained`. Default `auto`. */
  readonly headPolicy: 'auto' | 'replace' | 'strict';
  /** Start from weights that fit in part; default false. */
  readonly allowPartialWeights: boolean;
  /** Fold that is validated on, counted from 0; default 0. */
  readonly fold: number;
  /** Folds that the data is dealt to where it names none; default 5. */
  readonly folds: number;
  /** Times through the training pictures; default 30. */
  readonly epochs: number;
  /** Length in pixels of the shorter side, or of both with square augmentation; default 128. */
  readonly imageSize: number;
  /** Default 64. */
  readonly batchSize: number;
  /** Default 32. */
  readonly validationBatchSize: number;
  /** Batches whose mean gradient makes one update; default 1. */
  readonly accumulate: number;
  /** Compute stages again in the backward pass instead of keeping them, which saves memory; default false. */
  readonly gradientCheckpointing: boolean;
  /** Share of features dropped before the head; default 0.3. */
  readonly dropRate: number;
  /** Rate of stochastic depth in the last block; default 0.2. */
  readonly dropPathRate: number;
  /** Default `adamw`. */
  readonly optimizer: 'adamw' | 'sgd';
  /** Default 3e-4. */
  readonly learningRate: number;
  /** Default 3e-4, on all parameters. */
  readonly weightDecay: number;
  /** Default `constant`. */
  readonly schedule: 'constant' | 'cosine' | 'linear' | 'one-cycle';
  /** Epochs over which the learning rate grows from 0; default 0. */
  readonly warmupEpochs: number;
  /** Factor of the learning rate from one stage to the one before it, in (0, 1]; default 1. */
  readonly layerDecay: number;
  /** Largest norm of the gradients; no limit when null, the default. */
  readonly clipNorm: number | null;
  /** Default `cross-entropy`. */
  readonly loss: 'cross-entropy' | 'focal' | 'focal-cosine' | 'soft-cross-entropy' | 'bi-tempered';
  /** Share of the target that is spread over all classes, in [0, 1); default 0.25. */
  readonly labelSmoothing: number;
  /** `balanced` weighs classes in the loss by the inverse of their number; default `none`. */
  readonly classWeights: 'none' | 'balanced';
  /**
   * `resample` (default) cuts classes above `cap` and fills those below `floor`; `balanced` draws all classes equally
   * often; `all` takes every picture once.
   */
  readonly sampling: 'resample' | 'balanced' | 'all';
  /** Default 500. */
  readonly cap: number;
  /** Default 50. */
  readonly floor: number;
  /**
   * Preset of augmentation or transforms of one's own. `auto` (default): `spectrogram-train` for sounds and where all
   * pictures have one size, which turns and flips nothing; `image-light` otherwise. `none` only resizes.
   */
  readonly augment: string | readonly TransformJson[];
  /** Probability that a picture is joined with one of another class; default 1 with `spectrogram-train`, else 0. */
  readonly mixup: number | null;
  /** The same by CutMix, for pictures that MixUp passed over; default 0. */
  readonly cutmix: number;
  /** Subtract the architecture's mean and divide by its standard deviation; default false: pixels / 255. */
  readonly normalize: boolean;
  /** Default `float32`. */
  readonly precision: 'float32' | 'mixed';
  /** Decay of an exponential moving average of the weights, in (0, 1); none when null, the default. */
  readonly ema: number | null;
  /** Epochs without a better one after which training ends; never when null, the default. */
  readonly patience: number | null;
  /** Quantity that decides which epoch is best; default `cmAP`. */
  readonly watch: WatchName;
  /** Stages that are not trained, such as `stem`, or `all` for all but the head; default none. */
  readonly freeze: readonly string[];
  /** After so many epochs, and so many again, the last frozen stage is trained too; never when null, the default. */
  readonly unfreezeEvery: number | null;
  /** Augmented views whose probabilities are averaged with those of the picture itself, at the end; default 0. */
  readonly testTimeViews: number;
  /** Keep a checkpoint of every epoch; default false: the last and the best one. */
  readonly keepEpochs: boolean;
  /** Broken pictures and sounds end the work (`fail`, default) or are left out and listed. */
  readonly onBroken: 'fail' | 'skip';
  /** How sounds become pictures; only where the data is sounds. */
  readonly sound: SoundPictureOptions;
  /** Of everything random; default 123. */
  readonly seed: number;
}

export const watchNames = [
  'cmAP',
  'accuracy',
  'meanRecall',
  'macroF1',
  'top5Accuracy',
  'validationLoss',
] as const;
export type WatchName = (typeof watchNames)[number];

/** The notebook's settings, and what it leaves open. */
export const defaultSettings: ClassifySettings = {
  arch: 'tf_efficientnet_b0.ns_jft_in1k',
  weights: null,
  weightsSha256: null,
  headPolicy: 'auto',
  allowPartialWeights: false,
  fold: 0,
  folds: 5,
  epochs: 30,
  imageSize: 128,
  batchSize: 64,
  validationBatchSize: 32,
  accumulate: 1,
  gradientCheckpointing: false,
  dropRate: 0.3,
  dropPathRate: 0.2,
  optimizer: 'adamw',
  learningRate: 3e-4,
  weightDecay: 3e-4,
  schedule: 'constant',
  warmupEpochs: 0,
  layerDecay: 1,
  clipNorm: null,
  loss: 'cross-entropy',
  labelSmoothing: 0.25,
  classWeights: 'none',
  sampling: 'resample',
  cap: 500,
  floor: 50,
  augment: 'auto',
  mixup: null,
  cutmix: 0,
  normalize: false,
  precision: 'float32',
  ema: null,
  patience: null,
  watch: 'cmAP',
  freeze: [],
  unfreezeEvery: null,
  testTimeViews: 0,
  keepEpochs: false,
  onBroken: 'fail',
  sound: { sampleRate: 32_000 },
  seed: 123,
};
