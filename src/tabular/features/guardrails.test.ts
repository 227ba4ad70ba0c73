import { describe, expect, it } from 'vitest';
import { Rng } from '#core';
import { dateColumn, numberColumn, stringColumn, Table } from '#data';
import { countDuplicateRows } from './duplicate-rows.ts';
import { formatGuardrails } from './format-guardrails.ts';
import { type GuardrailInfo, guardrails } from './guardrails.ts';
import { scoreColumns } from './leakage.ts';
import { inferPurposes } from './purposes.ts';
import { repairInfinite } from './repair-infinite.ts';

const N = 400;
const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const rng = new Rng(3);
const noise = range(N).map(() => rng.normal());
const y = Float64Array.from(range(N), (i) => (i % 10 === 0 ? 1 : 0));
const clean = new Table([
  numberColumn('x', noise),
  stringColumn(
    'job',
    range(N).map((i) => ['a', 'b', 'c'][i % 3]),
  ),
]);

function reportOf(table: Table, info: Partial<GuardrailInfo> = {}, labels = y, classes = 2) {
  const all = guardrails(
    table,
    { name: 'y', y: labels, classes, labels: ['no', 'yes', 'maybe'].slice(0, classes) },
    { purposes: inferPurposes(table), ...info },
  );
  return (name: string) => {
    const found = all.find((guardrail) => guardrail.name.startsWith(name));
    if (found === undefined) throw new Error(`no guardrail ${name}`);
    return found;
  };
}

