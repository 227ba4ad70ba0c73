import type { Tensor } from '#engine';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  DropPath,
  defaultWeight,
  GlobalAvgPool2d,
  kaimingNormal,
  Linear,
  MaxPool2d,
  Module,
  Sequential,
} from '#nn';
import { type Architecture, imagenetStatistics, type ModelSettings } from './architecture.ts';
import { initializeWeights } from './initialize-weights.ts';
import { type StageStep, VisionModel } from './vision-model.ts';

interface BlockOptions {
  readonly inChannels: number;
  readonly width: number;
  readonly stride: number;
  readonly dropPath: number;
}

/** A 1×1 convolution where the shortcut changes its shape. */
function createShortcut(inChannels: number, outChannels: number, stride: number): Sequential | undefined {
  if (stride === 1 && inChannels === outChannels) return undefined;
  return new Sequential(
    new Conv2d(inChannels, outChannels, 1, { stride, bias: false }),
    new BatchNorm2d(outChannels),
  );
}

/** Two 3×3 convolutions. */
class BasicBlock extends Module {
  static readonly expansion = 1;
  private readonly conv1: Conv2d;
  private readonly bn1: BatchNorm2d;
  private readonly conv2: Conv2d;
  private readonly bn2: BatchNorm2d;
  private readonly downsample: Sequential | undefined;
  private readonly dropPath: DropPath;

  constructor({ inChannels, width, stride, dropPath }: BlockOptions) {
    super();
    this.conv1 = new Conv2d(inChannels, width, 3, { stride, padding: 1, bias: false });
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = new Conv2d(width, width, 3, { padding: 1, bias: false });
    this.bn2 = new BatchNorm2d(width);
    this.downsample = createShortcut(inChannels, width, stride);
    this.dropPath = new DropPath(dropPath);
  }

  override forward(x: Tensor): Tensor {
    const h = this.bn1.forward(this.conv1.forward(x)).relu();
    const y = this.dropPath.forward(this.bn2.forward(this.conv2.forward(h)));
    return y.add(this.downsample?.forward(x) ?? x).relu();
  }
}

/** 1×1, 3×3, 1×1, the last to four times the width; the 3×3 one has the stride. */
class Bottleneck extends Module {
  static readonly expansion = 4;
  private readonly conv1: Conv2d;
  private readonly bn1: BatchNorm2d;
  private readonly conv2: Conv2d;
  private readonly bn2: BatchNorm2d;
  private readonly conv3: Conv2d;
  private readonly bn3: BatchNorm2d;
  private readonly downsample: Sequential | undefined;
  private readonly dropPath: DropPath;

  constructor({ inChannels, width, stride, dropPath }: BlockOptions) {
    super();
    const outChannels = width * Bottleneck.expansion;
    this.conv1 = new Conv2d(inChannels, width, 1, { bias: false });
    this.bn1 = new BatchNorm2d(width);
    this.conv2 = new Conv2d(width, width, 3, { stride, padding: 1, bias: false });
    this.bn2 = new BatchNorm2d(width);
    this.conv3 = new Conv2d(width, outChannels, 1, { bias: false });
    this.bn3 = new BatchNorm2d(outChannels);
    this.downsample = createShortcut(inChannels, outChannels, stride);
    this.dropPath = new DropPath(dropPath);
  }

  override forward(x: Tensor): Tensor {
    const narrow = this.bn1.forward(this.conv1.forward(x)).relu();
    const spatial = this.bn2.forward(this.conv2.forward(narrow)).relu();
    const y = this.dropPath.forward(this.bn3.forward(this.conv3.forward(spatial)));
    return y.add(this.downsample?.forward(x) ?? x).relu();
  }
}

type Block = typeof BasicBlock | typeof Bottleneck;

/** What differs between a ResNet for photographs and one for small pictures. */
interface Plan {
  readonly block: Block;
  /** Blocks of each layer; every layer after the first halves the sides and doubles the width. */
  readonly depths: readonly number[];
  /** Channels of the stem. */
  readonly width: number;
  /** `large`: 7×7 with stride 2 and a pooling, a quarter of the sides; `small`: 3×3, sides kept. */
  readonly stem: 'large' | 'small';
}

/**
 * ResNet under torchvision's parameter names.
 * @source He et al. 2015, https://arxiv.org/abs/1512.03385
 */
class ResNet extends VisionModel {
  override readonly headName = 'fc';
  override readonly stemWeight = 'conv1.weight';
  private readonly conv1: Conv2d;
  private readonly bn1: BatchNorm2d;
  private readonly pool: MaxPool2d | undefined;
  private readonly layer1: Sequential;
  private readonly layer2: Sequential;
  private readonly layer3: Sequential;
  private readonly layer4: Sequential | undefined;
  private readonly average = new GlobalAvgPool2d();
  private readonly dropout: Dropout;
  private fc: Linear;

