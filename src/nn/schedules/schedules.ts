import { ConfigError } from '#core';
import type { Schedule } from './schedule.ts';

const make = (
  name: string,
  learningRate: Schedule['learningRate'],
  momentum?: (step: number) => number,
): Schedule => ({
  name,
  learningRate,
  ...(momentum === undefined ? {} : { momentum }),
});

function requirePositive(value: number, what: string): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new ConfigError(
    `${what}: must be a whole number above 0, but got ${value}. Pass a number of steps.`,
    { value },
  );
}

function requireNumbers(where: string, values: Readonly<Record<string, number>>, low = 0): void {
  const faults = Object.entries(values).filter(
    ([, value]) => !(value >= low && value < Number.POSITIVE_INFINITY),
  );
  if (faults.length === 0) return;
  const got = faults.map(([name, value]) => `${name} ${value}`).join(', ');
  throw new ConfigError(
    `${where}: numbers must be finite and at least ${low}, but got ${got}. Change them.`,
    values,
  );
}

function requireAscending(where: string, milestones: readonly number[]): void {
  const ascends = milestones.every((at, i) => Number.isInteger(at) && at > (milestones[i - 1] ?? -1));
  if (ascends) return;
  throw new ConfigError(
    `${where}: milestones must be whole numbers in ascending order, but got [${milestones.join(', ')}]. Sort them.`,
    { milestones: [...milestones] },
  );
}

/** base·factor for the first `steps` steps, base afterwards; without steps the base for ever. */
export function constantRate({ factor = 1, steps = 0 }: { factor?: number; steps?: number } = {}): Schedule {
  requireNumbers('constantRate', { factor, steps });
  return make('constant', (step, base) => (step < steps ? base * factor : base));
}

/** base·gamma^⌊step/every⌋. */
export function stepDecay({ every, gamma = 0.1 }: { every: number; gamma?: number }): Schedule {
  requirePositive(every, 'stepDecay: every');
  requireNumbers('stepDecay', { gamma });
  return make('step', (step, base) => base * gamma ** Math.floor(step / every));
}

/** base·gamma^(number of milestones reached). */
export function multiStepDecay({
  milestones,
  gamma = 0.1,
}: {
  milestones: readonly number[];
  gamma?: number;
}): Schedule {
  requireAscending('multiStepDecay', milestones);
  requireNumbers('multiStepDecay', { gamma });
  return make('multiStep', (step, base) => base * gamma ** milestones.filter((at) => step >= at).length);
}

/** base·gamma^step. */
export function exponentialDecay({ gamma }: { gamma: number }): Schedule {
  requireNumbers('exponentialDecay', { gamma });
  return make('exponential', (step, base) => base * gamma ** step);
}

/** From base·start to base·end in equal parts over `steps` steps: a linear warm-up. */
export function linearWarmup({
  steps,
  start = 1 / 3,
  end = 1,
}: {
  steps: number;
  start?: number;
  end?: number;
}): Schedule {
  requirePositive(steps, 'linearWarmup: steps');
  requireNumbers('linearWarmup', { start, end });
  return make(
    'linearWarmup',
    (step, base) => base * (start + ((end - start) * Math.min(step, steps)) / steps),
  );
}

/** base·(1 − step/steps)^power, 0 after the end. */
export function polynomialDecay({ steps, power = 1 }: { steps: number; power?: number }): Schedule {
  requirePositive(steps, 'polynomialDecay: steps');
  requireNumbers('polynomialDecay', { power });
  return make('polynomial', (step, base) => base * (1 - Math.min(step, steps) / steps) ** power);
}

