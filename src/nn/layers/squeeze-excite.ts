import { build, Tensor } from '#engine';
import { Module } from '../module.ts';
import { Conv2d } from './conv2d.ts';

export interface SqueezeExciteOptions {
  /** Activation between the two layers; SiLU by default. */
  readonly activation?: (x: Tensor) => Tensor;
  /** Function that gives the scale; the sigmoid by default. */
  readonly gate?: (x: Tensor) => Tensor;
  readonly seed?: number;
}

/**
 * Scales channels by a function of their means: x·gate(expand(activation(reduce(mean x)))). The two layers are 1×1
 * convolutions, which on one pixel are matrix products.
 *
 * @source Hu et al. 2017, https://arxiv.org/abs/1709.01507
 */
export class SqueezeExcite extends Module {
  readonly convReduce: Conv2d;
  readonly convExpand: Conv2d;
  private readonly activation: (x: Tensor) => Tensor;
  private readonly gate: (x: Tensor) => Tensor;

  /** @param reduced number of channels between the two layers */
  constructor(channels: number, reduced: number, options: SqueezeExciteOptions = {}) {
    super();
    const { activation = (x) => x.silu(), gate = (x) => x.sigmoid(), seed } = options;
    const seeds = seed === undefined ? [{}, {}] : [{ seed }, { seed: seed + 1 }];
    this.convReduce = new Conv2d(channels, reduced, 1, seeds[0]);
    this.convExpand = new Conv2d(reduced, channels, 1, seeds[1]);
    this.activation = activation;
    this.gate = gate;
  }

  override forward(x: Tensor): Tensor {
    const pixels = x.size / (x.shape[0] * x.shape[1]);
    const means = new Tensor(build.channelSum(x.value, true)).mul(1 / pixels);
    const scale = this.gate(onePixel(this.convExpand, this.activation(onePixel(this.convReduce, means))));
    return new Tensor(build.channelAffine(x.value, scale.value));
  }
}

/** A 1×1 convolution of `[N, C]`. */
function onePixel({ weight, bias }: Conv2d, x: Tensor): Tensor {
  const product = x.matmul(weight.reshape(weight.shape.slice(0, 2)), { transposeB: true });
  return bias === undefined ? product : product.add(bias);
}
