import type { Tensor } from '#engine';
import {
  Activation,
  BatchNorm2d,
  Conv2d,
  Dropout,
  DropPath,
  GlobalAvgPool2d,
  hardSigmoid,
  kaimingNormal,
  Linear,
  Module,
  normal,
  relu,
  Sequential,
  SqueezeExcite,
} from '#nn';
import { type Architecture, imagenetStatistics, type ModelSettings } from './architecture.ts';
import { initializeWeights } from './initialize-weights.ts';
import { roundChannels } from './round-channels.ts';
import { type StageStep, VisionModel } from './vision-model.ts';

/** Kernel, width inside, output channels, squeeze-and-excitation, hard swish (or ReLU), stride. */
type BlockRow = readonly [
  kernel: number,
  expanded: number,
  out: number,
  hasSe: boolean,
  isSwish: boolean,
  stride: number,
];

const large: readonly BlockRow[] = [
  [3, 16, 16, false, false, 1],
  [3, 64, 24, false, false, 2],
  [3, 72, 24, false, false, 1],
  [5, 72, 40, true, false, 2],
  [5, 120, 40, true, false, 1],
  [5, 120, 40, true, false, 1],
  [3, 240, 80, false, true, 2],
  [3, 200, 80, false, true, 1],
  [3, 184, 80, false, true, 1],
  [3, 184, 80, false, true, 1],
  [3, 480, 112, true, true, 1],
  [3, 672, 112, true, true, 1],
  [5, 672, 160, true, true, 2],
  [5, 960, 160, true, true, 1],
  [5, 960, 160, true, true, 1],
];

const small: readonly BlockRow[] = [
  [3, 16, 16, true, false, 2],
  [3, 72, 24, false, false, 2],
  [3, 88, 24, false, false, 1],
  [5, 96, 40, true, true, 2],
  [5, 240, 40, true, true, 1],
  [5, 240, 40, true, true, 1],
  [5, 120, 48, true, true, 1],
  [5, 144, 48, true, true, 1],
  [5, 288, 96, true, true, 2],
  [5, 576, 96, true, true, 1],
  [5, 576, 96, true, true, 1],
];

interface UnitOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly activation?: 'hardSwish' | 'relu';
}

/** Convolution, batch normalisation and activation, if any: `0` and `1` hold the parameters. */
function convUnit(inChannels: number, outChannels: number, options: UnitOptions = {}): Sequential {
  const { kernel = 1, stride = 1, groups = 1, activation } = options;
  return new Sequential(
    new Conv2d(inChannels, outChannels, kernel, {
      stride,
      padding: (kernel - 1) / 2,
      groups,
      bias: false,
    }),
    // The statistics move slowly, as in the published training.
    new BatchNorm2d(outChannels, { eps: 1e-3, momentum: 0.01 }),
    ...(activation === undefined ? [] : [new Activation(activation)]),
  );
}

/** Squeeze-and-excitation with ReLU and a hard sigmoid, whose layers torchvision calls `fc1` and `fc2`. */
class HardSqueezeExcite extends Module {
  readonly fc1: Conv2d;
  readonly fc2: Conv2d;
  readonly #gate: SqueezeExcite;

  constructor(channels: number) {
    super();
    const reduced = roundChannels(Math.floor(channels / 4));
    this.#gate = new SqueezeExcite(channels, reduced, { activation: relu, gate: hardSigmoid });
    this.fc1 = this.#gate.convReduce;
    this.fc2 = this.#gate.convExpand;
  }

  override forward(x: Tensor): Tensor {
    return this.#gate.forward(x);
  }
}

/** Inverted residual whose layers are numbered, as in torchvision. */
class InvertedResidual extends Module {
  private readonly block: Sequential;
  private readonly dropPath: DropPath;
  private readonly isResidual: boolean;

