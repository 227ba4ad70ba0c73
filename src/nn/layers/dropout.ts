import { ConfigError, type Shape } from '#core';
import { build, currentTrace, Tensor, tensor } from '#engine';
import { Module } from '../module.ts';

/**
 * Uniform numbers in [0, 1). While a step is recorded they are a function of its key, so that every step draws others
 * and a resumed run the same; without a recording, of the number of calls.
 */
export function randomUniform(shape: Shape): Tensor {
  const recording = currentTrace();
  if (recording?.key !== undefined)
    return new Tensor(build.randomUniform(recording.key, shape, recording.streams++));
  return new Tensor(build.randomUniform(tensor([0, eagerCalls++], 'int64').value, shape, 0));
}

let eagerCalls = 0;

/** Standard normal numbers by the method of Box and Muller: √(−2 ln u)·cos 2πv. */
export function randomNormal(shape: Shape): Tensor {
  // 1 − u lies in (0, 1], where the logarithm is finite.
  const radius = randomUniform(shape).neg().add(1).log().mul(-2).sqrt();
  return radius.mul(
    randomUniform(shape)
      .mul(2 * Math.PI)
      .cos(),
  );
}

function checkRate(rate: number, where: string): number {
  if (rate >= 0 && rate < 1) return rate;
  throw new ConfigError(`${where}: the rate must lie in [0, 1), but got ${rate}. Pass a share to drop.`, {
    rate,
  });
}

/** 1/(1 − rate) where kept, 0 where dropped. */
const keepMask = (shape: Shape, rate: number): Tensor =>
  randomUniform(shape)
    .greaterEqual(rate)
    .cast('float32')
    .mul(1 / (1 - rate));

/**
 * In training, sets each element to 0 with probability `rate` and multiplies the others by 1/(1 − rate).
 * @source https://jmlr.org/papers/v15/srivastava14a.html
 */
export class Dropout extends Module {
  readonly rate: number;

  /** @param rate in [0, 1); 0.5 by default */
  constructor(rate = 0.5) {
    super();
    this.rate = checkRate(rate, 'Dropout');
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.rate === 0) return x;
    return x.mul(keepMask(x.shape, this.rate));
  }
}

/**
 * Stochastic depth: in training, sets whole samples (axis 0) of a residual branch to 0 with probability `rate` and
 * multiplies the others by 1/(1 − rate).
 * @source https://arxiv.org/abs/1603.09382
 */
export class DropPath extends Module {
  readonly rate: number;

  constructor(rate = 0) {
    super();
    this.rate = checkRate(rate, 'DropPath');
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.rate === 0) return x;
    const [samples, channels] = x.shape;
    if (x.rank < 3) return x.mul(keepMask([samples, ...new Array<number>(x.rank - 1).fill(1)], this.rate));
    const mask = keepMask([samples, 1], this.rate).expand([samples, channels]);
    return new Tensor(build.channelAffine(x.value, mask.value));
  }
}
