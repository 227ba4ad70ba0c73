import type { Tensor } from '#engine';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  DropPath,
  GlobalAvgPool2d,
  Linear,
  Module,
  normal,
  Sequential,
  SqueezeExcite,
  uniform,
} from '#nn';
import {
  type Architecture,
  imagenetStatistics,
  type KeyDialect,
  type ModelSettings,
} from './architecture.ts';
import { initializeWeights } from './initialize-weights.ts';
import { roundChannels } from './round-channels.ts';
import { type StageStep, VisionModel } from './vision-model.ts';

/** How far a variant departs from B0, and what is special about its source. */
interface Scaling {
  readonly width: number;
  readonly depth: number;
  /** TensorFlow's padding, asymmetric where the stride is 2. */
  readonly isSame: boolean;
  /** Added to the variance by batch normalisation. */
  readonly eps: number;
}

/** Repeats, kernel, stride, expansion and output channels of B0's stages. */
const baseStages = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
] as const;

interface BlockOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly expansion: number;
  readonly dropPath: number;
  readonly scaling: Scaling;
}

/** Stride 1 pads evenly either way; TensorFlow's rule differs only where pixels are skipped. */
const paddingOf = (kernel: number, stride: number, { isSame }: Scaling) =>
  isSame && stride > 1 ? 'same' : (kernel - 1) / 2;

/** The depthwise half of a block, with squeeze-and-excitation that is as narrow as the block's input demands. */
function depthwise(width: number, { inChannels, kernel, stride, scaling }: BlockOptions) {
  const padding = paddingOf(kernel, stride, scaling);
  return {
    conv: new Conv2d(width, width, kernel, { stride, padding, groups: width, bias: false }),
    se: new SqueezeExcite(width, Math.max(1, Math.round(inChannels * 0.25))),
  };
}

/** Depthwise-separable convolution: the first stage, which does not expand. */
class SeparableBlock extends Module {
  private readonly convDw: Conv2d;
  private readonly bn1: BatchNorm2d;
  private readonly se: SqueezeExcite;
  private readonly convPw: Conv2d;
  private readonly bn2: BatchNorm2d;
  private readonly dropPath: DropPath;
  private readonly isResidual: boolean;

  constructor(options: BlockOptions) {
    super();
    const { inChannels, outChannels, stride, dropPath, scaling } = options;
    const { conv, se } = depthwise(inChannels, options);
    this.convDw = conv;
    this.bn1 = new BatchNorm2d(inChannels, scaling);
    this.se = se;
    this.convPw = new Conv2d(inChannels, outChannels, 1, { bias: false });
    this.bn2 = new BatchNorm2d(outChannels, scaling);
    this.dropPath = new DropPath(dropPath);
    this.isResidual = stride === 1 && inChannels === outChannels;
  }

  override forward(x: Tensor): Tensor {
    const spatial = this.se.forward(this.bn1.forward(this.convDw.forward(x)).silu());
    const y = this.bn2.forward(this.convPw.forward(spatial));
    return this.isResidual ? this.dropPath.forward(y).add(x) : y;
  }
}

/** Inverted residual: expand, convolve each channel, project. */
class InvertedResidual extends Module {
  private readonly convPw: Conv2d;
  private readonly bn1: BatchNorm2d;
  private readonly convDw: Conv2d;
  private readonly bn2: BatchNorm2d;
  private readonly se: SqueezeExcite;
  private readonly convPwl: Conv2d;
  private readonly bn3: BatchNorm2d;
  private readonly dropPath: DropPath;
  private readonly isResidual: boolean;

  constructor(options: BlockOptions) {
    super();
    const { inChannels, outChannels, stride, expansion, dropPath, scaling } = options;
    const width = inChannels * expansion;
    const { conv, se } = depthwise(width, options);
    this.convPw = new Conv2d(inChannels, width, 1, { bias: false });
    this.bn1 = new BatchNorm2d(width, scaling);
    this.convDw = conv;
    this.bn2 = new BatchNorm2d(width, scaling);
    this.se = se;
    this.convPwl = new Conv2d(width, outChannels, 1, { bias: false });
    this.bn3 = new BatchNorm2d(outChannels, scaling);
    this.dropPath = new DropPath(dropPath);
    this.isResidual = stride === 1 && inChannels === outChannels;
  }

