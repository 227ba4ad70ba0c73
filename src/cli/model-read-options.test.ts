import { describe, expect, it } from 'vitest';
import { modelReadOptions } from './model-read-options.ts';

function modelWith(values: readonly string[] | null) {
  const labels = values === null ? null : { type: 'string' as const, values };
  const inputs = [{ column: 'age', dtype: 'float32', kind: 'number' } as const];
  return { labels, labelColumn: 'y', inputs };
}

describe('modelReadOptions', () => {
  it.each([
    ['numbers', ['0', '1'], 'number'],
    ['fractions', ['0.5', '1.5'], 'number'],
    ['text', ['no', 'yes'], 'string'],
    // A file with rows of the first class only would be taken for numbers, and "1.0" for 1.
    ['text that begins like numbers', ['1.0', '2.0b'], 'string'],
    ['the values of a regression', null, 'number'],
  ])('reads columns as in training, labels that are %s too', (_, values, kind) => {
    expect(modelReadOptions(modelWith(values), {}).types).toEqual({ age: 'number', y: kind });
  });

  it('reads the named label column', () => {
    expect(modelReadOptions(modelWith(['no', 'yes']), {}, 'truth').types).toEqual({
      age: 'number',
      truth: 'string',
    });
  });
});
