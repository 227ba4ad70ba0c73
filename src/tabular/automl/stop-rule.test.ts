import { describe, expect, it } from 'vitest';
import { StopRule } from './stop-rule.ts';

function feed(rule: StopRule, scores: readonly (number | undefined)[]): void {
  for (const score of scores) rule.add(score);
}
const same = (score: number | undefined, times: number) => new Array<number | undefined>(times).fill(score);

describe('StopRule', () => {
  it('never stops within the first 20 trials, however bad they are', () => {
    const rule = new StopRule({ metric: 'AUC_weighted' });
    for (let i = 0; i < 20; i++) {
      expect(rule.reason()).toBeUndefined();
      rule.add(0.9 - i / 100);
    }
    // 20 trials, the best was the first: 19 without change.
    expect(rule.reason()).toBeUndefined();
    rule.add(0.1);
    expect(rule.reason()).toMatch(/did not change over the last 20 trials/);
  });

  it('stops when the best has not changed for 20 trials, counted from the last improvement', () => {
    const rule = new StopRule({ metric: 'AUC_weighted' });
    feed(rule, [...same(0.5, 15), 0.8, ...same(0.8, 19)]);
    expect(rule.reason()).toBeUndefined();
    rule.add(0.8);
    expect(rule.reason()).toMatch(/last 20 trials/);
  });

  it('counts discarded and failed trials as no improvement', () => {
    const rule = new StopRule({ metric: 'AUC_weighted' });
    feed(rule, [0.7, ...same(undefined, 20)]);
    expect(rule.reason()).toMatch(/last 20 trials/);
    expect(rule.bestScore).toBe(0.7);
  });

  it('knows metrics that are better when lower', () => {
    const rule = new StopRule({ metric: 'log_loss', exitScore: 0.2 });
    expect(rule.add(0.5)).toBe(true);
    expect(rule.add(0.6)).toBe(false);
    expect(rule.reason()).toBeUndefined();
    expect(rule.add(0.19)).toBe(true);
    expect(rule.reason()).toMatch(/exit score 0.2 was reached/);
  });

  it('stops at an exit score that is just met', () => {
    const rule = new StopRule({ metric: 'accuracy', exitScore: 0.9 });
    rule.add(0.9);
    expect(rule.reason()).toMatch(/exit score/);
  });

  it('counts running trials towards the most trials', () => {
    const rule = new StopRule({ metric: 'accuracy', maxTrials: 3 });
    rule.add(0.5);
    expect(rule.reason(1)).toBeUndefined();
    expect(rule.reason(2)).toMatch(/all 3 trials/);
  });

  it('does not take an undefined metric for the best', () => {
    const rule = new StopRule({ metric: 'accuracy' });
    expect(rule.add(Number.NaN)).toBe(false);
    expect(rule.bestScore).toBeUndefined();
  });
});
