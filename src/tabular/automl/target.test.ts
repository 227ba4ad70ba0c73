import { describe, expect, it } from 'vitest';
import { DataError } from '#core';
import { type Column, dateColumn, numberColumn, stringColumn, Table } from '#data';
import { encodeKnownTarget, prepareTarget } from './target.ts';

function tableWith(label: Column): Table {
  const rows = label.kind === 'string' ? label.codes.length : label.values.length;
  return new Table([
    numberColumn(
      'x',
      Array.from({ length: rows }, (_, i) => i),
    ),
    label,
  ]);
}

const repeat = <T>(values: readonly T[], rows: number) =>
  Array.from({ length: rows }, (_, i) => values[i % values.length]);

describe('prepareTarget', () => {
  it('takes text for classes, ordered by code unit', () => {
    const target = prepareTarget(tableWith(stringColumn('y', ['yes', 'no', 'maybe', 'no'])), { label: 'y' });
    expect(target.task).toBe('classification');
    expect(target.labels).toEqual({ type: 'string', values: ['maybe', 'no', 'yes'] });
    expect([...target.y]).toEqual([2, 1, 0, 1]);
    expect(target.classCounts).toEqual([1, 2, 1]);
  });

  it('takes few whole numbers for classes, ordered as numbers', () => {
    const target = prepareTarget(tableWith(numberColumn('y', repeat([10, 9, 2], 60))), { label: 'y' });
    expect(target.task).toBe('classification');
    expect(target.labels).toEqual({ type: 'int64', values: ['2', '9', '10'] });
  });

  it('takes two distinct fractions for classes', () => {
    const target = prepareTarget(tableWith(numberColumn('y', repeat([0.5, 1.5], 40))), { label: 'y' });
    expect(target.task).toBe('classification');
  });

  it('takes many numbers for a regression and says why', () => {
    const values = Array.from({ length: 100 }, (_, i) => i * 1.5);
    const target = prepareTarget(tableWith(numberColumn('y', values)), { label: 'y' });
    expect(target.task).toBe('regression');
    expect(target.taskReason).toMatch(/100 distinct values/);
    expect(target.range).toEqual({ min: 0, max: 148.5 });
  });

  it('follows the given task where it is possible', () => {
    const table = tableWith(numberColumn('y', repeat([1, 2, 3], 60)));
    expect(prepareTarget(table, { label: 'y', task: 'regression' }).task).toBe('regression');
  });

  it('drops and counts rows without a label', () => {
    const target = prepareTarget(tableWith(stringColumn('y', ['a', null, 'b', 'a', undefined])), {
      label: 'y',
    });
    expect([...target.rows]).toEqual([0, 2, 3]);
    expect(target.missingLabels).toBe(2);
    expect([...target.y]).toEqual([0, 1, 0]);
  });

  it('reads sample weights of the rows in use', () => {
    const table = new Table([
      stringColumn('y', ['a', null, 'b']),
      numberColumn('w', [1, 2, 0.5]),
      numberColumn('x', [1, 2, 3]),
    ]);
    expect([...(prepareTarget(table, { label: 'y', weightColumn: 'w' }).weights as Float64Array)]).toEqual([
      1, 0.5,
    ]);
  });

  const refusals: [string, Column, Record<string, unknown>, RegExp][] = [
    [
      'an unknown label column, with the nearest name',
      stringColumn('label', ['a', 'b']),
      { label: 'lable' },
      /Did you mean "label"\?/,
    ],
    ['a label of one class', stringColumn('y', ['a', 'a', 'a']), { label: 'y' }, /every row of "y" is "a"/],
    [
      'a label without values',
      stringColumn('y', [null, null, null]),
      { label: 'y' },
      /at least two rows with a label, but got 0 of 3/,
    ],
    [
      'a single row',
      stringColumn('y', ['a']),
      { label: 'y' },
      /at least two rows with a label, but got 1 of 1/,
    ],
    [
      '10,000 classes',
      stringColumn(
        'y',
        Array.from({ length: 10_000 }, (_, i) => `c${i}`),
      ),
      { label: 'y' },
      /up to 1000 classes, but "y" has 10000/,
    ],
    [
      'a continuous label under classification',
      numberColumn(
        'y',
        Array.from({ length: 50 }, (_, i) => i / 7),
      ),
      { label: 'y', task: 'classification' },
      /Use the task regression/,
    ],
    [
      'text under regression',
      stringColumn('y', ['a', 'b']),
      { label: 'y', task: 'regression' },
      /holds text such as "a"/,
    ],
    [
      'a constant value under regression',
      numberColumn('y', [2, 2, 2]),
      { label: 'y', task: 'regression' },
      /every row of "y" is 2/,
    ],
    [
      'infinite labels, with their row',
      numberColumn('y', [1, Number.POSITIVE_INFINITY, 3]),
      { label: 'y', task: 'regression' },
      /row 2 of "y" is Infinity/,
    ],
    ['dates', dateColumn('y', [0, 86_400_000]), { label: 'y' }, /holds dates/],
  ];
  it.each(refusals)('refuses %s', (_, column, options, message) => {
    const prepare = () => prepareTarget(tableWith(column), options as { label: string });
    expect(prepare).toThrow(DataError);
    expect(prepare).toThrow(message);
  });

  it('allows a few distinct fractions as classes when told so', () => {
    const table = tableWith(numberColumn('y', repeat([0.1, 0.2, 0.3], 60)));
    expect(prepareTarget(table, { label: 'y', task: 'classification' }).labels?.values).toEqual([
      '0.1',
      '0.2',
      '0.3',
    ]);
  });

  it.each([
    ['negative', [1, -1], /row 2 of "w" is -1/],
    ['missing', [null, 1], /row 1 of "w" is NaN/],
    ['all zero', [0, 0], /some weight must be above 0/],
  ])('refuses %s weights', (_, weights, message) => {
    const table = new Table([stringColumn('y', ['a', 'b']), numberColumn('w', weights as number[])]);
    expect(() => prepareTarget(table, { label: 'y', weightColumn: 'w' })).toThrow(message);
  });
});

describe('encodeKnownTarget', () => {
  const training = prepareTarget(tableWith(stringColumn('y', ['a', 'b', 'a'])), { label: 'y' });

  it('uses the classes of the training data', () => {
    const { rows, y } = encodeKnownTarget(tableWith(stringColumn('y', ['b', null, 'b'])), 'y', training);
    expect([...rows]).toEqual([0, 2]);
    expect([...y]).toEqual([1, 1]);
  });

  it('takes one value in a regression, and the weights of the rows in use', () => {
    const numbers = prepareTarget(tableWith(numberColumn('y', [0.5, 1.5, 2.5])), {
      label: 'y',
      task: 'regression',
    });
    const further = new Table([numberColumn('y', [7, null, 7]), numberColumn('w', [2, 9, 3])]);
    const { y, weights } = encodeKnownTarget(further, 'y', numbers, 'w');
    expect([...y]).toEqual([7, 7]);
    expect([...(weights ?? [])]).toEqual([2, 3]);
  });

  it('names the row of a class the training data does not have', () => {
    const other = tableWith(stringColumn('y', ['a', 'c']));
    expect(() => encodeKnownTarget(other, 'y', training)).toThrow(/row 2 has another one than a, b/);
  });
});
