import { describe, expect, it } from 'vitest';
import { numberColumn, stringColumn, Table } from '#data';
import type { ValidationOption } from './automl-options.ts';
import { chooseValidation, type FoldData, planValidation, type ValidationChoice } from './validation.ts';

const choose = (
  guessedSeconds: number,
  timeoutSeconds = Number.POSITIVE_INFINITY,
  measured = guessedSeconds,
) =>
  chooseValidation(undefined, undefined, {
    timeoutSeconds,
    concurrency: 2,
    guessedSeconds,
    measureSeconds: async () => measured,
  });

function dataOf(labels: readonly string[], more: Partial<FoldData> = {}): FoldData {
  const classLabels = [...new Set(labels)].sort();
  const y = Float64Array.from(labels, (label) => classLabels.indexOf(label));
  return {
    table: new Table([stringColumn('y', labels)]),
    y,
    classes: classLabels.length,
    classCounts: classLabels.map((label) => labels.filter((other) => other === label).length),
    classLabels,
    trainingRows: y.length,
    seed: 1,
    ...more,
  };
}

const plan = (option: ValidationChoice['option'], data: FoldData) =>
  planValidation({ option, reason: 'as given' }, data);
const cycle = (values: readonly string[], rows: number) =>
  Array.from({ length: rows }, (_, i) => values[i % values.length]);

describe('chooseValidation', () => {
  it('is 5-fold for quick data', async () => {
    const { option, reason } = await choose(0.1);
    expect(option).toEqual({ kind: 'k-fold', folds: 5 });
    expect(reason).toMatch(/of the 300 s there are/);
  });

  it('is a hold-out when eight trials of five folds do not fit into the time', async () => {
    // 8 × 5 × 100 s / 2 workers = 2000 s
    expect((await choose(100)).option).toEqual({ kind: 'hold-out', share: 0.1 });
    // 8 × 5 × 1 s / 2 workers = 20 s > 0.7 × 10 s
    expect((await choose(1, 10)).option.kind).toBe('hold-out');
  });

  it('measures only when a guess is near the limit', async () => {
    // 20 s × 10 = 200 s of 300 s: near. The measurement decides.
    expect((await choose(10, undefined, 100)).option.kind).toBe('hold-out');
    // 20 s × 1 = 20 s of 300 s: far.
    expect((await choose(1, undefined, 100)).option.kind).toBe('k-fold');
  });

  it('is what was given', async () => {
    const context = {
      timeoutSeconds: 1,
      concurrency: 1,
      guessedSeconds: 1000,
      measureSeconds: async () => 1000,
    };
    const option: ValidationOption = { kind: 'hold-out', share: 0.3 };
    expect((await chooseValidation(option, undefined, context)).option).toBe(option);
    expect((await chooseValidation(undefined, 3, context)).option).toEqual({ kind: 'k-fold', folds: 3 });
  });
});

describe('planValidation', () => {
  it('holds every row out once in stratified folds', () => {
    const labels = cycle(['a', 'a', 'a', 'b'], 80);
    const { folds, report } = plan({ kind: 'k-fold', folds: 4 }, dataOf(labels));
    expect(report).toEqual({ kind: 'k-fold', folds: 4, reason: 'as given' });
    const held = folds.flatMap(({ validation }) => [...validation]).sort((a, b) => a - b);
    expect(held).toEqual(labels.map((_, i) => i));
    for (const { train, validation } of folds) {
      expect(train.length + validation.length).toBe(80);
      expect([...validation].filter((row) => labels[row] === 'b')).toHaveLength(5);
    }
  });

  it('spreads classes with fewer rows than folds and says so', () => {
    const labels = [...cycle(['a', 'b'], 40), 'rare', 'rare'];
    const { folds, report } = plan({ kind: 'k-fold', folds: 5 }, dataOf(labels));
    expect(report.reason).toMatch(/"rare" has fewer rows than folds/);
    expect(folds).toHaveLength(5);
    expect(folds.flatMap(({ validation }) => [...validation])).toHaveLength(42);
  });

  it('spreads many rare classes together', () => {
    const labels = [...cycle(['a', 'b'], 40), ...cycle(['r', 's', 't', 'u'], 8)];
    const { folds } = plan({ kind: 'k-fold', folds: 5 }, dataOf(labels));
    for (const { validation } of folds) {
      const rare = [...validation].filter((row) => row >= 40).length;
      expect(rare).toBeGreaterThanOrEqual(1);
      expect(rare).toBeLessThanOrEqual(2);
    }
  });

  it('makes fewer folds of fewer rows', () => {
    const { folds, report } = plan({ kind: 'k-fold', folds: 5 }, dataOf(['a', 'b', 'a']));
    expect(folds).toHaveLength(3);
    expect(report.reason).toMatch(/3 rows allow 3 folds only, not 5/);
  });

  it('keeps groups together', () => {
    const groups = Array.from({ length: 60 }, (_, i) => (i % 7 === 6 ? null : `g${i % 6}`));
    const table = new Table([stringColumn('group', groups)]);
    const { folds } = plan(
      { kind: 'group', column: 'group', folds: 3 },
      dataOf(cycle(['a', 'b'], 60), { table }),
    );
    expect(folds).toHaveLength(3);
    for (const { train, validation } of folds) {
      const seen = new Set([...train].map((row) => groups[row]).filter((group) => group !== null));
      for (const row of validation) if (groups[row] !== null) expect(seen.has(groups[row])).toBe(false);
    }
  });

  it('validates on later rows than it learns from', () => {
    const times = Array.from({ length: 50 }, (_, i) => (i * 37) % 50);
    const table = new Table([numberColumn('day', times)]);
    const { folds } = plan(
      { kind: 'time', column: 'day', folds: 4 },
      dataOf(cycle(['a', 'b'], 50), { table }),
    );
    for (const { train, validation } of folds) {
      const latest = Math.max(...[...train].map((row) => times[row]));
      for (const row of validation) expect(times[row]).toBeGreaterThan(latest);
    }
  });

  it('takes folds from a column, rows without one are always learned from', () => {
    const table = new Table([stringColumn('fold', ['one', 'two', null, 'one'])]);
    const { folds } = plan({ kind: 'fold-column', column: 'fold' }, dataOf(['a', 'b', 'a', 'b'], { table }));
    expect(folds.map(({ validation }) => [...validation])).toEqual([[0, 3], [1]]);
    expect([...folds[1].train]).toEqual([0, 2, 3]);
  });

  it('validates on the rows that follow the training rows', () => {
    const data = dataOf(['a', 'b', 'a', 'b', 'a'], { trainingRows: 3 });
    const { folds } = plan({ kind: 'given', table: data.table }, data);
    expect(folds.map(({ train, validation }) => [[...train], [...validation]])).toEqual([
      [
        [0, 1, 2],
        [3, 4],
      ],
    ]);
  });

  it.each<[string, ValidationChoice['option'], RegExp]>([
    ['a share of 1', { kind: 'hold-out', share: 1 }, /between 0 and 1, but got 1/],
    ['one fold', { kind: 'k-fold', folds: 1 }, /from 2 to 50, but got 1/],
    ['half a repeat', { kind: 'monte-carlo', repeats: 0.5 }, /from 1 to 50, but got 0.5/],
  ])('refuses %s', (_, option, message) => {
    expect(() => plan(option, dataOf(cycle(['a', 'b'], 20)))).toThrow(message);
  });
});
