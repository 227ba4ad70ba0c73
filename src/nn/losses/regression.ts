import type { Tensor } from '#engine';
import { type LossOptions, reduce, requireSameShape } from './reduction.ts';

/** (output − target)². */
export function mseLoss(output: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireSameShape(output, target, 'mseLoss');
  const difference = output.sub(target);
  return reduce(difference.mul(difference), reduction);
}

/** |output − target|. */
export function l1Loss(output: Tensor, target: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireSameShape(output, target, 'l1Loss');
  return reduce(output.sub(target).abs(), reduction);
}

/** ½d²/β for |d| < β, |d| − ½β beyond; β = 0 is the L1 loss. */
export function smoothL1Loss(
  output: Tensor,
  target: Tensor,
  options: LossOptions & { beta?: number } = {},
): Tensor {
  const { beta = 1, reduction } = options;
  requireSameShape(output, target, 'smoothL1Loss');
  if (beta === 0) return l1Loss(output, target, options);
  const distance = output.sub(target).abs();
  const inner = distance.mul(distance).mul(0.5 / beta);
  return reduce(distance.less(beta).where(inner, distance.sub(beta / 2)), reduction);
}

/** ½d² for |d| < δ, δ·(|d| − ½δ) beyond. @source Huber 1964 */
export function huberLoss(
  output: Tensor,
  target: Tensor,
  options: LossOptions & { delta?: number } = {},
): Tensor {
  const { delta = 1, reduction } = options;
  requireSameShape(output, target, 'huberLoss');
  const distance = output.sub(target).abs();
  const inner = distance.mul(distance).mul(0.5);
  return reduce(distance.less(delta).where(inner, distance.sub(delta / 2).mul(delta)), reduction);
}

/**
 * Kullback–Leibler divergence Σ t·(log t − output) of log-probabilities from a target distribution.
 *
 * @param options logTarget: the target holds log-probabilities too; reduction `batchMean`: the sum over N, which is
 *   the divergence's definition (`mean` divides by all elements)
 */
export function klDivLoss(
  output: Tensor,
  target: Tensor,
  options: { logTarget?: boolean; reduction?: 'mean' | 'sum' | 'none' | 'batchMean' } = {},
): Tensor {
  const { logTarget = false, reduction = 'mean' } = options;
  requireSameShape(output, target, 'klDivLoss');
  const losses = logTarget
    ? target.exp().mul(target.sub(output))
    : entropyTerm(target).sub(target.mul(output));
  if (reduction === 'batchMean') return losses.sum().mul(1 / output.shape[0]);
  return reduce(losses, reduction);
}

/** t·log t, 0 where t is 0. */
function entropyTerm(target: Tensor): Tensor {
  const isPositive = target.greater(0);
  return isPositive.where(target.mul(isPositive.where(target, 1).log()), 0);
}
