import { describe, it } from 'vitest';
import type { HostTensor } from '#core';
import * as nn from '#nn';
import { layerConformanceCases, lossConformanceCases, optimizerConformanceCases } from '#testing';

const image = [3, 4, 5, 6];
const layers: Readonly<Record<string, readonly [() => nn.Module, readonly number[], { random?: boolean }?]>> =
  {
    Linear: [() => new nn.Linear(5, 3), [4, 5]],
    Conv2d: [() => new nn.Conv2d(4, 6, 3, { padding: 'same', stride: 2 }), image],
    'Conv2d, depthwise': [() => new nn.Conv2d(4, 4, 3, { padding: 1, groups: 4 }), image],
    ConvTranspose2d: [() => new nn.ConvTranspose2d(4, 2, 3, { stride: 2, outputPadding: 1 }), image],
    BatchNorm1d: [() => new nn.BatchNorm1d(5), [4, 5]],
    BatchNorm2d: [() => new nn.BatchNorm2d(4), image],
    LayerNorm: [() => new nn.LayerNorm(6), image],
    GroupNorm: [() => new nn.GroupNorm(2, 4), image],
    Dropout: [() => new nn.Dropout(0.4), [4, 5], { random: true }],
    DropPath: [() => new nn.DropPath(0.4), image, { random: true }],
    MaxPool2d: [() => new nn.MaxPool2d(2), image],
    AvgPool2d: [() => new nn.AvgPool2d(3, { padding: 1, stride: 2 }), image],
    GlobalAvgPool2d: [() => new nn.GlobalAvgPool2d(), image],
    GlobalMaxPool2d: [() => new nn.GlobalMaxPool2d(), image],
    Upsample2d: [() => new nn.Upsample2d({ mode: 'bilinear' }), image],
    SqueezeExcite: [() => new nn.SqueezeExcite(4, 2), image],
    MultiheadAttention: [() => new nn.MultiheadAttention(6, 2), [2, 3, 6]],
    PReLU: [() => new nn.PReLU(4), image],
    Sequential: [
      () => new nn.Sequential(new nn.Flatten(), new nn.Linear(120, 3), new nn.Activation('mish')),
      image,
    ],
    ...Object.fromEntries(
      (['relu6', 'leakyRelu', 'silu', 'gelu', 'softplus', 'hardSwish', 'elu', 'tanh'] as const).map(
        (name) => [name, [() => new nn.Activation(name), [4, 5]] as const],
      ),
    ),
  };

describe.each(Object.entries(layers))('%s', (_, [create, input, more]) => {
  for (const { name, run } of layerConformanceCases(create, { input, ...more })) it(name, run);
});

const labels: HostTensor = { dtype: 'int64', shape: [4], data: BigInt64Array.of(2n, 0n, 1n, 2n) };
const soft: HostTensor = {
  dtype: 'float32',
  shape: [4, 3],
  data: Float32Array.from({ length: 12 }, (_, i) => [0.2, 0.5, 0.3][i % 3]),
};
const losses: Readonly<
  Record<string, readonly [nn.Loss, HostTensor, { skipExtremes?: boolean; tolerance?: number }?]>
> = {
  crossEntropy: [nn.crossEntropy, labels],
  'crossEntropy, smoothed distributions': [
    (o, t) => nn.crossEntropy(o, t, { labelSmoothing: 0.25, weight: [1, 2, 3] }),
    soft,
  ],
  nllLoss: [(o, t) => nn.nllLoss(o.logSoftmax(1), t), labels],
  bceWithLogits: [(o, t) => nn.bceWithLogits(o, t, { posWeight: 2 }), soft],
  mseLoss: [nn.mseLoss, soft],
  l1Loss: [nn.l1Loss, soft],
  smoothL1Loss: [nn.smoothL1Loss, soft],
  huberLoss: [nn.huberLoss, soft],
  klDivLoss: [(o, t) => nn.klDivLoss(o.logSoftmax(1), t), soft],
  focalLoss: [nn.focalLoss, labels],
  sigmoidFocalLoss: [nn.sigmoidFocalLoss, soft],
  focalCosineLoss: [nn.focalCosineLoss, labels],
  softCrossEntropy: [(o, t) => nn.softCrossEntropy(o, t, { smoothFactor: 0.1 }), labels],
  biTemperedLogisticLoss: [
    (o, t) => nn.biTemperedLogisticLoss(o, t, { t1: 0.8, t2: 1.2, iterations: 60 }),
    labels,
  ],
};

describe.each(Object.entries(losses))('%s', (_, [loss, target, more]) => {
  for (const { name, run } of lossConformanceCases(loss, { output: [4, 3], target, ...more })) it(name, run);
});

type Groups = readonly nn.ParameterGroup<nn.CommonOptions>[];
const given = (groups: Groups | undefined) => (groups === undefined ? {} : { groups: groups as never });
/** Not linear in the gradient, which its parent is. */
class SignSGD extends nn.SGD {
  override update(context: nn.UpdateArguments<nn.SGDOptions>): nn.UpdateResult {
    return super.update({ ...context, gradient: context.gradient.sign() });
  }
}

const optimizers: Readonly<Record<string, (groups?: Groups) => nn.Optimizer>> = {
  SGD: (groups) =>
    new nn.SGD({ learningRate: 0.05, momentum: 0.9, nesterov: true, ...given(groups) }) as never,
  'SGD without momentum': (groups) =>
    new nn.SGD({ learningRate: 0.05, weightDecay: 0.01, ...given(groups) }) as never,
  'SGD, dampened': (groups) =>
    new nn.SGD({ learningRate: 0.05, momentum: 0.5, dampening: 0.1, ...given(groups) }) as never,
  'a subclass of SGD': (groups) => new SignSGD({ learningRate: 0.01, ...given(groups) }) as never,
  Adam: (groups) => new nn.Adam({ learningRate: 0.02, amsgrad: true, ...given(groups) }) as never,
  AdamW: (groups) => new nn.AdamW({ learningRate: 0.02, ...given(groups) }) as never,
  RMSprop: (groups) =>
    new nn.RMSprop({ learningRate: 0.01, centered: true, momentum: 0.5, ...given(groups) }) as never,
  Adagrad: (groups) => new nn.Adagrad({ learningRate: 0.1, ...given(groups) }) as never,
  LAMB: (groups) => new nn.LAMB({ learningRate: 0.05, ...given(groups) }) as never,
};

describe.each(Object.entries(optimizers))('%s', (_, create) => {
  for (const { name, run } of optimizerConformanceCases(create)) it(name, run);
});