  override forward(x: Tensor): Tensor {
    const wide = this.bn1.forward(this.convPw.forward(x)).silu();
    const spatial = this.se.forward(this.bn2.forward(this.convDw.forward(wide)).silu());
    const y = this.bn3.forward(this.convPwl.forward(spatial));
    return this.isResidual ? this.dropPath.forward(y).add(x) : y;
  }
}

/**
 * EfficientNet under timm's parameter names.
 * @source Tan and Le 2019, https://arxiv.org/abs/1905.11946
 */
class EfficientNet extends VisionModel {
  override readonly headName = 'classifier';
  override readonly stemWeight = 'conv_stem.weight';
  private readonly convStem: Conv2d;
  private readonly bn1: BatchNorm2d;
  private readonly blocks: Sequential[];
  private readonly convHead: Conv2d;
  private readonly bn2: BatchNorm2d;
  private readonly pool = new GlobalAvgPool2d();
  private readonly dropout: Dropout;
  private classifier: Linear;

  constructor(scaling: Scaling, settings: ModelSettings) {
    super();
    const { width } = scaling;
    const stem = roundChannels(32 * width);
    const features = roundChannels(1280 * width);
    this.convStem = new Conv2d(settings.inChannels, stem, 3, {
      stride: 2,
      padding: paddingOf(3, 2, scaling),
      bias: false,
    });
    this.bn1 = new BatchNorm2d(stem, scaling);
    this.blocks = makeStages(stem, scaling, settings.dropPathRate);
    this.convHead = new Conv2d(roundChannels(320 * width), features, 1, { bias: false });
    this.bn2 = new BatchNorm2d(features, scaling);
    this.dropout = new Dropout(settings.dropRate);
    this.classifier = new Linear(features, settings.numClasses);
    // As in timm: a convolution's fan-out, a linear layer's number of outputs.
    initializeWeights(
      this,
      {
        conv: ({ weight: { shape }, groups }) =>
          normal(0, Math.sqrt((2 * groups) / (shape[0] * shape[2] * shape[3]))),
        linear: ({ weight: { shape } }) => uniform(-1 / Math.sqrt(shape[0]), 1 / Math.sqrt(shape[0])),
      },
      settings.seed,
    );
  }

  protected override get head(): Linear {
    return this.classifier;
  }

  protected override set head(layer: Linear) {
    this.classifier = layer;
  }

  protected override steps(): readonly StageStep[] {
    return [
      {
        name: 'stem',
        members: ['conv_stem', 'bn1'],
        forward: (x) => this.bn1.forward(this.convStem.forward(x)).silu(),
      },
      ...this.blocks.map((stage, i) => ({
        name: `blocks.${i}`,
        members: [`blocks.${i}`],
        forward: (x: Tensor) => stage.forward(x),
      })),
      {
        name: 'conv_head',
        members: ['conv_head', 'bn2'],
        forward: (x) => this.bn2.forward(this.convHead.forward(x)).silu(),
      },
      {
        name: 'head',
        members: ['classifier'],
        forward: (x) => this.classifier.forward(this.dropout.forward(this.pool.forward(x))),
      },
    ];
  }
}

function makeStages(stem: number, scaling: Scaling, dropPathRate: number): Sequential[] {
  const repeatsOf = (repeats: number) => Math.ceil(repeats * scaling.depth);
  const count = baseStages.reduce((total, [repeats]) => total + repeatsOf(repeats), 0);
  let inChannels = stem;
  let index = 0;
  return baseStages.map(([repeats, kernel, stride, expansion, channels]) => {
    const outChannels = roundChannels(channels * scaling.width);
    const blocks = Array.from({ length: repeatsOf(repeats) }, (_, i) => {
      const options: BlockOptions = {
        inChannels,
        outChannels,
        kernel,
        stride: i === 0 ? stride : 1,
        expansion,
        dropPath: (dropPathRate * index++) / count,
        scaling,
      };
      inChannels = outChannels;
      return expansion === 1 ? new SeparableBlock(options) : new InvertedResidual(options);
    });
    return new Sequential(...blocks);
  });
}

