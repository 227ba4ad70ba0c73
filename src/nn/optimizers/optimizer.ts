import { ConfigError } from '#core';
import type { Tensor } from '#engine';
import { matchesName, type NamePattern } from '../module.ts';

/** Parameters with options of their own. The first group that matches a parameter's name is its group. */
export type ParameterGroup<O> = Partial<O> & {
  readonly match: NamePattern;
  /** Updates before the group's first one, of which its bias correction knows nothing; 0 by default. */
  readonly startStep?: number;
};

/** What every optimiser is told. */
export interface CommonOptions {
  /** Step size, above 0. */
  readonly learningRate: number;
  /** Weight of the parameters' decay, at least 0; 0 by default. */
  readonly weightDecay: number;
}

/** State of an optimiser per parameter, of the parameter's shape. */
export interface Slot {
  readonly name: string;
  /** Initial contents of every element. */
  readonly initial: number;
}

/** Numbers that change from step to step; computed in float64 and fed, so that they cost no accuracy. */
export interface StepScalars {
  readonly [name: string]: number;
}

export interface UpdateArguments<O> {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
  readonly scalars: Readonly<Record<string, Tensor>>;
  readonly options: O;
  /** Whether no schedule changes the learning rate, so that state may hold it as a factor; false by default. */
  readonly isRateConstant?: boolean;
  /** Whether the gradient comes times the learning rate; false by default. */
  readonly isScaled?: boolean;
}

export interface UpdateResult {
  readonly parameter: Tensor;
  readonly slots: Readonly<Record<string, Tensor>>;
}

/** Where a step stands: what schedules and bias corrections depend on. */
export interface StepPosition {
  /** Number of this update, counted from 1. */
  readonly step: number;
  /** Learning rate now over the one the optimiser was made with. */
  readonly learningRateFactor: number;
  /** Momentum (or first beta) now, where a schedule cycles it. */
  readonly momentum?: number | undefined;
}

/**
 * A rule that turns gradients into new parameters. It is recorded as part of the training step: `update` builds the
 * graph once, `scalars` gives the numbers of each step.
 */
export abstract class Optimizer<O extends CommonOptions = CommonOptions> {
  abstract readonly name: string;
  /** Whether an element's update depends on that element alone, so that parameters may be updated joined. */
  readonly isElementwise: boolean = true;
  readonly options: O;
  readonly groups: readonly ParameterGroup<O>[];

  constructor(options: O, groups: readonly ParameterGroup<O>[] = []) {
    this.options = options;
    this.groups = groups;
    for (const each of [options, ...groups]) checkCommon(each, new.target.name);
  }

  /**
   * State that a group's parameters need.
   * @param isRateConstant what `update` will be told
   */
  abstract slots(options: O, isRateConstant?: boolean): readonly Slot[];

  /**
   * Whether `update` can do with gradients that come times the scalar called `rate`: the loss is then multiplied by it
   * before it is differentiated, which saves a product per parameter. Only for updates that are linear in the gradient.
   */
  takesScaledGradients(_options: O, _isRateConstant: boolean): boolean {
    return false;
  }

  /** Numbers of one step for a group; always under the same names. */
  abstract scalars(options: O, position: StepPosition): StepScalars;

  /** New parameter and state from the gradient. */
  abstract update(context: UpdateArguments<O>): UpdateResult;

  /** Index of a parameter's group; −1 is the optimiser's own options. */
  groupOf(name: string): number {
    return this.groups.findIndex(({ match }) => matchesName(match, name));
  }

  /** Where a group stands: its own count of steps. */
  groupPosition(index: number, position: StepPosition): StepPosition {
    const start = this.groups[index]?.startStep ?? 0;
    return start === 0 ? position : { ...position, step: position.step - start };
  }

  /** Options of a group, those of the optimiser where it has none. */
  groupOptions(index: number): O {
    return index < 0 ? this.options : { ...this.options, ...this.groups[index] };
  }
}

function checkCommon({ learningRate, weightDecay }: Partial<CommonOptions>, where: string): void {
  const faults: string[] = [];
  if (learningRate !== undefined && !(learningRate >= 0 && learningRate < Number.POSITIVE_INFINITY))
    faults.push(`learningRate ${learningRate}`);
  if (weightDecay !== undefined && !(weightDecay >= 0)) faults.push(`weightDecay ${weightDecay}`);
  if (faults.length === 0) return;
  throw new ConfigError(
    `${where}: options must be numbers of at least 0, but got ${faults.join(', ')}. Change them.`,
    {
      learningRate,
      weightDecay,
    },
  );
}

/**
 * @throws ConfigError for a number outside [low, high)
 */
export function checkRange(value: number, low: number, high: number, what: string): void {
  if (value >= low && value < high) return;
  throw new ConfigError(`${what}: must lie in [${low}, ${high}), but got ${value}. Change it.`, { value });
}
