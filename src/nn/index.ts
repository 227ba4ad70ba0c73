export { checkpoint } from './checkpoint.ts';
export type { ExportInput, ExportOptions } from './export-onnx.ts';
export { exportOnnx } from './export-onnx.ts';
export type { ImportOptions, SwapHeadOptions } from './import-onnx.ts';
export { ImportedModel, importOnnx } from './import-onnx.ts';
export type { Initializer } from './initializers.ts';
export {
  constant,
  defaultBias,
  defaultWeight,
  fans,
  kaimingNormal,
  kaimingUniform,
  layerRng,
  manualSeed,
  normal,
  truncatedNormal,
  uniform,
  xavierNormal,
  xavierUniform,
} from './initializers.ts';
export type { ActivationName } from './layers/activations.ts';
export {
  Activation,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  mish,
  PReLU,
  relu,
  relu6,
  silu,
  softplus,
} from './layers/activations.ts';
export type { MultiheadAttentionOptions } from './layers/attention.ts';
export { MultiheadAttention } from './layers/attention.ts';
export { Flatten, Identity, Sequential } from './layers/containers.ts';
export type { Conv2dOptions, ConvTranspose2dOptions } from './layers/conv2d.ts';
export { Conv2d, ConvTranspose2d } from './layers/conv2d.ts';
export { Dropout, DropPath, randomNormal, randomUniform } from './layers/dropout.ts';
export type { EmbeddingOptions } from './layers/embedding.ts';
export { Embedding } from './layers/embedding.ts';
export type { PaddingOption, Pair } from './layers/geometry.ts';
export type { LinearOptions } from './layers/linear.ts';
export { Linear } from './layers/linear.ts';
export type { BatchNormOptions, LayerNormOptions } from './layers/norm.ts';
export { BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm } from './layers/norm.ts';
export type { AvgPool2dOptions, Pool2dOptions, Upsample2dOptions } from './layers/pooling.ts';
export { AvgPool2d, GlobalAvgPool2d, GlobalMaxPool2d, MaxPool2d, Upsample2d } from './layers/pooling.ts';
export type { SqueezeExciteOptions } from './layers/squeeze-excite.ts';
export { SqueezeExcite } from './layers/squeeze-excite.ts';
export type { BiTemperedOptions } from './losses/bi-tempered.ts';
export { biTemperedLogisticLoss } from './losses/bi-tempered.ts';
export type { BceWithLogitsOptions, FocalLossOptions } from './losses/binary.ts';
export { bceWithLogits, sigmoidFocalLoss } from './losses/binary.ts';
export type { CrossEntropyOptions, NllLossOptions } from './losses/cross-entropy.ts';
export { crossEntropy, nllLoss, softCrossEntropy } from './losses/cross-entropy.ts';
export type { FocalCosineOptions } from './losses/focal.ts';
export { focalCosineLoss, focalLoss } from './losses/focal.ts';
export type { Loss, LossOptions, Reduction } from './losses/reduction.ts';
export { huberLoss, klDivLoss, l1Loss, mseLoss, smoothL1Loss } from './losses/regression.ts';
export type { NamePattern, StateDict } from './module.ts';
export { Module, matchesName, namedStates } from './module.ts';
export type { AdagradOptions } from './optimizers/adagrad.ts';
export { Adagrad } from './optimizers/adagrad.ts';
export type { AdamOptions } from './optimizers/adam.ts';
export { Adam, AdamW, LAMB } from './optimizers/adam.ts';
export type { ClipOptions } from './optimizers/clip-gradients.ts';
export { clipGradients, gradientNorm } from './optimizers/clip-gradients.ts';
export type { MovingAverageOptions } from './optimizers/moving-average.ts';
export { averageDecay } from './optimizers/moving-average.ts';
export type {
  CommonOptions,
  ParameterGroup,
  Slot,
  StepPosition,
  StepScalars,
  UpdateArguments,
  UpdateResult,
} from './optimizers/optimizer.ts';
export { Optimizer } from './optimizers/optimizer.ts';
export type { RMSpropOptions } from './optimizers/rmsprop.ts';
export { RMSprop } from './optimizers/rmsprop.ts';
export type { SGDOptions } from './optimizers/sgd.ts';
export { SGD } from './optimizers/sgd.ts';
export type { PlateauOptions, PlateauState, Schedule } from './schedules/schedule.ts';
export { ReduceOnPlateau } from './schedules/schedule.ts';
export type { OneCycleOptions } from './schedules/schedules.ts';
export {
  constantRate,
  cosineDecay,
  cosineRestarts,
  exponentialDecay,
  lambdaRate,
  linearWarmup,
  multiStepDecay,
  oneCycle,
  polynomialDecay,
  sequential,
  stepDecay,
  withWarmup,
} from './schedules/schedules.ts';