const cosineBetween = (from: number, to: number, share: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;

/**
 * Half a cosine from the base to `minimum` over `steps` steps: minimum + (base − minimum)·(1 + cos(π·step/steps))/2,
 * which rises again after them, as PyTorch's does.
 *
 * @source Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983
 */
export function cosineDecay({ steps, minimum = 0 }: { steps: number; minimum?: number }): Schedule {
  requirePositive(steps, 'cosineDecay: steps');
  requireNumbers('cosineDecay', { minimum });
  return make('cosine', (step, base) => cosineBetween(base, minimum, step / steps));
}

/** Cosines that start again at the base, each `factor` times as long as the one before. */
export function cosineRestarts({
  steps,
  factor = 1,
  minimum = 0,
}: {
  steps: number;
  factor?: number;
  minimum?: number;
}): Schedule {
  requirePositive(steps, 'cosineRestarts: steps');
  requirePositive(factor, 'cosineRestarts: factor');
  requireNumbers('cosineRestarts', { minimum });
  return make('cosineRestarts', (step, base) => {
    let [length, at] = [steps, step];
    if (factor === 1) at %= length;
    else {
      while (at >= length) {
        at -= length;
        length *= factor;
      }
    }
    return cosineBetween(base, minimum, at / length);
  });
}

export interface OneCycleOptions {
  /** Steps of the whole cycle. */
  readonly steps: number;
  /** Share of the steps in which the rate rises, in (0, 1); 0.3 by default. */
  readonly warmupShare?: number;
  /** Start is the largest rate over this; 25 by default. */
  readonly divisor?: number;
  /** End is the start over this; 1e4 by default. */
  readonly finalDivisor?: number;
  readonly shape?: 'cosine' | 'linear';
  /** Come down as slowly as up, then to the end in a third phase. */
  readonly threePhase?: boolean;
  /** Momentum at the largest and at the smallest rate; false leaves it alone. [0.85, 0.95] by default. */
  readonly momentum?: readonly [number, number] | false;
}

/**
 * The rate rises from base/divisor to the base, which is its largest value, and falls to almost nothing, while the
 * momentum does the opposite.
 *
 * @throws ConfigError
 * @source Smith and Topin 2017, https://arxiv.org/abs/1708.07120
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const {
    steps,
    warmupShare = 0.3,
    divisor = 25,
    finalDivisor = 1e4,
    shape = 'cosine',
    threePhase = false,
  } = options;
  const { momentum = [0.85, 0.95] } = options;
  requirePositive(steps, 'oneCycle: steps');
  if (!(warmupShare > 0 && warmupShare < 1)) {
    throw new ConfigError(
      `oneCycle: warmupShare must lie in (0, 1), but got ${warmupShare}. Pass a share of the steps.`,
      {
        warmupShare,
      },
    );
  }
  requireNumbers('oneCycle', {
    divisor,
    finalDivisor,
    ...(momentum ? { low: momentum[0], high: momentum[1] } : {}),
  });
  requireNumbers('oneCycle', { divisor, finalDivisor }, Number.MIN_VALUE);
  const first = warmupShare * steps - 1;
  const ends = threePhase ? [first, 2 * warmupShare * steps - 2, steps - 1] : [first, steps - 1];
  const between = (from: number, to: number, share: number) =>
    shape === 'cosine' ? cosineBetween(from, to, share) : from + (to - from) * share;
  /** The value at a step, given the values at the start and at the end of each phase. */
  const at = (step: number, values: readonly number[]): number => {
    const phase = ends.findIndex((end, i) => step <= end || i === ends.length - 1);
    const start = phase === 0 ? 0 : ends[phase - 1];
    const length = ends[phase] - start;
    // So few steps that a phase has no length: it is over at once.
    return between(values[phase], values[phase + 1], length > 0 ? Math.min(1, (step - start) / length) : 1);
  };
  const rates = (base: number) => {
    const start = base / divisor;
    return threePhase ? [start, base, start, start / finalDivisor] : [start, base, start / finalDivisor];
  };
  const learningRate: Schedule['learningRate'] = (step, base) => at(step, rates(base));
  if (momentum === false) return make('oneCycle', learningRate);
  const [low, high] = momentum;
  const momenta = threePhase ? [high, low, high, high] : [high, low, high];
  return make('oneCycle', learningRate, (step) => at(step, momenta));
}

/** base·factor(step). */
export function lambdaRate(factor: (step: number) => number): Schedule {
  return make('lambda', (step, base) => base * factor(step));
}

/**
 * One schedule after another: `milestones[i]` is the first step of schedule i + 1, which counts from there. Where one of
 * them cycles the momentum, it is held during the others: at the last value, or before at the first one.
 *
 * @throws ConfigError unless there is one milestone less than schedules, in ascending order
 */
export function sequential(schedules: readonly Schedule[], milestones: readonly number[]): Schedule {
  if (schedules.length !== milestones.length + 1) {
    throw new ConfigError(
      `sequential: there must be one milestone between two schedules, but got ${schedules.length} schedules and ${milestones.length} milestones. Add or remove one.`,
      { schedules: schedules.length, milestones: milestones.length },
    );
  }
  requireAscending('sequential', milestones);
  const indexAt = (step: number) => milestones.filter((at) => step >= at).length;
  const startOf = (index: number) => milestones[index - 1] ?? 0;
  const learningRate: Schedule['learningRate'] = (step, base) => {
    const index = indexAt(step);
    return schedules[index].learningRate(step - startOf(index), base);
  };
  const cycling = schedules.flatMap(({ momentum }, index) => (momentum === undefined ? [] : [index]));
  if (cycling.length === 0) return make('sequential', learningRate);
  return make('sequential', learningRate, (step) => {
    const index = cycling.findLast((each) => each <= indexAt(step)) ?? cycling[0];
    const inside = Math.min(Math.max(step, startOf(index)), (milestones[index] ?? step + 1) - 1);
    return schedules[index].momentum?.(inside - startOf(index)) ?? 0;
  });
}

/** Linear warm-up, then another schedule from its beginning. */
export function withWarmup(
  schedule: Schedule,
  { steps, start = 0 }: { steps: number; start?: number },
): Schedule {
  return sequential([linearWarmup({ steps, start }), schedule], [steps]);
}
