import { ConfigError, type HostTensor, ShapeError } from '#core';
import { concat, Parameter, type Tensor } from '#engine';
import {
  Activation,
  Conv2d,
  constant,
  Dropout,
  DropPath,
  LayerNorm,
  Linear,
  layerRng,
  Module,
  MultiheadAttention,
  normal,
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
import { resizePositions } from './resize-positions.ts';
import { type StageStep, VisionModel } from './vision-model.ts';

/** Height and width of a patch in pixels. */
const PATCH = 16;
const LAYERS = 12;

/** Attention and perceptron, each behind a normalisation and beside a shortcut. */
class EncoderLayer extends Module {
  // Underscored as torchvision has them; property names become parameter names.
  private readonly ln_1: LayerNorm;
  private readonly selfAttention: MultiheadAttention;
  private readonly ln_2: LayerNorm;
  private readonly mlp: Sequential;
  private readonly dropPath: DropPath;

  constructor(features: number, heads: number, dropPath: number) {
    super();
    this.ln_1 = new LayerNorm(features, { eps: 1e-6 });
    this.selfAttention = new MultiheadAttention(features, heads);
    this.ln_2 = new LayerNorm(features, { eps: 1e-6 });
    this.mlp = new Sequential(
      new Linear(features, 4 * features),
      new Activation('gelu'),
      new Dropout(0),
      new Linear(4 * features, features),
    );
    this.dropPath = new DropPath(dropPath);
  }

  override forward(x: Tensor): Tensor {
    const attended = this.selfAttention.forward(this.ln_1.forward(x));
    const h = this.dropPath.forward(attended).add(x);
    return this.dropPath.forward(this.mlp.forward(this.ln_2.forward(h))).add(h);
  }
}

/** `encoder_layer_0`, `encoder_layer_1`, … */
class EncoderLayers extends Module {
  readonly #layers: readonly EncoderLayer[];

  constructor(layers: readonly EncoderLayer[]) {
    super();
    this.#layers = layers;
    Object.assign(this, Object.fromEntries(layers.map((layer, i) => [`encoder_layer_${i}`, layer])));
  }

  forwardLayer(index: number, x: Tensor): Tensor {
    return this.#layers[index].forward(x);
  }

  override forward(x: Tensor): Tensor {
    return this.#layers.reduce((value, layer) => layer.forward(value), x);
  }
}

class Encoder extends Module {
  readonly posEmbedding: Parameter;
  readonly layers: EncoderLayers;
  readonly ln: LayerNorm;

  constructor(tokens: number, features: number, layers: readonly EncoderLayer[], seed: number | undefined) {
    super();
    this.posEmbedding = new Parameter(normal(0, 0.02)([1, tokens, features], layerRng(seed)));
    this.layers = new EncoderLayers(layers);
    this.ln = new LayerNorm(features, { eps: 1e-6 });
  }

  override forward(x: Tensor): Tensor {
    return this.ln.forward(this.layers.forward(x.add(this.posEmbedding)));
  }
}

class Heads extends Module {
  head: Linear;

  constructor(features: number, numClasses: number) {
    super();
    this.head = new Linear(features, numClasses);
  }

  override forward(x: Tensor): Tensor {
    return this.head.forward(x);
  }
}

/**
 * Vision transformer under torchvision's parameter names.
 * @source Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929
 */
class VisionTransformer extends VisionModel {
  override readonly headName = 'heads.head';
  override readonly stemWeight = 'conv_proj.weight';
  private readonly classToken: Parameter;
  private readonly convProj: Conv2d;
  private readonly encoder: Encoder;
  private readonly dropout: Dropout;
  private readonly heads: Heads;
  private readonly imageSize: number;

  constructor(features: number, attentionHeads: number, settings: ModelSettings) {
    super();
    const { inChannels, numClasses, dropRate, dropPathRate, imageSize, seed } = settings;
    if (imageSize % PATCH !== 0) {
      throw new ConfigError(
        `VisionTransformer: imageSize must be a multiple of ${PATCH} pixels, but got ${imageSize}. Pass ${Math.ceil(imageSize / PATCH) * PATCH}.`,
        { imageSize },
      );
    }
    this.imageSize = imageSize;
    this.classToken = new Parameter(constant(0)([1, 1, features], layerRng(0)));
    this.convProj = new Conv2d(inChannels, features, PATCH, { stride: PATCH });
    const layers = Array.from(
      { length: LAYERS },
      (_, i) => new EncoderLayer(features, attentionHeads, (dropPathRate * i) / (LAYERS - 1)),
    );
    this.encoder = new Encoder((imageSize / PATCH) ** 2 + 1, features, layers, seed);
    this.dropout = new Dropout(dropRate);
    this.heads = new Heads(features, numClasses);
    const linear = truncatedNormal(0, 0.02);
    const conv = ({ weight: { shape } }: Conv2d) => {
      const std = 1 / Math.sqrt(shape[1] * shape[2] * shape[3]);
      return truncatedNormal(0, std, -2 * std, 2 * std);
    };
    initializeWeights(this, { conv, linear: () => linear }, seed);
  }

  protected override get head(): Linear {
    return this.heads.head;
  }

  protected override set head(layer: Linear) {
    this.heads.head = layer;
  }

  /** Position embeddings follow the size of the image too. */
  override adaptWeights(state: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
    const adapted = super.adaptWeights(state);
    const name = 'encoder.pos_embedding';
    const given = state.get(name);
    const positions =
      given === undefined ? undefined : resizePositions(given, this.encoder.posEmbedding.shape);
    if (positions !== undefined) adapted.set(name, positions);
    return adapted;
  }

  protected override steps(): readonly StageStep[] {
    const { layers, ln } = this.encoder;
    return [
      {
        name: 'stem',
        members: ['conv_proj', 'class_token', 'encoder.pos_embedding'],
        forward: (x) => this.embed(x),
      },
      ...Array.from({ length: LAYERS - 1 }, (_, i) => ({
        name: `layers.${i}`,
        members: [`encoder.layers.encoder_layer_${i}`],
        forward: (x: Tensor) => layers.forwardLayer(i, x),
      })),
      {
        name: `layers.${LAYERS - 1}`,
        members: [`encoder.layers.encoder_layer_${LAYERS - 1}`, 'encoder.ln'],
        forward: (x) => ln.forward(layers.forwardLayer(LAYERS - 1, x)),
      },
      {
        name: 'head',
        members: ['heads'],
        forward: (x) => this.heads.forward(this.dropout.forward(x.slice(1, 0, 1).squeeze(1))),
      },
    ];
  }

  /** Patches as tokens behind the class token, `[N, 1 + T, C]`. */
  private embed(x: Tensor): Tensor {
    const [samples, , height, width] = x.shape;
    if (height !== this.imageSize || width !== this.imageSize) {
      throw new ShapeError(
        `VisionTransformer: images must be ${this.imageSize}×${this.imageSize} pixels, but got ${height}×${width}. Resize them, or create the model with imageSize.`,
        { shape: [...x.shape], imageSize: this.imageSize },
      );
    }
    const patches = this.convProj.forward(x).flatten(2).transpose([0, 2, 1]);
    const token = this.classToken.expand([samples, 1, patches.shape[2]]);
    return concat([token, patches], 1).add(this.encoder.posEmbedding);
  }
}

/** timm joins the three projections as torchvision does, under other names. */
const timm: KeyDialect = {
  source: 'timm',
  rename: [
    [/^cls_token$/, 'class_token'],
    [/^pos_embed$/, 'encoder.pos_embedding'],
    [/^patch_embed\.proj\./, 'conv_proj.'],
    [/^blocks\.(\d+)\./, 'encoder.layers.encoder_layer_$1.'],
    [/\.norm1\./, '.ln_1.'],
    [/\.norm2\./, '.ln_2.'],
    [/\.attn\.qkv\./, '.self_attention.in_proj_'],
    [/\.attn\.proj\./, '.self_attention.out_proj.'],
    [/\.mlp\.fc1\./, '.mlp.0.'],
    [/\.mlp\.fc2\./, '.mlp.3.'],
    [/^norm\./, 'encoder.ln.'],
    [/^head\./, 'heads.head.'],
  ],
};

/** With the names of the perceptron's layers in files before torchvision 0.14. */
const torchvision: KeyDialect = {
  source: 'torchvision',
  rename: [
    [/\.mlp\.linear_1\./, '.mlp.0.'],
    [/\.mlp\.linear_2\./, '.mlp.3.'],
  ],
};

const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const;
const timmTags = ['augreg_in1k', 'augreg_in21k_ft_in1k'];

const variants = [
  { size: 'tiny', features: 192, heads: 3, parameters: 5_717_416, multiplyAdds: 1_253_683_200 },
  { size: 'small', features: 384, heads: 6, parameters: 22_050_664, multiplyAdds: 4_598_882_304 },
  { size: 'base', features: 768, heads: 12, parameters: 86_567_656, multiplyAdds: 17_563_828_224 },
];

/** ViT with patches of 16 pixels; torchvision and timm publish weights for differently scaled pixels. */
export const visionTransformers: readonly Architecture[] = [
  ...variants.map((variant) => ({
    ...variant,
    name: `vit_${variant.size}_patch16_224`,
    aliases: timmTags.map((tag) => `vit_${variant.size}_patch16_224.${tag}`),
    cropShare: 0.9,
    interpolation: 'bicubic' as const,
    ...half,
  })),
  {
    ...variants[2],
    name: 'vit_b_16',
    aliases: [],
    cropShare: 0.875,
    interpolation: 'bilinear' as const,
    ...imagenetStatistics,
  },
].map(
  ({ size: _, features, heads, ...facts }): Architecture => ({
    ...facts,
    family: 'ViT',
    inputSize: 224,
    dialects: [torchvision, timm],
    create: (settings) => new VisionTransformer(features, heads, settings),
  }),
);
