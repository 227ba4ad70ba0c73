import { ConfigError, ShapeError } from '#core';
import { atUserLine, Buffer, build, Parameter, Tensor, zerosHost } from '#engine';
import { constant, layerRng } from '../initializers.ts';
import { Module } from '../module.ts';

const ones = (shape: readonly number[]) => new Parameter(constant(1)(shape, layerRng(0)));
const zeros = (shape: readonly number[]) => new Parameter(constant(0)(shape, layerRng(0)));

export interface BatchNormOptions {
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number;
  /** Weight of the new statistics in the running ones, in [0, 1]; 0.1 by default. */
  readonly momentum?: number;
  /** Learn scale and shift; true by default. */
  readonly affine?: boolean;
}

/**
 * y = (x − mean)/√(variance + eps)·weight + bias per channel. In training, mean and biased variance are the batch's,
 * and the running ones move by `momentum` towards the batch's mean and unbiased variance; in evaluation the running
 * ones are used.
 *
 * @source Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
 */
abstract class BatchNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly runningMean: Buffer;
  readonly runningVar: Buffer;
  readonly numBatchesTracked: Buffer;
  readonly eps: number;
  readonly momentum: number;
  protected abstract readonly ranks: readonly number[];

  constructor(channels: number, { eps = 1e-5, momentum = 0.1, affine = true }: BatchNormOptions = {}) {
    super();
    this.weight = affine ? ones([channels]) : undefined;
    this.bias = affine ? zeros([channels]) : undefined;
    this.runningMean = new Buffer(zerosHost([channels]));
    this.runningVar = new Buffer(constant(1)([channels], layerRng(0)));
    this.numBatchesTracked = new Buffer(zerosHost([], 'int64'));
    this.eps = eps;
    this.momentum = momentum;
  }

  override forward(x: Tensor): Tensor {
    const channels = this.runningMean.size;
    if (!this.ranks.includes(x.rank) || x.shape[1] !== channels) {
      throw new ShapeError(
        `${this.constructor.name}: the input must be [N, ${channels}, …] with ${this.ranks.join(' or ')} axes, but got [${x.shape.join(', ')}]. Set the number of channels to ${x.shape[1]}.${atUserLine()}`,
        { shape: [...x.shape], channels },
      );
    }
    const [mean, variance] = this.training
      ? this.batchStatistics(x)
      : [this.runningMean.read(), this.runningVar.read()];
    const scale = variance.add(this.eps).sqrt().reciprocal();
    const weighted = this.weight === undefined ? scale : scale.mul(this.weight);
    const offset = mean.mul(weighted).neg();
    const shift = this.bias === undefined ? offset : offset.add(this.bias);
    return new Tensor(build.channelAffine(x.value, weighted.value, shift.value));
  }

  private batchStatistics(x: Tensor): [Tensor, Tensor] {
    const [mean, variance] = build.channelMoments(x.value).map((value) => new Tensor(value));
    const count = x.size / this.runningMean.size;
    if (count < 2) {
      throw new ShapeError(
        `${this.constructor.name}: training needs more than one value per channel, but got [${x.shape.join(', ')}]. Use a larger batch, or eval().${atUserLine()}`,
        { shape: [...x.shape] },
      );
    }
    const move = (buffer: Buffer, batch: Tensor) =>
      buffer.assign(
        buffer
          .read()
          .mul(1 - this.momentum)
          .add(batch.detach().mul(this.momentum)),
      );
    move(this.runningMean, mean);
    move(this.runningVar, variance.mul(count / (count - 1)));
    this.numBatchesTracked.assign(this.numBatchesTracked.read().add(1));
    return [mean, variance];
  }
}

/** Batch normalisation of `[N, C]` or `[N, C, L]`. */
export class BatchNorm1d extends BatchNorm {
  protected readonly ranks = [2, 3];
}

/** Batch normalisation of `[N, C, H, W]`. */
export class BatchNorm2d extends BatchNorm {
  protected readonly ranks = [4];
}

export interface LayerNormOptions {
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number;
  /** Learn scale and shift; true by default. */
  readonly affine?: boolean;
}

/**
 * Normalises over the last axes, which must have the sizes of `shape`, for every position by itself.
 *
 * @source Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450
 */
export class LayerNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly shape: readonly number[];
  readonly eps: number;

  constructor(shape: number | readonly number[], { eps = 1e-5, affine = true }: LayerNormOptions = {}) {
    super();
    this.shape = typeof shape === 'number' ? [shape] : shape;
    this.eps = eps;
    this.weight = affine ? ones(this.shape) : undefined;
    this.bias = affine ? zeros(this.shape) : undefined;
  }

  override forward(x: Tensor): Tensor {
    const first = x.rank - this.shape.length;
    if (String(x.shape.slice(first)) !== String(this.shape)) {
      throw new ShapeError(
        `LayerNorm: the last axes must be [${this.shape.join(', ')}], but got [${x.shape.join(', ')}]. Set the shape to the input's.${atUserLine()}`,
        { shape: [...x.shape], expected: [...this.shape] },
      );
    }
    const axes = this.shape.map((_, axis) => first + axis);
    const y = normalize(x, axes, this.eps);
    const scaled = this.weight === undefined ? y : y.mul(this.weight);
    return this.bias === undefined ? scaled : scaled.add(this.bias);
  }
}

function normalize(x: Tensor, axes: readonly number[], eps: number): Tensor {
  const centred = x.sub(x.mean(axes, true));
  const variance = centred.mul(centred).mean(axes, true);
  return centred.mul(variance.add(eps).sqrt().reciprocal());
}

/**
 * Normalises `[N, C, …]` over groups of channels and all positions, for every sample by itself.
 *
 * @source Wu and He 2018, https://arxiv.org/abs/1803.08494
 */
export class GroupNorm extends Module {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly groups: number;
  readonly eps: number;

  /** @param channels C, a multiple of `groups` */
  constructor(groups: number, channels: number, { eps = 1e-5, affine = true }: LayerNormOptions = {}) {
    super();
    if (!(Number.isInteger(groups) && groups > 0) || channels % groups !== 0) {
      throw new ConfigError(
        `GroupNorm: groups must be a whole number that divides the channels, but got ${groups} groups and ${channels} channels. Choose another number of groups.`,
        { groups, channels },
      );
    }
    this.groups = groups;
    this.eps = eps;
    this.weight = affine ? ones([channels]) : undefined;
    this.bias = affine ? zeros([channels]) : undefined;
  }

  override forward(x: Tensor): Tensor {
    if (x.shape[1] % this.groups !== 0) {
      throw new ShapeError(
        `GroupNorm: groups must divide the channels, but got [${x.shape.join(', ')}] with groups=${this.groups}. Choose another number of groups.${atUserLine()}`,
        { shape: [...x.shape], groups: this.groups },
      );
    }
    const y = normalize(x.reshape([x.shape[0], this.groups, -1]), [2], this.eps).reshape(x.shape);
    if (this.weight === undefined || this.bias === undefined) return y;
    return new Tensor(build.channelAffine(y.value, this.weight.value, this.bias.value));
  }
}
