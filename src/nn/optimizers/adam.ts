import type { Tensor } from '#engine';
import {
  type CommonOptions,
  checkRange,
  Optimizer,
  type ParameterGroup,
  type Slot,
  type StepPosition,
  type StepScalars,
  type UpdateArguments,
  type UpdateResult,
} from './optimizer.ts';

export interface AdamOptions extends CommonOptions {
  /** Decay of the running means of gradient and squared gradient, each in [0, 1); [0.9, 0.999] by default. */
  readonly betas: readonly [number, number];
  /** Added to the root; 1e-8 by default. */
  readonly eps: number;
  /** Divide by the largest running mean of squares so far; false by default. */
  readonly amsgrad: boolean;
}

type Given = Partial<AdamOptions> & { groups?: readonly ParameterGroup<AdamOptions>[] };

function complete(options: Given, weightDecay: number): AdamOptions {
  const { learningRate = 1e-3, betas = [0.9, 0.999], eps = 1e-8, amsgrad = false } = options;
  betas.forEach((beta, i) => {
    checkRange(beta, 0, 1, `Adam: beta ${i + 1}`);
  });
  return { learningRate, weightDecay: options.weightDecay ?? weightDecay, betas, eps, amsgrad };
}

/** Moments of the gradient and what divides the step. */
function moments(
  { gradient: g, slots, scalars, options }: UpdateArguments<AdamOptions>,
  gradient: Tensor = g,
) {
  const [, beta2] = options.betas;
  const kept = scalars['beta1'] ?? options.betas[0];
  const fresh = scalars['fresh1'] ?? 1 - options.betas[0];
  const mean = slots['exp_avg'].mul(kept).add(gradient.mul(fresh));
  const square = slots['exp_avg_sq'].mul(beta2).add(gradient.mul(gradient).mul(1 - beta2));
  const largest = options.amsgrad ? slots['max_exp_avg_sq'].maximum(square) : undefined;
  return {
    mean,
    denominator: (largest ?? square).sqrt().mul(scalars['rootScale']).add(options.eps),
    slots: {
      exp_avg: mean,
      exp_avg_sq: square,
      ...(largest === undefined ? {} : { max_exp_avg_sq: largest }),
    },
  };
}

function adamSlots({ amsgrad }: AdamOptions): readonly Slot[] {
  const names = ['exp_avg', 'exp_avg_sq', ...(amsgrad ? ['max_exp_avg_sq'] : [])];
  return names.map((name) => ({ name, initial: 0 }));
}

function adamScalars(
  options: AdamOptions,
  { step, learningRateFactor, momentum }: StepPosition,
): StepScalars {
  const { learningRate, betas, weightDecay } = options;
  const beta1 = momentum ?? betas[0];
  const rate = learningRate * learningRateFactor;
  return {
    rate,
    stepSize: rate / (1 - beta1 ** step),
    rootScale: 1 / Math.sqrt(1 - betas[1] ** step),
    keep: 1 - rate * weightDecay,
    ...(momentum === undefined ? {} : { beta1, fresh1: 1 - beta1 }),
  };
}

/**
 * m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; p ← p − η·m̂/(√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ). Weight
 * decay is added to the gradient.
 *
 * @source Kingma and Ba 2014, https://arxiv.org/abs/1412.6980
 */
export class Adam extends Optimizer<AdamOptions> {
  readonly name = 'Adam';

  constructor(options: Given = {}) {
    super(complete(options, 0), options.groups);
  }

  override slots(options: AdamOptions): readonly Slot[] {
    return adamSlots(options);
  }

  override scalars(options: AdamOptions, position: StepPosition): StepScalars {
    return adamScalars(options, position);
  }

  override update(context: UpdateArguments<AdamOptions>): UpdateResult {
    const { parameter, gradient, scalars, options } = context;
    const g = options.weightDecay === 0 ? gradient : gradient.add(parameter.mul(options.weightDecay));
    const { mean, denominator, slots } = moments(context, g);
    return { parameter: parameter.sub(mean.mul(scalars['stepSize']).div(denominator)), slots };
  }
}

/**
 * Adam with weight decay beside the gradient: p ← p·(1 − η·λ) before the step.
 *
 * @source Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101
 */
export class AdamW extends Optimizer<AdamOptions> {
  readonly name = 'AdamW';

  constructor(options: Given = {}) {
    super(complete(options, 0.01), options.groups);
  }

  override slots(options: AdamOptions): readonly Slot[] {
    return adamSlots(options);
  }

  override scalars(options: AdamOptions, position: StepPosition): StepScalars {
    return adamScalars(options, position);
  }

  override update(context: UpdateArguments<AdamOptions>): UpdateResult {
    const { parameter, scalars, options } = context;
    const { mean, denominator, slots } = moments(context);
    const decayed = options.weightDecay === 0 ? parameter : parameter.mul(scalars['keep']);
    return { parameter: decayed.sub(mean.mul(scalars['stepSize']).div(denominator)), slots };
  }
}

/**
 * Layer-wise adaptive rates for large batches: the Adam direction r = m̂/(√v̂ + ε) + λ·p is scaled to
 * ‖p‖/‖r‖ per parameter (1 where either norm is 0).
 *
 * @source You et al. 2019, https://arxiv.org/abs/1904.00962 (version 5, algorithm 2, φ the identity)
 */
export class LAMB extends Optimizer<AdamOptions> {
  readonly name = 'LAMB';
  override readonly isElementwise = false;

  constructor(options: Given = {}) {
    super({ ...complete(options, 0), eps: options.eps ?? 1e-6 }, options.groups);
  }

  override slots(options: AdamOptions): readonly Slot[] {
    return adamSlots(options);
  }

  override scalars(options: AdamOptions, position: StepPosition): StepScalars {
    const scalars = adamScalars(options, position);
    return { ...scalars, meanScale: scalars['stepSize'] / Math.max(scalars['rate'], Number.MIN_VALUE) };
  }

  override update(context: UpdateArguments<AdamOptions>): UpdateResult {
    const { parameter, scalars, options } = context;
    const { mean, denominator, slots } = moments(context);
    const direction = mean.mul(scalars['meanScale']).div(denominator);
    const r = options.weightDecay === 0 ? direction : direction.add(parameter.mul(options.weightDecay));
    const norm = (x: Tensor) => x.mul(x).sum().sqrt();
    const [own, other] = [norm(parameter), norm(r)];
    const isUsable = own.greater(0).and(other.greater(0));
    const trust = isUsable.where(own.div(isUsable.where(other, 1)), 1);
    return { parameter: parameter.sub(r.mul(trust.mul(scalars['rate']))), slots };
  }
}
