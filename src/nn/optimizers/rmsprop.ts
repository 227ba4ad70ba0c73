import {
  type CommonOptions,
  Optimizer,
  type ParameterGroup,
  type Slot,
  type StepPosition,
  type StepScalars,
  type UpdateArguments,
  type UpdateResult,
} from './optimizer.ts';

export interface RMSpropOptions extends CommonOptions {
  /** Decay of the running mean of squares; 0.99 by default. */
  readonly alpha: number;
  /** Added to the root; 1e-8 by default. */
  readonly eps: number;
  readonly momentum: number;
  /** Subtract the squared running mean of the gradient; false by default. */
  readonly centered: boolean;
}

/**
 * v ← α·v + (1 − α)·g²; p ← p − η·g/(√v + ε), through a momentum buffer where there is momentum.
 *
 * @source Hinton, lecture 6 of Neural Networks for Machine Learning; centred: https://arxiv.org/abs/1308.0850
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  readonly name = 'RMSprop';

  constructor(
    options: Partial<RMSpropOptions> & { groups?: readonly ParameterGroup<RMSpropOptions>[] } = {},
  ) {
    const {
      learningRate = 0.01,
      weightDecay = 0,
      alpha = 0.99,
      eps = 1e-8,
      momentum = 0,
      centered = false,
    } = options;
    super({ learningRate, weightDecay, alpha, eps, momentum, centered }, options.groups);
  }

  override slots({ momentum, centered }: RMSpropOptions): readonly Slot[] {
    const names = [
      'square_avg',
      ...(momentum > 0 ? ['momentum_buffer'] : []),
      ...(centered ? ['grad_avg'] : []),
    ];
    return names.map((name) => ({ name, initial: 0 }));
  }

  override scalars({ learningRate, momentum }: RMSpropOptions, position: StepPosition): StepScalars {
    return {
      rate: learningRate * position.learningRateFactor,
      ...(position.momentum === undefined || momentum === 0 ? {} : { momentum: position.momentum }),
    };
  }

  override update({
    parameter,
    gradient,
    slots,
    scalars,
    options,
  }: UpdateArguments<RMSpropOptions>): UpdateResult {
    const { alpha, eps, momentum, centered, weightDecay } = options;
    const g = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay));
    const square = slots['square_avg'].mul(alpha).add(g.mul(g).mul(1 - alpha));
    const mean = centered ? slots['grad_avg'].mul(alpha).add(g.mul(1 - alpha)) : undefined;
    const spread = mean === undefined ? square : square.sub(mean.mul(mean));
    const step = g.div(spread.sqrt().add(eps));
    const next = { square_avg: square, ...(mean === undefined ? {} : { grad_avg: mean }) };
    if (momentum === 0) return { parameter: parameter.sub(step.mul(scalars['rate'])), slots: next };
    const buffer = slots['momentum_buffer'].mul(scalars['momentum'] ?? momentum).add(step);
    return {
      parameter: parameter.sub(buffer.mul(scalars['rate'])),
      slots: { ...next, momentum_buffer: buffer },
    };
  }
}
