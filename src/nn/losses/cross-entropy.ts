import { ConfigError, ShapeError } from '#core';
import { atUserLine, requireIndices, type Tensor, tensor } from '#engine';
import { type LossOptions, reduce, requireSameShape } from './reduction.ts';

export interface NllLossOptions extends LossOptions {
  /** Weight of each class, K numbers; the mean is divided by the weights of the targets. */
  readonly weight?: readonly number[];
  /** Class whose samples do not count; none by default. */
  readonly ignoreIndex?: number;
}

export interface CrossEntropyOptions extends NllLossOptions {
  /** Share of the target spread evenly over all classes, in [0, 1]; 0 by default. */
  readonly labelSmoothing?: number;
}

const isIndex = (target: Tensor): boolean =>
  target.dtype === 'int64' || target.dtype === 'int32' || target.dtype === 'uint8';

/** `[N, K, …]` with the classes moved to the last axis: `[M, K]`. */
function classesLast(x: Tensor): Tensor {
  if (x.rank < 2) return x.reshape([1, -1]);
  if (x.rank === 2) return x;
  const axes = x.shape.map((_, axis) => axis);
  return x.transpose([0, ...axes.slice(2), 1]).reshape([-1, x.shape[1]]);
}

function checkClasses(output: Tensor, target: Tensor, { weight }: NllLossOptions, where: string): void {
  const classes = output.shape[output.rank < 2 ? 0 : 1];
  const positions = [...output.shape.slice(0, 1), ...output.shape.slice(2)];
  if (isIndex(target) && output.rank > 1 && String(target.shape) !== String(positions)) {
    throw new ShapeError(
      `${where}: class indices must be [${positions.join(', ')}] for logits [${output.shape.join(', ')}], but got [${target.shape.join(', ')}]. Reshape the target.${atUserLine()}`,
      { output: [...output.shape], target: [...target.shape] },
    );
  }
  if (weight !== undefined && weight.length !== classes) {
    throw new ConfigError(
      `${where}: weights must be one per class, but got ${weight.length} for ${classes} classes. Pass ${classes} numbers.${atUserLine()}`,
      { weights: weight.length, classes },
    );
  }
}

/**
 * −log p of the target's class: l = −w[y]·logProbabilities[y]; the mean is Σ l / Σ w[y] over the samples that count.
 *
 * @param logProbabilities `[N, K]` or `[N, K, …]`
 * @param target int64 `[N]` or `[N, …]` in [0, K)
 */
export function nllLoss(logProbabilities: Tensor, target: Tensor, options: NllLossOptions = {}): Tensor {
  checkClasses(logProbabilities, target, options, 'nllLoss');
  return hardLoss(classesLast(logProbabilities), target, { ...options, where: 'nllLoss', smoothing: 0 });
}

function hardLoss(
  logs: Tensor,
  target: Tensor,
  options: NllLossOptions & { readonly where: string; readonly smoothing: number },
): Tensor {
  const { weight, ignoreIndex, reduction = 'mean', smoothing, where } = options;
  const classes = logs.shape[1];
  requireIndices(target, { what: `${where}: class labels`, size: classes, except: ignoreIndex });
  const flat = target.reshape([-1]).cast('int64');
  const counts = ignoreIndex === undefined ? undefined : flat.equal(ignoreIndex).not().cast(logs.dtype);
  // An ignored index may lie outside the classes; class 0 stands in for it, with weight 0.
  const index = counts === undefined ? flat : flat.equal(ignoreIndex!).where(0, flat);
  const everyClass = tensor(
    Array.from({ length: classes }, (_, k) => k),
    'int32',
  );
  const isTarget = index.cast('int32').unsqueeze(-1).equal(everyClass);
  const classWeights = weight === undefined ? undefined : tensor([...weight]).cast(logs.dtype);
  const own = classWeights === undefined ? undefined : isTarget.cast(logs.dtype).mul(classWeights).sum(1);
  const weighted = classWeights === undefined ? logs : logs.mul(classWeights);
  // A choice, not a product: other classes may have a probability of 0, whose logarithm is −∞.
  let losses = isTarget.where(weighted, 0).sum(1).neg();
  if (smoothing > 0) {
    const even = weighted
      .sum(1)
      .neg()
      .mul(smoothing / classes);
    losses = losses.mul(1 - smoothing).add(even);
  }
  if (counts !== undefined) losses = losses.mul(counts);
  if (reduction === 'none') return losses.reshape(target.shape);
  if (reduction === 'sum') return losses.sum();
  const divisor = own === undefined ? counts : counts === undefined ? own : own.mul(counts);
  return divisor === undefined ? losses.mean() : losses.sum().div(divisor.sum());
}

/**
 * Cross-entropy of logits: −Σ q·log softmax(logits), where q is the target's distribution, a share ε of it spread
 * evenly: q = (1 − ε)·target + ε/K. As in PyTorch, the mean is over samples, or Σ l / Σ w[y] with class weights and
 * hard targets.
 *
 * @param logits `[N, K]` or `[N, K, …]`
 * @param target int64 class indices `[N, …]`, or probabilities of the shape of the logits
 * @throws ConfigError for smoothing outside [0, 1] or weights that are not K
 * @source label smoothing: https://arxiv.org/abs/1512.00567
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0, weight, reduction } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new ConfigError(
      `crossEntropy: labelSmoothing must lie in [0, 1], but got ${labelSmoothing}. Pass a share.`,
      { labelSmoothing },
    );
  }
  checkClasses(logits, target, options, 'crossEntropy');
  const logs = classesLast(logits).logSoftmax(1);
  if (isIndex(target)) {
    return hardLoss(logs, target, { ...options, where: 'crossEntropy', smoothing: labelSmoothing });
  }
  requireSameShape(logits, target, 'crossEntropy');
  const classes = logs.shape[1];
  const smoothed = classesLast(target)
    .mul(1 - labelSmoothing)
    .add(labelSmoothing / classes);
  const weighted = weight === undefined ? logs : logs.mul(tensor([...weight]));
  const losses = smoothed.mul(weighted).sum(1).neg();
  const positions = [...logits.shape.slice(0, 1), ...logits.shape.slice(2)];
  return reduce(reduction === 'none' ? losses.reshape(logits.rank < 2 ? [] : positions) : losses, reduction);
}

/**
 * Cross-entropy with a smoothed one-hot target; index targets only, other classes get ε/K each. Equal to
 * `crossEntropy` with `labelSmoothing`.
 */
export function softCrossEntropy(
  logits: Tensor,
  target: Tensor,
  options: { smoothFactor?: number } & LossOptions = {},
): Tensor {
  const { smoothFactor = 0, reduction = 'mean' } = options;
  return crossEntropy(logits, target, { labelSmoothing: smoothFactor, reduction });
}
