import { ConfigError } from '#core';
import { build, Parameter, Tensor } from '#engine';
import { defaultBias, defaultWeight, layerRng } from '../initializers.ts';
import { Module } from '../module.ts';
import { type PaddingOption, type Pair, padsOf, pairOf } from './geometry.ts';

export interface Conv2dOptions {
  /** Step of the window in pixels; 1 by default. */
  readonly stride?: Pair;
  /**
   * Pixels of zeros around the image: one number, `[height, width]`, `[top, left, bottom, right]`, or `'same'`, which
   * is TensorFlow's: the output has ⌈size/stride⌉ pixels, and an odd one is added at the bottom and right. 0 by default.
   */
  readonly padding?: PaddingOption;
  /** Distance of the kernel's elements in pixels; 1 by default. */
  readonly dilation?: Pair;
  /** Groups of channels that do not mix; `groups = inChannels` is a depthwise convolution. 1 by default. */
  readonly groups?: number;
  readonly bias?: boolean;
  readonly seed?: number;
}

/**
 * Two-dimensional convolution (cross-correlation).
 *
 * Shapes: x `[N, C, H, W]` → `[N, outChannels, H', W']`; weight `[outChannels, C/groups, kH, kW]`, bias `[outChannels]`,
 * both starting uniform in ±1/√(C/groups·kH·kW), as in PyTorch.
 */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly stride: readonly [number, number];
  readonly padding: PaddingOption;
  readonly dilation: readonly [number, number];
  readonly groups: number;

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dOptions = {}) {
    super();
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, seed } = options;
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new ConfigError(
        `Conv2d: groups must divide both numbers of channels, but got ${inChannels} to ${outChannels} with groups=${groups}. Choose another number of groups.`,
        { inChannels, outChannels, groups },
      );
    }
    const rng = layerRng(seed);
    const shape = [outChannels, inChannels / groups, ...pairOf(kernelSize)];
    this.weight = new Parameter(defaultWeight(shape, rng));
    this.bias = bias ? new Parameter(defaultBias(shape)([outChannels], rng)) : undefined;
    this.stride = pairOf(stride);
    this.padding = padding;
    this.dilation = pairOf(dilation);
    this.groups = groups;
  }

  override forward(x: Tensor): Tensor {
    const pads = padsOf(
      this.padding,
      x.shape.slice(2),
      this.weight.shape.slice(2),
      this.stride,
      this.dilation,
    );
    const attributes = { strides: this.stride, pads, dilations: this.dilation, groups: this.groups };
    return new Tensor(build.conv2d(x.value, this.weight.value, attributes, this.bias?.value));
  }
}

export interface ConvTranspose2dOptions extends Omit<Conv2dOptions, 'padding'> {
  /** Pixels cut from the output on each side; 0 by default. */
  readonly padding?: Pair;
  /** Pixels added to the output at the bottom and right; 0 by default. */
  readonly outputPadding?: Pair;
}

/**
 * Transposed convolution: the gradient of `Conv2d` in its input, used forwards to enlarge images.
 *
 * Shapes: x `[N, C, H, W]` → `[N, outChannels, (H−1)·stride − 2·padding + dilation·(k−1) + outputPadding + 1, …]`;
 * weight `[C, outChannels/groups, kH, kW]`.
 */
export class ConvTranspose2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly options: Required<Omit<ConvTranspose2dOptions, 'seed' | 'bias'>>;

  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Pair,
    options: ConvTranspose2dOptions = {},
  ) {
    super();
    const {
      stride = 1,
      padding = 0,
      outputPadding = 0,
      dilation = 1,
      groups = 1,
      bias = true,
      seed,
    } = options;
    const rng = layerRng(seed);
    const shape = [inChannels, outChannels / groups, ...pairOf(kernelSize)];
    this.weight = new Parameter(defaultWeight(shape, rng));
    this.bias = bias ? new Parameter(defaultBias(shape)([outChannels], rng)) : undefined;
    this.options = { stride, padding, outputPadding, dilation, groups };
  }

  override forward(x: Tensor): Tensor {
    const { groups } = this.options;
    const [stride, padding, extra, dilation] = (
      ['stride', 'padding', 'outputPadding', 'dilation'] as const
    ).map((name) => pairOf(this.options[name]));
    const size = [0, 1].map(
      (axis) =>
        (x.shape[axis + 2] - 1) * stride[axis] -
        2 * padding[axis] +
        dilation[axis] * (this.weight.shape[axis + 2] - 1) +
        extra[axis] +
        1,
    );
    const shape = [x.shape[0], this.weight.shape[1] * groups, ...size];
    const y = build.conv2dInput(x.value, this.weight.value, {
      strides: stride,
      pads: [padding[0], padding[1], padding[0], padding[1]],
      dilations: dilation,
      groups,
      shape,
    });
    if (this.bias === undefined) return new Tensor(y);
    return new Tensor(build.channelShift(y, this.bias.value));
  }
}