describe('guardrails', () => {
  it('pass on clean, balanced data', () => {
    const balanced = Float64Array.from(range(N), (i) => (noise[i] + rng.normal() > 0 ? 1 : 0));
    const all = guardrails(
      clean,
      { name: 'y', y: balanced, classes: 2 },
      { purposes: inferPurposes(clean), unlabelledRows: 0 },
    );
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 'Passed'));
    expect(all.map(({ name }) => name)).toEqual([
      'Validation split handling',
      'Missing feature values imputation',
      'High cardinality feature detection',
      'Class balancing detection',
      'Label spelling detection',
      'Uninformative column detection',
      'Datetime parsing',
      'Infinite value detection',
      'Duplicate row detection',
      'Leakage detection',
      'Missing label detection',
    ]);
  });

  it('name classes that differ in case or spaces only', () => {
    const labels = ['No', 'no', 'yes', 'yes '];
    const spelled = guardrails(
      clean,
      { name: 'y', y: Float64Array.from(range(N), (i) => i % 4), classes: 4, labels },
      { purposes: inferPurposes(clean) },
    ).find(({ name }) => name.startsWith('Label spelling'));
    expect(spelled).toMatchObject({
      status: 'Alerted',
      columns: [
        { column: 'y', detail: '"No" and "no"' },
        { column: 'y', detail: '"yes" and "yes "' },
      ],
    });
  });

  it('name the value that makes a column of dates text', () => {
    const days = (odd: string) => range(N).map((i) => (i === 76 ? odd : `2024-01-${10 + (i % 20)}`));
    const dates = reportOf(
      new Table([stringColumn('from', days('soon')), stringColumn('to', days('2023-02-29'))]),
    );
    expect(dates('Datetime')).toMatchObject({
      status: 'Alerted',
      columns: [
        { column: 'from', detail: 'looks like dates but was read as text, because of "soon" in row 77' },
        { column: 'to', detail: 'looks like dates but was read as text, because of "2023-02-29" in row 77' },
      ],
    });
  });

  it('read columns named like members of every object', () => {
    const table = new Table([
      numberColumn(
        'constructor',
        noise.map((v, i) => (i === 3 ? Number.NaN : v)),
      ),
    ]);
    const config = { imputation: { '*': 'median' as const } };
    expect(reportOf(table, { config })('Missing').columns[0].detail).toContain('filled with median');
  });

  it('count missing values and say how they are filled in', () => {
    const table = new Table([
      numberColumn(
        'x',
        noise.map((v, i) => (i < 40 ? null : v)),
      ),
      stringColumn(
        'job',
        range(N).map((i) => (i < 4 ? '' : ['a', 'b'][i % 2])),
      ),
    ]);
    expect(reportOf(table)('Missing')).toMatchObject({
      status: 'Done',
      columns: [
        { column: 'x', detail: '40 missing (10.0 %); filled with the mean' },
        { column: 'job', detail: '4 missing (1.0 %); a category of its own' },
      ],
    });
    const config = { imputation: { x: 'median', job: { constant: 'none' } } } as const;
    expect(reportOf(table, { config })('Missing').columns.map(({ detail }) => detail)).toEqual([
      '40 missing (10.0 %); filled with median',
      '4 missing (1.0 %); filled with "none"',
    ]);
  });

  it('alert for classes with at most a fifth of the largest one', () => {
    expect(reportOf(clean)('Class')).toMatchObject({
      status: 'Alerted',
      columns: [{ column: 'y', detail: 'class "yes" has 40 of 400 rows' }],
    });
    const fifth = (count: number) => Float64Array.from(range(600), (i) => (i < count ? 1 : 0));
    const rows = new Table([
      numberColumn(
        'x',
        range(600).map((i) => i / 7),
      ),
    ]);
    expect(reportOf(rows, {}, fifth(100))('Class').status).toBe('Alerted');
    expect(reportOf(rows, {}, fifth(101))('Class').status).toBe('Passed');
  });

  it('list high-cardinality and left-out columns with the reason', () => {
    const table = new Table([
      ...clean.columns,
      stringColumn(
        'town',
        range(N).map((i) => `t${i % 150}`),
      ),
      stringColumn(
        'uuid',
        range(N).map((i) => `u${i}`),
      ),
      numberColumn('same', new Array(N).fill(1)),
      numberColumn('gone', new Array(N).fill(null)),
      numberColumn('out', noise),
    ]);
    const report = reportOf(table, { config: { dropColumns: ['out'] } });
    expect(report('High').columns.map(({ column }) => column)).toEqual(['town']);
    expect(report('Uninformative')).toMatchObject({
      status: 'Done',
      columns: [
        { column: 'uuid', detail: 'identifiers: 400 distinct values in 400 rows' },
        { column: 'same', detail: 'constant: every row holds the same value' },
        { column: 'gone', detail: 'every value is missing' },
        { column: 'out', detail: 'dropped by the configuration' },
      ],
    });
  });

  it('tell read dates from text that looks like dates', () => {
    const day = 86_400_000;
    const dates = new Table([
      dateColumn(
        'when',
        range(N).map((i) => i * day),
      ),
    ]);
    expect(reportOf(dates)('Datetime')).toMatchObject({ status: 'Done', columns: [{ column: 'when' }] });
    const texts = new Table([
      ...clean.columns,
      stringColumn(
        'when',
        range(N).map((i) => `${1 + (i % 28)}/3/2011`),
      ),
    ]);
    expect(reportOf(texts)('Datetime')).toMatchObject({ status: 'Alerted', columns: [{ column: 'when' }] });
  });

  it('report repaired infinities, the validation and unlabelled rows', () => {
    const report = reportOf(clean, {
      infinite: [{ column: 'x', count: 1 }],
      validation: { kind: 'k-fold', folds: 5, reason: 'The time allows five folds.' },
      unlabelledRows: 3,
    });
    expect(report('Infinite').columns).toEqual([{ column: 'x', detail: '1 infinite value' }]);
    expect(report('Validation')).toMatchObject({ status: 'Done', action: 'The time allows five folds.' });
    expect(report('Missing label').columns[0].detail).toBe('3 rows without a label');
  });

  it('alert for a column that gives the label away, and for no other', () => {
    const copy = stringColumn(
      'copy',
      Array.from(y, (value) => (value === 1 ? 'bad' : 'good')),
    );
    const threshold = numberColumn(
      'threshold',
      Array.from(y, (value, i) => (value === 1 ? 5 : -5) + noise[i] / 10),
    );
    const hint = numberColumn(
      'hint',
      Array.from(y, (value, i) => value + noise[i]),
    );
    const report = reportOf(new Table([...clean.columns, copy, threshold, hint]));
    expect(report('Leakage')).toMatchObject({ status: 'Alerted' });
    expect(report('Leakage').columns.map(({ column }) => column)).toEqual(['copy', 'threshold']);
  });

  it('are printed as aligned blocks', () => {
    const text = formatGuardrails([
      {
        name: 'Missing feature values imputation',
        status: 'Done',
        message: `Missing values were found in 1 column. ${'word '.repeat(20).trim()}`,
        action: 'They are filled in.',
        columns: [{ column: 'age', detail: '177 missing' }],
      },
    ]);
    const rule = '*'.repeat(100);
    expect(text.split('\n')).toEqual([
      rule,
      'DATA GUARDRAILS:',
      '',
      'TYPE:         Missing feature values imputation',
      'STATUS:       DONE',
      'DESCRIPTION:  Missing values were found in 1 column. word word word word word word word word word',
      '              word word word word word word word word word word word',
      'ACTION:       They are filled in.',
      'DETAILS:',
      '+-------------+-------------+',
      '| Column name | Details     |',
      '+=============+=============+',
      '| age         | 177 missing |',
      '+-------------+-------------+',
      '',
      rule,
      '',
    ]);
  });
});