/** Width, depth, input size and crop of the published models, with parameters and multiply-adds. */
const variants = [
  { width: 1, depth: 1, size: 224, crop: 0.875, parameters: 5_288_548, multiplyAdds: 385_814_752 },
  { width: 1, depth: 1.1, size: 240, crop: 0.882, parameters: 7_794_184, multiplyAdds: 686_802_832 },
  { width: 1.1, depth: 1.2, size: 260, crop: 0.89, parameters: 9_109_994, multiplyAdds: 993_561_872 },
  { width: 1.2, depth: 1.4, size: 300, crop: 0.904, parameters: 12_233_232, multiplyAdds: 1_827_141_392 },
  { width: 1.4, depth: 1.8, size: 380, crop: 0.922, parameters: 19_341_616, multiplyAdds: 4_393_771_024 },
  { width: 1.6, depth: 2.2, size: 456, crop: 0.934, parameters: 30_389_784, multiplyAdds: 10_266_384_752 },
  { width: 1.8, depth: 2.6, size: 528, crop: 0.942, parameters: 43_040_704, multiplyAdds: 19_067_593_536 },
  { width: 2, depth: 3.1, size: 600, crop: 0.949, parameters: 66_347_960, multiplyAdds: 37_745_884_192 },
];

/** torchvision numbers the layers of a block; squeeze-and-excitation is one of them. */
const torchvision: KeyDialect = {
  source: 'torchvision',
  rename: [
    [/^features\.0\.0\./, 'conv_stem.'],
    [/^features\.0\.1\./, 'bn1.'],
    [/^features\.8\.0\./, 'conv_head.'],
    [/^features\.8\.1\./, 'bn2.'],
    [/^classifier\.1\./, 'classifier.'],
    ...baseStages.map((_, i) => [new RegExp(`^features\\.${i + 1}\\.`), `blocks.${i}.`] as const),
    [/^(blocks\.0\.\d+)\.block\.0\.0\./, '$1.conv_dw.'],
    [/^(blocks\.0\.\d+)\.block\.0\.1\./, '$1.bn1.'],
    [/^(blocks\.0\.\d+)\.block\.1\.fc/, '$1.se.fc'],
    [/^(blocks\.0\.\d+)\.block\.2\.0\./, '$1.conv_pw.'],
    [/^(blocks\.0\.\d+)\.block\.2\.1\./, '$1.bn2.'],
    [/^(blocks\.\d+\.\d+)\.block\.0\.0\./, '$1.conv_pw.'],
    [/^(blocks\.\d+\.\d+)\.block\.0\.1\./, '$1.bn1.'],
    [/^(blocks\.\d+\.\d+)\.block\.1\.0\./, '$1.conv_dw.'],
    [/^(blocks\.\d+\.\d+)\.block\.1\.1\./, '$1.bn2.'],
    [/^(blocks\.\d+\.\d+)\.block\.2\.fc/, '$1.se.fc'],
    [/^(blocks\.\d+\.\d+)\.block\.3\.0\./, '$1.conv_pwl.'],
    [/^(blocks\.\d+\.\d+)\.block\.3\.1\./, '$1.bn3.'],
    [/\.se\.fc1\./, '.se.conv_reduce.'],
    [/\.se\.fc2\./, '.se.conv_expand.'],
  ],
};

/**
 * B0 to B7, each twice: `tf_efficientnet_b0` pads as TensorFlow does and has its ε, `efficientnet_b0` pads evenly. Both
 * have the same parameter names, so that only the right one computes what a file's weights were trained for.
 */
export const efficientNets: readonly Architecture[] = ['tf_', ''].flatMap((prefix) =>
  variants.map(({ width, depth, size, crop, parameters, multiplyAdds }, i): Architecture => {
    const name = `${prefix}efficientnet_b${i}`;
    const isSame = prefix === 'tf_';
    const aliases = isSame
      ? [`${name}_ns`, `${name}.ns_jft_in1k`, `${name}.aa_in1k`, `${name}.in1k`]
      : [`${name}.ra_in1k`];
    return {
      name,
      family: 'EfficientNet',
      aliases,
      parameters,
      multiplyAdds,
      inputSize: size,
      cropShare: crop,
      interpolation: 'bicubic',
      ...imagenetStatistics,
      // torchvision's larger ones have another ε.
      dialects: isSame || i > 4 ? [{ source: 'timm' }] : [{ source: 'timm' }, torchvision],
      create: (settings) => new EfficientNet({ width, depth, isSame, eps: isSame ? 1e-3 : 1e-5 }, settings),
    };
  }),
);
