import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { scheduleConformanceCases } from '#testing';
import { type PlateauOptions, ReduceOnPlateau, type Schedule } from './schedule.ts';
import {
  constantRate,
  cosineDecay,
  cosineRestarts,
  exponentialDecay,
  lambdaRate,
  linearWarmup,
  multiStepDecay,
  oneCycle,
  polynomialDecay,
  sequential,
  stepDecay,
  withWarmup,
} from './schedules.ts';

interface Numbers {
  readonly data: readonly number[];
}
interface Case {
  readonly name: string;
  readonly options: Record<string, never> & { readonly base: number };
  readonly inputs: { readonly metrics?: Numbers };
  readonly expected: { readonly learningRate: Numbers; readonly momentum?: Numbers };
}
const fixture = new URL('../../../test/fixtures/nn/schedules.json', import.meta.url);
const cases = (JSON.parse(readFileSync(fixture, 'utf8')) as { cases: Case[] }).cases;

/** Our schedule for PyTorch's options. */
const ours: Readonly<Record<string, (options: Record<string, never>) => Schedule>> = {
  ConstantLR: (o) => constantRate({ factor: o['factor'], steps: o['total_iters'] }),
  StepLR: (o) => stepDecay({ every: o['step_size'], gamma: o['gamma'] }),
  MultiStepLR: (o) => multiStepDecay({ milestones: o['milestones'], gamma: o['gamma'] }),
  ExponentialLR: (o) => exponentialDecay({ gamma: o['gamma'] }),
  LinearLR: (o) => linearWarmup({ steps: o['total_iters'], start: o['start_factor'], end: o['end_factor'] }),
  CosineAnnealingLR: (o) => cosineDecay({ steps: o['T_max'], minimum: o['eta_min'] }),
  CosineAnnealingWarmRestarts: (o) =>
    cosineRestarts({ steps: o['T_0'], factor: o['T_mult'], minimum: o['eta_min'] }),
  PolynomialLR: (o) => polynomialDecay({ steps: o['total_iters'], power: o['power'] }),
  OneCycleLR: (o) =>
    oneCycle({
      steps: o['total_steps'],
      warmupShare: o['pct_start'],
      divisor: o['div_factor'],
      finalDivisor: o['final_div_factor'],
      shape: o['anneal_strategy'] === 'cos' ? 'cosine' : 'linear',
      threePhase: o['three_phase'],
      momentum: o['cycle_momentum'] ? [o['base_momentum'], o['max_momentum']] : false,
    }),
  LambdaLR: () => lambdaRate((step) => 1 / (1 + step / 10)),
  SequentialLR: () => withWarmup(cosineDecay({ steps: 32 }), { steps: 8, start: 0.1 }),
};

const plateauOf = (o: Record<string, never>): ReduceOnPlateau => {
  const options: Record<string, unknown> = {
    mode: o['mode'],
    factor: o['factor'],
    patience: o['patience'],
    threshold: o['threshold'],
    thresholdMode: o['threshold_mode'] === 'abs' ? 'absolute' : undefined,
    cooldown: o['cooldown'],
    minimum: o['min_lr'],
    eps: o['eps'],
  };
  return new ReduceOnPlateau(
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as PlateauOptions,
  );
};

function expectClose(got: readonly (number | undefined)[], { data }: Numbers): void {
  expect(got).toHaveLength(data.length);
  for (const [step, value] of data.entries()) {
    const error = Math.abs((got[step] ?? Number.NaN) - value);
    expect(error <= 1e-6 * Math.abs(value) + 1e-15, `step ${step}: ${got[step]} for ${value}`).toBe(true);
  }
}

describe("schedules give PyTorch's learning rates", () => {
  for (const { name, options, inputs, expected } of cases) {
    const kind = name.split(':')[0];
    const steps = expected.learningRate.data.map((_, step) => step);
    it(name, () => {
      if (inputs.metrics !== undefined) {
        const schedule = plateauOf(options);
        const rates = inputs.metrics.data.map((metric, step) => {
          const rate = schedule.learningRate(step, options.base);
          schedule.observe(metric, options.base);
          return rate;
        });
        expectClose(rates, expected.learningRate);
        return;
      }
      const schedule = ours[kind](options);
      expectClose(
        steps.map((step) => schedule.learningRate(step, options.base)),
        expected.learningRate,
      );
      if (expected.momentum === undefined) expect(schedule.momentum).toBeUndefined();
      else
        expectClose(
          steps.map((step) => schedule.momentum?.(step)),
          expected.momentum,
        );
    });
  }
});

