import { Parameter, type Tensor } from '#engine';
import {
  Activation,
  Conv2d,
  constant,
  Dropout,
  DropPath,
  GlobalAvgPool2d,
  LayerNorm,
  Linear,
  layerRng,
  Module,
  Sequential,
  truncatedNormal,
} from '#nn';
import {
  type Architecture,
  imagenetStatistics,
  type KeyDialect,
  type ModelSettings,
} from './architecture.ts';
import { initializeWeights } from './initialize-weights.ts';
import { type StageStep, VisionModel } from './vision-model.ts';

/** `[N, C, H, W]` ⇄ `[N, H, W, C]`. */
const toChannelsLast = [0, 2, 3, 1];
const toChannelsFirst = [0, 3, 1, 2];

class Permute extends Module {
  private readonly axes: readonly number[];

  constructor(axes: readonly number[]) {
    super();
    this.axes = axes;
  }

  override forward(x: Tensor): Tensor {
    return x.transpose(this.axes);
  }
}

/** Layer normalisation over the channels of every pixel. */
class ChannelNorm extends LayerNorm {
  constructor(channels: number) {
    super(channels, { eps: 1e-6 });
  }

  override forward(x: Tensor): Tensor {
    return super.forward(x.transpose(toChannelsLast)).transpose(toChannelsFirst);
  }
}

class ConvNextBlock extends Module {
  private readonly layerScale: Parameter;
  private readonly block: Sequential;
  private readonly dropPath: DropPath;

  constructor(channels: number, dropPath: number) {
    super();
    this.layerScale = new Parameter(constant(1e-6)([channels, 1, 1], layerRng(0)));
    this.block = new Sequential(
      new Conv2d(channels, channels, 7, { padding: 3, groups: channels }),
      new Permute(toChannelsLast),
      new LayerNorm(channels, { eps: 1e-6 }),
      new Linear(channels, 4 * channels),
      new Activation('gelu'),
      new Linear(4 * channels, channels),
      new Permute(toChannelsFirst),
    );
    this.dropPath = new DropPath(dropPath);
  }

  override forward(x: Tensor): Tensor {
    return this.dropPath.forward(this.block.forward(x).mul(this.layerScale)).add(x);
  }
}

/**
 * ConvNeXt under torchvision's parameter names.
 * @source Liu et al. 2022, https://arxiv.org/abs/2201.03545
 */
class ConvNext extends VisionModel {
  override readonly headName = 'classifier.2';
  override readonly stemWeight = 'features.0.0.weight';
  private readonly features: readonly Sequential[];
  private readonly pool = new GlobalAvgPool2d();
  private classifier: Sequential;

  constructor(width: number, depths: readonly number[], settings: ModelSettings) {
    super();
    const { inChannels, numClasses, dropRate, dropPathRate, seed } = settings;
    const count = depths.reduce((total, depth) => total + depth, 0);
    let index = 0;
    this.features = depths.flatMap((depth, i) => {
      const channels = width * 2 ** i;
      const narrower =
        i === 0
          ? new Sequential(new Conv2d(inChannels, width, 4, { stride: 4 }), new ChannelNorm(width))
          : new Sequential(
              new ChannelNorm(channels / 2),
              new Conv2d(channels / 2, channels, 2, { stride: 2 }),
            );
      const blocks = Array.from(
        { length: depth },
        () => new ConvNextBlock(channels, (dropPathRate * index++) / (count - 1)),
      );
      return [narrower, new Sequential(...blocks)];
    });
    const channels = width * 2 ** (depths.length - 1);
    this.classifier = new Sequential(
      new LayerNorm(channels, { eps: 1e-6 }),
      new Dropout(dropRate),
      new Linear(channels, numClasses),
    );
    const initializer = truncatedNormal(0, 0.02);
    initializeWeights(this, { conv: () => initializer, linear: () => initializer }, seed);
  }

  protected override get head(): Linear {
    return this.classifier.modules[2] as Linear;
  }

  protected override set head(layer: Linear) {
    this.classifier = new Sequential(...this.classifier.modules.slice(0, 2), layer);
  }

  protected override steps(): readonly StageStep[] {
    const run =
      (...indices: number[]) =>
      (x: Tensor) =>
        indices.reduce((value, index) => this.features[index].forward(value), x);
    return [
      { name: 'stem', members: ['features.0'], forward: run(0) },
      { name: 'stages.0', members: ['features.1'], forward: run(1) },
      ...[1, 2, 3].map((i) => ({
        name: `stages.${i}`,
        members: [`features.${2 * i}`, `features.${2 * i + 1}`],
        forward: run(2 * i, 2 * i + 1),
      })),
      {
        name: 'head',
        members: ['classifier'],
        forward: (x) => this.classifier.forward(this.pool.forward(x)),
      },
    ];
  }
}

/** timm counts stages, and names what torchvision numbers. */
const timm: KeyDialect = {
  source: 'timm',
  rename: [
    [/^stem\./, 'features.0.'],
    ...[0, 1, 2, 3].flatMap((i) => [
      [new RegExp(`^stages\\.${i}\\.downsample\\.`), `features.${2 * i}.`] as const,
      [new RegExp(`^stages\\.${i}\\.blocks\\.`), `features.${2 * i + 1}.`] as const,
    ]),
    [/\.gamma$/, '.layer_scale'],
    [/\.conv_dw\./, '.block.0.'],
    [/^(features\.\d+\.\d+)\.norm\./, '$1.block.2.'],
    [/\.mlp\.fc1\./, '.block.3.'],
    [/\.mlp\.fc2\./, '.block.5.'],
    [/^head\.norm\./, 'classifier.0.'],
    [/^head\.fc\./, 'classifier.2.'],
  ],
};

const variants = [
  { size: 'tiny', width: 96, depths: [3, 3, 9, 3], parameters: 28_589_128, multiplyAdds: 4_455_531_264 },
  { size: 'small', width: 96, depths: [3, 3, 27, 3], parameters: 50_223_688, multiplyAdds: 8_683_712_256 },
  { size: 'base', width: 128, depths: [3, 3, 27, 3], parameters: 88_591_464, multiplyAdds: 15_354_729_472 },
];

/** ConvNeXt, tiny to base. */
export const convNexts: readonly Architecture[] = variants.map(
  ({ size, width, depths, parameters, multiplyAdds }): Architecture => ({
    name: `convnext_${size}`,
    family: 'ConvNeXt',
    aliases: [`convnext_${size}.fb_in1k`, `convnext_${size}.fb_in22k_ft_in1k`],
    parameters,
    multiplyAdds,
    inputSize: 224,
    cropShare: 0.875,
    interpolation: 'bicubic',
    ...imagenetStatistics,
    dialects: [{ source: 'torchvision' }, timm],
    create: (settings) => new ConvNext(width, depths, settings),
  }),
);
