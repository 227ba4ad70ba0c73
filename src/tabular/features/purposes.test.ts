import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { type Column, dateColumn, numberColumn, stringColumn, Table } from '#data';
import { inferPurposes } from './purposes.ts';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

function purposeOf(column: Column): string {
  return inferPurposes(new Table([column]))[0].purpose;
}

describe('inferPurposes', () => {
  it('drops columns that are missing everywhere or constant', () => {
    expect(purposeOf(numberColumn('x', [null, Number.NaN]))).toBe('AllNan');
    expect(purposeOf(stringColumn('x', [null, '']))).toBe('AllNan');
    expect(purposeOf(stringColumn('x', ['a', 'a', 'a']))).toBe('Ignore');
    expect(purposeOf(numberColumn('x', [7, 7]))).toBe('Ignore');
    expect(purposeOf(dateColumn('x', [0, 0]))).toBe('Ignore');
  });

  it('keeps one value that is missing in some rows, because being there tells something', () => {
    expect(
      purposeOf(
        stringColumn(
          'x',
          range(100).map((i) => (i % 2 ? 'yes' : null)),
        ),
      ),
    ).toBe('Categorical');
  });

  it('takes whole numbers with at most min(50, n/20) values for categories', () => {
    const column = (values: number, n = 1000) =>
      numberColumn(
        'x',
        range(n).map((i) => i % values),
      );
    expect(purposeOf(column(49))).toBe('Categorical');
    // 50 < min(200, 1000/20 = 50) is false, so the rule for many values decides first.
    expect(purposeOf(column(50))).toBe('Numeric');
    expect(purposeOf(column(50, 2000))).toBe('Categorical');
    expect(purposeOf(column(51, 2000))).toBe('Numeric');
    expect(
      purposeOf(
        numberColumn(
          'x',
          range(1000).map((i) => (i % 5) / 2),
        ),
      ),
    ).toBe('Numeric');
  });

  it('tells categories, hashed categories, text and identifiers apart', () => {
    const column = (make: (i: number) => string, n = 1000) => stringColumn('x', range(n).map(make));
    expect(purposeOf(column((i) => `c${i % 49}`))).toBe('Categorical');
    expect(purposeOf(column((i) => `c${i % 50}`))).toBe('CategoricalHash');
    expect(purposeOf(column((i) => `c${i % 699}`))).toBe('CategoricalHash');
    expect(purposeOf(column((i) => `c${i % 700}`))).toBe('Ignore');
    expect(purposeOf(column((i) => `c${i % 900}`))).toBe('Ignore');
    expect(purposeOf(column((i) => `c${i % 901}`))).toBe('Hashes');
    expect(purposeOf(column((i) => `a b c${i % 851}`))).toBe('Text');
    expect(purposeOf(column((i) => `a b c${i % 750}`))).toBe('Text');
    expect(purposeOf(column((i) => `a b c${i % 600}`))).toBe('CategoricalHash');
    expect(purposeOf(column((i) => `c${i % 10_000}`, 20_000))).toBe('Ignore');
  });

  it('ignores a column that counts the rows when it is named like an id', () => {
    const values = range(50).map((i) => i + 1);
    expect(purposeOf(numberColumn('PassengerId', values))).toBe('Ignore');
    expect(purposeOf(numberColumn('instant', values))).toBe('Ignore');
    expect(purposeOf(numberColumn('x', values))).toBe('Numeric');
    expect(purposeOf(numberColumn('humid', values))).toBe('Numeric');
    expect(
      purposeOf(
        numberColumn(
          'id',
          values.map((value) => value * 2),
        ),
      ),
    ).toBe('Numeric');
  });

  it('uses overrides as they are and refuses impossible ones, all at once', () => {
    const table = new Table([numberColumn('age', [1, 2]), stringColumn('job', ['a', 'b'])]);
    expect(inferPurposes(table, { overrides: { age: 'Categorical' } })[0]).toEqual({
      column: 'age',
      purpose: 'Categorical',
      reason: 'set by the configuration',
      overridden: true,
    });
    const wrong = () => inferPurposes(table, { overrides: { agee: 'Numeric', job: 'Numeric', age: 'Text' } });
    expect(wrong).toThrow(ConfigError);
    expect(wrong).toThrow(/Did you mean "age"\?.*column "job" holds strings.*column "age" holds numbers/);
  });
});
