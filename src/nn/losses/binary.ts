import { type Tensor, tensor } from '#engine';
import { type LossOptions, reduce, requireSameShape } from './reduction.ts';

export interface BceWithLogitsOptions extends LossOptions {
  /** Weight of the positive term, one per class (last axis) or one for all. */
  readonly posWeight?: number | readonly number[];
  /** Weight of every element, broadcast to the output. */
  readonly weight?: Tensor;
}

/** log(1 + e^−|x|): the part of the logistic loss that is always safe. */
const logistic = (x: Tensor): Tensor => x.abs().neg().exp().add(1).log();

/**
 * −[p·t·log σ(x) + (1 − t)·log(1 − σ(x))] with positive weight p, computed without overflow as
 * (1 − t)·x + (1 + (p − 1)·t)·(log(1 + e^−|x|) + max(−x, 0)).
 *
 * @param output logits of any shape
 * @param target numbers in [0, 1] of the same shape
 */
export function bceWithLogits(output: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  const { posWeight, weight, reduction } = options;
  requireSameShape(output, target, 'bceWithLogits');
  const tail = logistic(output).add(output.neg().maximum(0));
  const base = target.neg().add(1).mul(output);
  const positive = typeof posWeight === 'number' ? posWeight : posWeight && tensor([...posWeight]);
  const factor = positive === undefined ? undefined : tensorOf(positive).sub(1).mul(target).add(1);
  const losses = base.add(factor === undefined ? tail : factor.mul(tail));
  return reduce(weight === undefined ? losses : losses.mul(weight), reduction);
}

const tensorOf = (value: Tensor | number): Tensor => (typeof value === 'number' ? tensor(value) : value);

export interface FocalLossOptions extends LossOptions {
  /** Exponent of the modulating factor; 2 by default. */
  readonly gamma?: number;
  /** Weight of the positive class in [0, 1], 1 − alpha of the negative; negative: unweighted. 0.25 by default. */
  readonly alpha?: number;
}

/**
 * Focal loss of logits for binary targets: α·(1 − p)^γ·BCE, p the probability of the true side.
 * @source Lin et al. 2017, https://arxiv.org/abs/1708.02002
 */
export function sigmoidFocalLoss(output: Tensor, target: Tensor, options: FocalLossOptions = {}): Tensor {
  const { gamma = 2, alpha = 0.25, reduction } = options;
  requireSameShape(output, target, 'sigmoidFocalLoss');
  const entropy = bceWithLogits(output, target, { reduction: 'none' });
  const p = output.sigmoid();
  const other = target.neg().add(1);
  const missed = p.neg().add(1).mul(target).add(p.mul(other));
  const losses = entropy.mul(missed.pow(gamma));
  return reduce(alpha < 0 ? losses : losses.mul(target.mul(alpha).add(other.mul(1 - alpha))), reduction);
}
