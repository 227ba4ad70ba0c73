import { describe, expect, it } from 'vitest';
import { tooGoodWarning } from './too-good.ts';

const importances = (...values: [string, number][]) =>
  values.map(([column, importance]) => ({ column, importance, std: 0 }));

describe('tooGoodWarning', () => {
  it('names the columns that make up most of an almost perfect score', () => {
    const importance = importances(['registered', 1.3], ['casual', 0.28], ['temp', 0.00002]);
    expect(tooGoodWarning('regression', { r2_score: 0.99999 }, importance)).toBe(
      'The best score is almost perfect (r2_score 1.0000). Is "registered", "casual" known before the label is? If not, ' +
        'leave it out with dropColumns.',
    );
  });

  it('suspects one or two columns that make up nearly all of a very good score', () => {
    const metrics = { AUC_weighted: 0.9912 };
    expect(tooGoodWarning('classification', metrics, importances(['boat', 0.31], ['name', 0.004]))).toContain(
      '"boat"',
    );
    expect(
      tooGoodWarning('classification', metrics, importances(['age', 0.2], ['name', 0.1], ['sex', 0.1])),
    ).toBeUndefined();
    expect(
      tooGoodWarning('classification', { AUC_weighted: 0.95 }, importances(['boat', 0.3])),
    ).toBeUndefined();
  });

  it('warns without importances, and keeps quiet without a score', () => {
    expect(tooGoodWarning('classification', { AUC_weighted: 1 }, [])).toContain('Is a column known');
    expect(tooGoodWarning('regression', { r2_score: Number.NaN }, [])).toBeUndefined();
  });
});
