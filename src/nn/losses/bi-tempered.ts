import { ConfigError } from '#core';
import { requireIndices, type Tensor } from '#engine';
import { type LossOptions, reduce, requireSameShape } from './reduction.ts';

export interface BiTemperedOptions extends LossOptions {
  /** Temperature of the logarithm, below 1 makes the loss bounded; 1 is cross-entropy's. */
  readonly t1: number;
  /** Temperature of the softmax, above 1 makes its tail heavy; 1 is the ordinary softmax. */
  readonly t2: number;
  readonly labelSmoothing?: number;
  /** Steps of the iteration for the normaliser; 5 by default. */
  readonly iterations?: number;
}

/** (x^(1 − t) − 1)/(1 − t), the logarithm for t = 1. */
const logT = (x: Tensor, t: number): Tensor =>
  t === 1
    ? x.log()
    : x
        .pow(1 - t)
        .sub(1)
        .mul(1 / (1 - t));

/** log_t of probabilities. Below t = 1 it is finite at 0, but its slope is not: there the gradient is 0, not NaN. */
function boundedLogT(p: Tensor, t: number): Tensor {
  if (t >= 1) return logT(p, t);
  const isPositive = p.greater(0);
  return isPositive.where(logT(isPositive.where(p, 1), t), -1 / (1 - t));
}

/** max(1 + (1 − t)·x, 0)^(1/(1 − t)), the exponential for t = 1. */
const expT = (x: Tensor, t: number): Tensor =>
  t === 1
    ? x.exp()
    : x
        .mul(1 - t)
        .add(1)
        .maximum(0)
        .pow(1 / (1 - t));

/**
 * The constant λ with Σ exp_t(activations − λ) = 1, by the fixed point iteration of the paper (t > 1) or by bisection
 * (t < 1). No gradient flows through the iterations.
 */
function normalizer(activations: Tensor, t: number, iterations: number): Tensor {
  const largest = activations.max(1, true);
  const shifted = activations.sub(largest);
  if (t < 1) return bisect(activations, t, iterations);
  let current = shifted;
  for (let i = 0; i < iterations; i++) {
    current = shifted.mul(
      expT(current, t)
        .sum(1, true)
        .pow(1 - t),
    );
  }
  return logT(expT(current, t).sum(1, true).reciprocal(), t).neg().add(largest);
}

function bisect(activations: Tensor, t: number, iterations: number): Tensor {
  const largest = activations.max(1, true);
  const shifted = activations.sub(largest);
  const effective = shifted
    .greater(-1 / (1 - t))
    .cast(activations.dtype)
    .sum(1, true);
  let lower = largest.mul(0);
  let upper = logT(effective.reciprocal(), t).neg();
  for (let i = 0; i < iterations; i++) {
    const middle = lower.add(upper).mul(0.5);
    const isLow = expT(shifted.sub(middle), t).sum(1, true).less(1);
    // Too little mass: λ is too large.
    upper = isLow.where(middle, upper);
    lower = isLow.where(lower, middle);
  }
  return lower.add(upper).mul(0.5).add(largest);
}

/**
 * exp_t(a − λ(a)), whose gradient takes ∂λ/∂a from the escort distribution p^t/Σ p^t, as the paper derives it, and not
 * from the iteration: λ is replaced by a function of the same value with that derivative.
 */
function temperedSoftmax(activations: Tensor, t: number, iterations: number): Tensor {
  if (t === 1) return activations.softmax(1);
  const lambda = normalizer(activations.detach(), t, iterations).detach();
  const escort = expT(activations.detach().sub(lambda), t).pow(t);
  const share = escort.div(escort.sum(1, true)).detach();
  const moving = activations.sub(activations.detach()).mul(share).sum(1, true);
  return expT(activations.sub(lambda.add(moving)), t);
}

/**
 * Bi-tempered logistic loss: Σ y·(log_t1 y − log_t1 p) − (y^(2 − t1) − p^(2 − t1))/(2 − t1), p the tempered softmax.
 *
 * @param logits `[N, K]`
 * @param target int64 `[N]`, or distributions `[N, K]`
 * @throws ConfigError unless t1 < 2
 * @source Amid et al. 2019, https://arxiv.org/abs/1906.03361
 */
export function biTemperedLogisticLoss(logits: Tensor, target: Tensor, options: BiTemperedOptions): Tensor {
  const { t1, t2, labelSmoothing = 0, iterations = 5, reduction } = options;
  if (!(t1 < 2) || !(t2 > 0)) {
    throw new ConfigError(
      `biTemperedLogisticLoss: t1 must be below 2 and t2 above 0, but got ${t1} and ${t2}. The paper uses t1 in [0, 1] and t2 of at least 1.`,
      { t1, t2 },
    );
  }
  const classes = logits.shape[1];
  const isHard = target.dtype !== logits.dtype;
  if (isHard) requireIndices(target, { what: 'biTemperedLogisticLoss: class labels', size: classes });
  const given = isHard ? target.cast('int64').oneHot(classes).cast(logits.dtype) : target;
  requireSameShape(logits, given, 'biTemperedLogisticLoss');
  // Mass leaves the target and is spread over the other classes.
  const y =
    labelSmoothing === 0
      ? given
      : given.mul(1 - (classes / (classes - 1)) * labelSmoothing).add(labelSmoothing / (classes - 1));
  const p = temperedSoftmax(logits, t2, iterations);
  const first = y.mul(logT(y.add(1e-10), t1).sub(boundedLogT(p, t1)));
  const second = y
    .pow(2 - t1)
    .sub(p.pow(2 - t1))
    .mul(1 / (2 - t1));
  return reduce(first.sub(second).sum(1), reduction);
}