  constructor(inChannels: number, row: BlockRow, dropPath: number) {
    super();
    const [kernel, expanded, outChannels, hasSe, isSwish, stride] = row;
    const activation = isSwish ? 'hardSwish' : 'relu';
    this.block = new Sequential(
      ...(expanded === inChannels ? [] : [convUnit(inChannels, expanded, { activation })]),
      convUnit(expanded, expanded, { kernel, stride, groups: expanded, activation }),
      ...(hasSe ? [new HardSqueezeExcite(expanded)] : []),
      convUnit(expanded, outChannels),
    );
    this.dropPath = new DropPath(dropPath);
    this.isResidual = stride === 1 && inChannels === outChannels;
  }

  override forward(x: Tensor): Tensor {
    const y = this.block.forward(x);
    return this.isResidual ? this.dropPath.forward(y).add(x) : y;
  }
}

/**
 * MobileNetV3 under torchvision's parameter names.
 * @source Howard et al. 2019, https://arxiv.org/abs/1905.02244
 */
class MobileNetV3 extends VisionModel {
  override readonly headName = 'classifier.3';
  override readonly stemWeight = 'features.0.0.weight';
  private readonly features: readonly Module[];
  private readonly pool = new GlobalAvgPool2d();
  private classifier: Sequential;
  readonly #strides: readonly number[];

  constructor(rows: readonly BlockRow[], hidden: number, settings: ModelSettings) {
    super();
    const { inChannels, numClasses, dropRate, dropPathRate, seed } = settings;
    let channels = 16;
    const blocks = rows.map((row, i) => {
      const block = new InvertedResidual(channels, row, (dropPathRate * i) / rows.length);
      channels = row[2];
      return block;
    });
    this.features = [
      convUnit(inChannels, 16, { kernel: 3, stride: 2, activation: 'hardSwish' }),
      ...blocks,
      convUnit(channels, 6 * channels, { activation: 'hardSwish' }),
    ];
    this.#strides = rows.map((row) => row[5]);
    this.classifier = new Sequential(
      new Linear(6 * channels, hidden),
      new Activation('hardSwish'),
      new Dropout(dropRate),
      new Linear(hidden, numClasses),
    );
    const conv = kaimingNormal({ mode: 'fanOut' });
    initializeWeights(this, { conv: () => conv, linear: () => normal(0, 0.01) }, seed);
  }

  protected override get head(): Linear {
    return this.classifier.modules[3] as Linear;
  }

  protected override set head(layer: Linear) {
    this.classifier = new Sequential(...this.classifier.modules.slice(0, 3), layer);
  }

  /** The blocks of one resolution make a stage. */
  protected override steps(): readonly StageStep[] {
    const groups: number[][] = [[0]];
    this.#strides.forEach((stride, i) => {
      if (stride > 1 || i === 0) groups.push([]);
      groups.at(-1)?.push(i + 1);
    });
    groups.push([this.features.length - 1]);
    const nameOf = (i: number) =>
      i === 0 ? 'stem' : i === groups.length - 1 ? 'conv_head' : `blocks.${i - 1}`;
    return [
      ...groups.map((indices, i) => ({
        name: nameOf(i),
        members: indices.map((index) => `features.${index}`),
        forward: (x: Tensor) => indices.reduce((value, index) => this.features[index].forward(value), x),
      })),
      {
        name: 'head',
        members: ['classifier'],
        forward: (x) => this.classifier.forward(this.pool.forward(x)),
      },
    ];
  }
}

const variants = [
  { size: 'small', rows: small, hidden: 1024, parameters: 2_542_856, multiplyAdds: 56_510_400 },
  { size: 'large', rows: large, hidden: 1280, parameters: 5_483_032, multiplyAdds: 216_589_760 },
];

/** MobileNetV3, small and large. */
export const mobileNets: readonly Architecture[] = variants.map(
  ({ size, rows, hidden, parameters, multiplyAdds }): Architecture => ({
    name: `mobilenet_v3_${size}`,
    family: 'MobileNetV3',
    aliases: [],
    parameters,
    multiplyAdds,
    inputSize: 224,
    cropShare: 0.875,
    interpolation: 'bilinear',
    ...imagenetStatistics,
    dialects: [{ source: 'torchvision' }],
    create: (settings) => new MobileNetV3(rows, hidden, settings),
  }),
);