describe('every schedule passes the conformance suite', () => {
  const all: Readonly<Record<string, () => Schedule>> = {
    constantRate: () => constantRate({ factor: 0.5, steps: 3 }),
    stepDecay: () => stepDecay({ every: 10 }),
    multiStepDecay: () => multiStepDecay({ milestones: [3, 80] }),
    exponentialDecay: () => exponentialDecay({ gamma: 0.9 }),
    linearWarmup: () => linearWarmup({ steps: 20 }),
    polynomialDecay: () => polynomialDecay({ steps: 50, power: 2 }),
    cosineDecay: () => cosineDecay({ steps: 60 }),
    cosineRestarts: () => cosineRestarts({ steps: 10, factor: 2 }),
    oneCycle: () => oneCycle({ steps: 100 }),
    'oneCycle of few steps': () => oneCycle({ steps: 2, warmupShare: 0.5 }),
    lambdaRate: () => lambdaRate((step) => 1 / (step + 1)),
    'warm-up before one cycle': () => withWarmup(oneCycle({ steps: 50 }), { steps: 5 }),
    ReduceOnPlateau: () => new ReduceOnPlateau(),
  };
  for (const [schedule, create] of Object.entries(all))
    for (const { name, run } of scheduleConformanceCases(create)) it(`${schedule}: ${name}`, run);
});

describe('ReduceOnPlateau', () => {
  it('goes on from its state after a round trip through JSON', () => {
    const metrics = [3, 2, 2, 2, 2, 1, 1, 1, 1, 1];
    const whole = new ReduceOnPlateau({ patience: 1, factor: 0.5 });
    for (const metric of metrics) whole.observe(metric);
    for (const cut of [0, 1, 4, 9]) {
      const first = new ReduceOnPlateau({ patience: 1, factor: 0.5 });
      for (const metric of metrics.slice(0, cut)) first.observe(metric);
      const second = new ReduceOnPlateau({ patience: 1, factor: 0.5 });
      second.state = JSON.parse(JSON.stringify(first.state));
      for (const metric of metrics.slice(cut)) second.observe(metric);
      expect(second.state).toEqual(whole.state);
    }
    expect(whole.learningRate(0, 1)).toBe(0.125);
  });

  it('takes a metric that is not a number for no improvement', () => {
    const schedule = new ReduceOnPlateau({ patience: 0, factor: 0.5 });
    schedule.observe(1);
    schedule.observe(Number.NaN);
    expect(schedule.state).toEqual({ best: 1, waited: 0, cooling: 0, factor: 0.5 });
  });
});

describe('schedules refuse what makes no sense', () => {
  const bad: Readonly<Record<string, () => unknown>> = {
    'a period of 0': () => stepDecay({ every: 0 }),
    'milestones out of order': () => multiStepDecay({ milestones: [8, 3] }),
    'a negative gamma': () => exponentialDecay({ gamma: -1 }),
    'a fraction of a step': () => cosineDecay({ steps: 2.5 }),
    'a warm-up that is the whole cycle': () => oneCycle({ steps: 10, warmupShare: 1 }),
    'a divisor of 0': () => oneCycle({ steps: 10, divisor: 0 }),
    'a schedule too many': () => sequential([constantRate(), constantRate()], []),
    'a factor above 1': () => new ReduceOnPlateau({ factor: 2 }),
    'a negative patience': () => new ReduceOnPlateau({ patience: -1 }),
  };
  for (const [what, run] of Object.entries(bad))
    it(what, () => {
      expect(run).toThrow(ConfigError);
      expect(run).toThrow(/^[\w ]+: .+ must .+, but got .+\. .+\.$/);
    });
});

it('a sequence holds the momentum of its cycling member while the others run', () => {
  const cycle = oneCycle({ steps: 10 });
  const schedule = sequential([constantRate(), cycle, constantRate()], [3, 13]);
  expect([0, 2, 3].map((step) => schedule.momentum?.(step))).toEqual([0.95, 0.95, 0.95]);
  expect(schedule.momentum?.(7)).toBe(cycle.momentum?.(4));
  expect(schedule.momentum?.(40)).toBe(cycle.momentum?.(9));
});
