import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';

interface Parameters {
  readonly C: number;
  readonly depth: number | null;
  readonly penalty: 'l1' | 'l2';
  readonly average: boolean;
}

const defaults: Parameters = { C: 1, depth: null, penalty: 'l2', average: true };
const rules: ParameterRules<Parameters> = {
  C: { type: 'float', above: 0, max: 10 },
  depth: { type: 'int', min: 1, nullable: true },
  penalty: { type: 'choice', values: ['l1', 'l2'] },
  average: { type: 'boolean' },
};

describe('parseParameters', () => {
  it('fills in defaults and leaves them as they are', () => {
    expect(parseParameters('Learner', defaults, { C: 10, depth: 3 }, rules)).toEqual({
      ...defaults,
      C: 10,
      depth: 3,
    });
    expect(parseParameters('Learner', defaults, { depth: null }, rules)).toEqual(defaults);
    expect(defaults.C).toBe(1);
  });

  it('names every fault at once, with the nearest name', () => {
    const given = { C: 0, depth: 1.5, penalti: 'l1', penalty: 'L1', average: 'yes' } as unknown as Parameters;
    expect(() => parseParameters('Learner', defaults, given, rules)).toThrow(ConfigError);
    expect(() => parseParameters('Learner', defaults, given, rules)).toThrow(
      'Learner: C must be a number above 0 and at most 10, but got 0; depth must be a whole number at least 1, or null, ' +
        'but got 1.5; "penalti" is not a parameter (did you mean "penalty"?); penalty must be one of l1, l2 ' +
        '(did you mean "l1"?), but got "L1"; average must be true or false, but got "yes". ' +
        'The parameters are C, depth, penalty, average.',
    );
  });

  it('refuses NaN, infinity and null where a number is needed', () => {
    for (const C of [Number.NaN, Number.POSITIVE_INFINITY, null]) {
      expect(() => parseParameters('Learner', defaults, { C } as Partial<Parameters>, rules)).toThrow(
        ConfigError,
      );
    }
  });

  it('says so when there are no parameters', () => {
    expect(() => parseParameters<object>('Dummy', {}, { C: 1 }, {})).toThrow(
      'Dummy: "C" is not a parameter. It has no parameters.',
    );
  });
});
