import { ConfigError } from '#core';
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

export interface SGDOptions extends CommonOptions {
  /** Share of the last update that is kept; 0 by default. */
  readonly momentum: number;
  /** Share of the gradient that is left out, from the second step on; 0 by default. */
  readonly dampening: number;
  readonly nesterov: boolean;
}

/**
 * Stochastic gradient descent: g ← g + λ·p; v ← μ·v + (1 − τ)·g, and v = g at the first step; p ← p − η·v, or
 * p − η·(g + μ·v) with Nesterov momentum.
 *
 * With a constant learning rate the state is u = η·v, called `velocity`: u ← μ·u + η·g; p ← p − u, which is the same
 * and goes over the weights once less.
 *
 * @source Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html
 */
export class SGD extends Optimizer<SGDOptions> {
  readonly name = 'SGD';

  constructor(options: Partial<SGDOptions> & { groups?: readonly ParameterGroup<SGDOptions>[] } = {}) {
    const {
      learningRate = 0.01,
      weightDecay = 0,
      momentum = 0,
      dampening = 0,
      nesterov = false,
      groups,
    } = options;
    super({ learningRate, weightDecay, momentum, dampening, nesterov }, groups);
    checkRange(momentum, 0, 1.0000001, 'SGD: momentum');
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new ConfigError(
        `SGD: Nesterov momentum needs a momentum and no dampening, but got ${momentum} and ${dampening}. Set momentum: 0.9, dampening: 0.`,
        { momentum, dampening },
      );
    }
  }

  override slots(options: SGDOptions, isRateConstant = false): readonly Slot[] {
    if (options.momentum === 0) return [];
    return [{ name: keepsVelocity(options, isRateConstant) ? 'velocity' : 'momentum_buffer', initial: 0 }];
  }

  override takesScaledGradients(options: SGDOptions, isRateConstant: boolean): boolean {
    // What a subclass does to the gradient need not be linear.
    const isOwn = this.update === SGD.prototype.update;
    return isOwn && (options.momentum === 0 || keepsVelocity(options, isRateConstant));
  }

  override scalars({ learningRate, momentum, dampening }: SGDOptions, position: StepPosition): StepScalars {
    return {
      rate: learningRate * position.learningRateFactor,
      ...(position.momentum === undefined || momentum === 0 ? {} : { momentum: position.momentum }),
      ...(dampening === 0 ? {} : { share: position.step === 1 ? 1 : 1 - dampening }),
    };
  }

  override update({
    parameter,
    gradient,
    slots,
    scalars,
    options,
    isRateConstant = false,
    isScaled = false,
  }: UpdateArguments<SGDOptions>): UpdateResult {
    const { weightDecay } = options;
    const rate = scalars['rate'];
    const momentum = scalars['momentum'] ?? options.momentum;
    const factor = options.momentum === 0 ? undefined : scalars['share'];
    const share = (x: Tensor) => (factor === undefined ? x : x.mul(factor));
    if (options.momentum === 0 || keepsVelocity(options, isRateConstant)) {
      // Where the gradient is multiplied here, the factor goes to the smaller operand of the product that gives it.
      const scaled = share(isScaled ? gradient : gradient.mul(rate));
      const hasMomentum = options.momentum !== 0;
      const kept = hasMomentum ? slots['velocity'].mul(momentum).add(scaled) : scaled;
      const velocity = weightDecay === 0 ? kept : kept.add(parameter.mul(share(rate).mul(weightDecay)));
      return { parameter: parameter.sub(velocity), slots: hasMomentum ? { velocity } : {} };
    }
    const g = weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay));
    const added = share(g);
    const buffer = slots['momentum_buffer'].mul(momentum).add(added);
    const step = options.nesterov ? g.add(buffer.mul(momentum)) : buffer;
    return { parameter: parameter.sub(step.mul(rate)), slots: { momentum_buffer: buffer } };
  }
}

const keepsVelocity = ({ nesterov }: SGDOptions, isRateConstant: boolean): boolean =>
  isRateConstant && !nesterov;
