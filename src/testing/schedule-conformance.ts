import assert from 'node:assert/strict';
import type { Schedule } from '#nn';
import type { ConformanceCase } from './learner-conformance.ts';

export interface ScheduleConformanceOptions {
  /** Steps that are looked at; 200 by default. */
  readonly steps?: number;
}

/**
 * The checks every learning-rate schedule must pass, for any test runner.
 *
 * @param create makes the schedule anew, with the same options every time
 * @example
 * for (const { name, run } of scheduleConformanceCases(() => cosineDecay({ steps: 50 }))) it(name, run);
 */
export function scheduleConformanceCases(
  create: () => Schedule,
  { steps = 200 }: ScheduleConformanceOptions = {},
): ConformanceCase[] {
  const base = 0.1;
  const all = Array.from({ length: steps }, (_, step) => step);
  const rates = (schedule: Schedule, order: readonly number[] = all) =>
    new Map(order.map((step) => [step, schedule.learningRate(step, base)]));
  const check = (name: string, run: () => void): ConformanceCase => ({ name, run: async () => run() });
  return [
    check('has a name', () => assert.ok(create().name.length > 0)),
    check('rates are finite and at least 0', () => {
      for (const [step, rate] of rates(create()))
        assert.ok(Number.isFinite(rate) && rate >= 0, `step ${step}: ${rate}`);
    }),
    check('rates depend on the step alone, so that a run can be resumed anywhere', () => {
      const backwards = rates(create(), [...all].reverse());
      for (const [step, rate] of rates(create())) assert.equal(backwards.get(step), rate, `step ${step}`);
    }),
    check('two schedules with the same options agree', () => {
      const [one, other] = [create(), create()];
      assert.deepEqual([...rates(one)], [...rates(other)]);
    }),
    check('a base of 0 gives no learning rate above that of a small base', () => {
      const schedule = create();
      for (const step of all)
        assert.ok(schedule.learningRate(step, 0) <= schedule.learningRate(step, base), `step ${step}`);
    }),
    check('the rate is there before the first step', () => {
      assert.ok(Number.isFinite(create().learningRate(0, base)));
    }),
    check('momentum lies in [0, 1) and depends on the step alone', () => {
      const schedule = create();
      const momenta = all.map((step) => schedule.momentum?.(step));
      for (const [step, momentum] of momenta.entries()) {
        if (momentum === undefined) assert.equal(schedule.momentum, undefined, `step ${step}`);
        else assert.ok(momentum >= 0 && momentum < 1, `step ${step}: ${momentum}`);
      }
      assert.deepEqual(all.map((step) => create().momentum?.(step)).reverse(), momenta.reverse());
    }),
  ];
}