describe('scoreColumns', () => {
  it('gives one half to random columns, also with many categories, and 1 to copies of the label', () => {
    const ids = stringColumn(
      'id',
      range(N).map((i) => `i${i}`),
    );
    const classes = Float64Array.from(range(N), (i) => i % 3);
    const copy = numberColumn('copy', classes);
    const scores = scoreColumns(new Table([numberColumn('x', noise), ids, copy]), classes, 3);
    expect(Math.abs(scores[0].score - 0.5)).toBeLessThan(0.1);
    expect(scores[1].score).toBe(0.5);
    expect(scores[2].score).toBe(1);
  });

  it('gives R² for a regression, by bins or a straight line', () => {
    const label = Float64Array.from(noise, (value) => 1000 * value + 5);
    const square = numberColumn(
      'abs',
      noise.map((value) => Math.abs(value)),
    );
    const scores = scoreColumns(new Table([numberColumn('line', noise), square]), label, 0);
    expect(scores[0].score).toBeCloseTo(1, 9);
    expect(scores[1].score).toBeLessThan(0.5);
  });
});

describe('countDuplicateRows', () => {
  it('counts rows that repeat an earlier one, missing values and label included', () => {
    const table = new Table([
      numberColumn('x', [1, 1, 1, null, null, 0, -0]),
      stringColumn('s', ['a', 'a', 'b', null, null, 'c', 'c']),
    ]);
    expect(countDuplicateRows(table, new Float64Array(7))).toBe(3);
    expect(countDuplicateRows(table, Float64Array.of(0, 1, 0, 0, 0, 1, 1))).toBe(2);
    expect(countDuplicateRows(clean, y)).toBe(0);
  });
});

describe('repairInfinite', () => {
  it('makes infinite values missing and counts them, leaving its input as it was', () => {
    const table = new Table([
      numberColumn('x', [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
      numberColumn('z', [1, 2, 3]),
    ]);
    const { table: repaired, repaired: counts } = repairInfinite(table);
    expect(counts).toEqual([{ column: 'x', count: 2 }]);
    expect(repaired.column('x')).toEqual(numberColumn('x', [1, null, null]));
    expect(repaired.column('z')).toBe(table.column('z'));
    expect(table.column('x')).toMatchObject({ values: Float64Array.of(1, Infinity, -Infinity) });
    expect(repairInfinite(clean)).toEqual({ table: clean, repaired: [] });
  });
});