  constructor(plan: Plan, settings: ModelSettings) {
    super();
    const { block, depths, width, stem } = plan;
    const [size, stride] = stem === 'large' ? [7, 2] : [3, 1];
    this.conv1 = new Conv2d(settings.inChannels, width, size, { stride, padding: size >> 1, bias: false });
    this.bn1 = new BatchNorm2d(width);
    this.pool = stem === 'large' ? new MaxPool2d(3, { stride: 2, padding: 1 }) : undefined;
    const layers = createLayers(plan, settings.dropPathRate);
    [this.layer1, this.layer2, this.layer3, this.layer4] = layers;
    this.dropout = new Dropout(settings.dropRate);
    this.fc = new Linear(width * 2 ** (depths.length - 1) * block.expansion, settings.numClasses);
    const conv = kaimingNormal({ mode: 'fanOut' });
    initializeWeights(this, { conv: () => conv, linear: () => defaultWeight }, settings.seed);
  }

  protected override get head(): Linear {
    return this.fc;
  }

  protected override set head(layer: Linear) {
    this.fc = layer;
  }

  protected override steps(): readonly StageStep[] {
    const layers = [this.layer1, this.layer2, this.layer3, this.layer4].filter(
      (layer) => layer !== undefined,
    );
    return [
      {
        name: 'stem',
        members: ['conv1', 'bn1'],
        forward: (x) => {
          const y = this.bn1.forward(this.conv1.forward(x)).relu();
          return this.pool?.forward(y) ?? y;
        },
      },
      ...layers.map((layer, i) => ({
        name: `layer${i + 1}`,
        members: [`layer${i + 1}`],
        forward: (x: Tensor) => layer.forward(x),
      })),
      {
        name: 'head',
        members: ['fc'],
        forward: (x) => this.fc.forward(this.dropout.forward(this.average.forward(x))),
      },
    ];
  }
}

function createLayers({ block, depths, width: stem }: Plan, dropPathRate: number): Sequential[] {
  const count = depths.reduce((total, depth) => total + depth, 0);
  let inChannels = stem;
  let index = 0;
  return depths.map((depth, i) => {
    const width = stem * 2 ** i;
    const blocks = Array.from({ length: depth }, (_, j) => {
      const stride = i > 0 && j === 0 ? 2 : 1;
      const dropPath = (dropPathRate * index++) / (count - 1);
      const made = new block({ inChannels, width, stride, dropPath });
      inChannels = width * block.expansion;
      return made;
    });
    return new Sequential(...blocks);
  });
}

const variants = [
  {
    layers: 18,
    block: BasicBlock,
    depths: [2, 2, 2, 2],
    parameters: 11_689_512,
    multiplyAdds: 1_814_073_344,
  },
  {
    layers: 34,
    block: BasicBlock,
    depths: [3, 4, 6, 3],
    parameters: 21_797_672,
    multiplyAdds: 3_663_761_408,
  },
  {
    layers: 50,
    block: Bottleneck,
    depths: [3, 4, 6, 3],
    parameters: 25_557_032,
    multiplyAdds: 4_089_184_256,
  },
  {
    layers: 101,
    block: Bottleneck,
    depths: [3, 4, 23, 3],
    parameters: 44_549_160,
    multiplyAdds: 7_801_405_440,
  },
  {
    layers: 152,
    block: Bottleneck,
    depths: [3, 8, 36, 3],
    parameters: 60_192_808,
    multiplyAdds: 11_513_626_624,
  },
];

/** ResNet-18 to -152; torchvision and timm name their parameters alike. */
export const resNets: readonly Architecture[] = variants.map(
  ({ layers, block, depths, parameters, multiplyAdds }): Architecture => ({
    name: `resnet${layers}`,
    family: 'ResNet',
    aliases: [`resnet${layers}.tv_in1k`, `resnet${layers}.a1_in1k`],
    parameters,
    multiplyAdds,
    inputSize: 224,
    cropShare: 0.875,
    interpolation: 'bilinear',
    ...imagenetStatistics,
    dialects: [{ source: 'torchvision' }, { source: 'timm' }],
    create: (settings) => new ResNet({ block, depths, width: 64, stem: 'large' }, settings),
  }),
);

const smallVariants = [
  { layers: 8, depth: 1, parameters: 142_392, multiplyAdds: 12_564_992 },
  { layers: 20, depth: 3, parameters: 336_824, multiplyAdds: 40_876_544 },
  { layers: 56, depth: 9, parameters: 920_120, multiplyAdds: 125_811_200 },
];

/**
 * ResNet-8, -20 and -56 for small pictures, section 4.2 of the paper: three layers of 16, 32 and 64 channels; where the
 * shape changes, the shortcut is a 1×1 convolution (option B).
 */
export const smallResNets: readonly Architecture[] = smallVariants.map(
  ({ layers, depth, parameters, multiplyAdds }): Architecture => ({
    name: `resnet${layers}_cifar`,
    family: 'ResNet',
    aliases: [],
    parameters,
    multiplyAdds,
    inputSize: 32,
    cropShare: 1,
    interpolation: 'bilinear',
    ...imagenetStatistics,
    dialects: [{ source: 'torchvision' }],
    create: (settings) =>
      new ResNet({ block: BasicBlock, depths: [depth, depth, depth], width: 16, stem: 'small' }, settings),
  }),
);
