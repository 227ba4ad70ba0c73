import { describe, expect, it } from 'vitest';
import { DataError } from '#core';
import { dateColumn, numberColumn, stringColumn, Table } from '#data';
import { inputType, MISSING_INT64, tableFeeds } from './inputs.ts';

describe('inputType', () => {
  it('depends on the column and its purpose alone', () => {
    const whole = numberColumn('n', [1, 2]);
    const real = numberColumn('n', [1.5, 2]);
    expect(inputType(whole, 'Categorical')).toBe('int64');
    expect(inputType(whole, 'CategoricalHash')).toBe('int64');
    expect(inputType(whole, 'Numeric')).toBe('float32');
    expect(inputType(real, 'Categorical')).toBe('float32');
    expect(inputType(stringColumn('s', ['a']), 'Text')).toBe('string');
    expect(inputType(dateColumn('d', [0]), 'DateTime')).toBe('int64');
  });
});

describe('tableFeeds', () => {
  const feed = (column: Table['columns'][number], dtype: 'float32' | 'int64' | 'string') =>
    tableFeeds(new Table([column]), [{ column: column.name, dtype }])[column.name];

  it('gives missing values their stand-ins', () => {
    expect(feed(numberColumn('n', [0.1, null]), 'float32')).toEqual({
      dtype: 'float32',
      data: Float32Array.of(0.1, Number.NaN),
      dims: [2],
    });
    expect(feed(numberColumn('n', [-3, null]), 'int64').data).toEqual(BigInt64Array.of(-3n, MISSING_INT64));
    expect(feed(numberColumn('n', [7, Number.POSITIVE_INFINITY]), 'int64').data).toEqual(
      BigInt64Array.of(7n, MISSING_INT64),
    );
    expect(feed(stringColumn('s', ['ä', null]), 'string').data).toEqual(['ä', '']);
    expect(feed(dateColumn('d', [-1.5, null]), 'int64').data).toEqual(BigInt64Array.of(-2n, MISSING_INT64));
  });

  it('converts strings to numbers and numbers to strings', () => {
    expect(feed(stringColumn('n', [' 2.5', '', 'NaN', null, '1e3']), 'float32').data).toEqual(
      Float32Array.of(2.5, Number.NaN, Number.NaN, Number.NaN, 1000),
    );
    expect(feed(numberColumn('s', [22, 1.5, null]), 'string').data).toEqual(['22', '1.5', '']);
    expect(feed(stringColumn('n', ['7', null]), 'int64').data).toEqual(BigInt64Array.of(7n, MISSING_INT64));
  });

  it('names the row and value that cannot be converted', () => {
    expect(() => feed(stringColumn('n', ['1', 'many']), 'float32')).toThrow(
      /"n" must hold numbers.*row 2 holds "many"/,
    );
    expect(() => feed(numberColumn('n', [1, 2.5]), 'int64')).toThrow(
      /"n" must hold whole numbers.*row 2 holds 2\.5/,
    );
    expect(() => feed(numberColumn('n', [2 ** 60]), 'int64')).toThrow(DataError);
    expect(() => feed(dateColumn('d', [0]), 'float32')).toThrow(/held numbers.*but got dates/);
    expect(() => feed(dateColumn('d', [0]), 'string')).toThrow(/held strings.*but got dates/);
  });

  it('names missing columns and the nearest name, and ignores further columns', () => {
    const table = new Table([numberColumn('age', [1]), numberColumn('more', [1])]);
    const inputs = [{ column: 'agee', dtype: 'float32' as const }];
    expect(() => tableFeeds(table, inputs)).toThrow(/"agee" is missing\. Did you mean "age"\?/);
    expect(Object.keys(tableFeeds(table, [{ column: 'age', dtype: 'float32' }]))).toEqual(['age']);
  });
});
