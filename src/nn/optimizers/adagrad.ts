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

export interface AdagradOptions extends CommonOptions {
  /** Decay of the rate: η/(1 + (t − 1)·learningRateDecay); 0 by default. */
  readonly learningRateDecay: number;
  /** Initial sum of squares; 0 by default. */
  readonly initialAccumulator: number;
  /** Added to the root; 1e-10 by default. */
  readonly eps: number;
}

/**
 * s ← s + g²; p ← p − η·g/(√s + ε).
 *
 * @source Duchi et al. 2011, https://jmlr.org/papers/v12/duchi11a.html
 */
export class Adagrad extends Optimizer<AdagradOptions> {
  readonly name = 'Adagrad';

  constructor(
    options: Partial<AdagradOptions> & { groups?: readonly ParameterGroup<AdagradOptions>[] } = {},
  ) {
    const {
      learningRate = 0.01,
      weightDecay = 0,
      learningRateDecay = 0,
      initialAccumulator = 0,
      eps = 1e-10,
    } = options;
    super({ learningRate, weightDecay, learningRateDecay, initialAccumulator, eps }, options.groups);
  }

  override slots({ initialAccumulator }: AdagradOptions): readonly Slot[] {
    return [{ name: 'sum', initial: initialAccumulator }];
  }

  override scalars({ learningRate, learningRateDecay }: AdagradOptions, position: StepPosition): StepScalars {
    const rate = learningRate * position.learningRateFactor;
    return { rate: rate / (1 + (position.step - 1) * learningRateDecay) };
  }

  override update({
    parameter,
    gradient,
    slots,
    scalars,
    options,
  }: UpdateArguments<AdagradOptions>): UpdateResult {
    const g = options.weightDecay === 0 ? gradient : gradient.add(parameter.mul(options.weightDecay));
    const sum = slots['sum'].add(g.mul(g));
    const step = g.mul(scalars['rate']).div(sum.sqrt().add(options.eps));
    return { parameter: parameter.sub(step), slots: { sum } };
  }
}
