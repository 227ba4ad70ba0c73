import type { Tensor } from '#engine';
import { nllLoss } from './cross-entropy.ts';
import { type LossOptions, reduce } from './reduction.ts';

/**
 * Focal loss of logits over classes: (1 − p)^γ·(−log p), p the softmax probability of the target's class.
 *
 * @param logits `[N, K]`
 * @param target int64 `[N]`
 * @source Lin et al. 2017, https://arxiv.org/abs/1708.02002
 */
export function focalLoss(
  logits: Tensor,
  target: Tensor,
  options: LossOptions & { gamma?: number } = {},
): Tensor {
  const { gamma = 2, reduction } = options;
  return reduce(modulated(nllLoss(logits.logSoftmax(1), target, { reduction: 'none' }), gamma), reduction);
}

const modulated = (entropy: Tensor, gamma: number): Tensor =>
  entropy.neg().exp().neg().add(1).pow(gamma).mul(entropy);

export interface FocalCosineOptions extends LossOptions {
  /** Weight of the focal term; 0.1 by default. */
  readonly crossEntropyWeight?: number;
  readonly alpha?: number;
  readonly gamma?: number;
}

/**
 * 1 − cos(logits, one-hot target) plus a focal cross-entropy of the logits scaled to unit length:
 * alpha·(1 − p)^γ·CE, weighted. Lengths count as 1e-8 at least in the cosine and 1e-12 in the scaling, as in PyTorch:
 * logits that are all 0, as from a head that starts at 0, have finite gradients, but large ones, about 1e10.
 *
 * @param logits `[N, K]`
 * @param target int64 `[N]`
 */
export function focalCosineLoss(logits: Tensor, target: Tensor, options: FocalCosineOptions = {}): Tensor {
  const { crossEntropyWeight = 0.1, alpha = 1, gamma = 2, reduction } = options;
  const squares = logits.mul(logits).sum(1, true);
  const own = logits.mul(target.cast('int64').oneHot(logits.shape[1]).cast(logits.dtype)).sum(1);
  // max(|z|, ε) with the maximum under the root, whose derivative is infinite at 0.
  const cosine = own.div(squares.squeeze(1).maximum(1e-16).sqrt());
  const unit = logits.div(squares.maximum(1e-24).sqrt());
  const focal = modulated(nllLoss(unit.logSoftmax(1), target, { reduction: 'none' }), gamma).mul(alpha);
  return reduce(cosine.neg().add(1).add(focal.mul(crossEntropyWeight)), reduction);
}
