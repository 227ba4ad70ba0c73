import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTable, formatDate, quantile } from './describe-table.ts';
import { formatDescribe, formatHead, formatNumber, formatTable, tableRecords } from './format-table.ts';
import { readTable } from './read-table.ts';
import { dateColumn, numberColumn, stringColumn, Table } from './table.ts';

const table = new Table([
  numberColumn('n', [4, 1, null, 2, 1]),
  stringColumn('s', ['b', null, 'a', 'b', 'c']),
  dateColumn('d', [Date.UTC(2020, 0, 1), Date.UTC(2020, 0, 3), null, null, Date.UTC(2020, 0, 2, 12)]),
]);

describe('describeTable', () => {
  it('gives the moments and quartiles of pandas', () => {
    // Sorted 1, 1, 2, 4: mean 2; squares 1 + 1 + 0 + 4 = 6 over 3; quartiles at 0.75, 1.5 and 2.25.
    const [n] = describeTable(table);
    expect(n).toEqual({
      name: 'n',
      kind: 'number',
      count: 4,
      missing: 1,
      unique: 3,
      mean: 2,
      std: Math.SQRT2,
      min: 1,
      q25: 1,
      q50: 1.5,
      q75: 2.5,
      max: 4,
      top: [
        { value: 1, count: 2 },
        { value: 2, count: 1 },
        { value: 4, count: 1 },
      ],
    });
  });

  it('counts strings and shows dates as ISO 8601', () => {
    const [, s, d] = describeTable(table, { top: 2, purposes: new Map([['s', 'Categorical']]) });
    expect(s).toEqual({
      name: 's',
      kind: 'string',
      purpose: 'Categorical',
      count: 4,
      missing: 1,
      unique: 3,
      top: [
        { value: 'b', count: 2 },
        { value: 'a', count: 1 },
      ],
    });
    expect(d).toMatchObject({
      count: 3,
      mean: '2020-01-02T04:00:00Z',
      min: '2020-01-01',
      q50: '2020-01-02T12:00:00Z',
      max: '2020-01-03',
    });
    expect(d.std).toBeUndefined();
  });

  it('describes columns without values, one row and infinite values', () => {
    const odd = new Table([
      numberColumn('empty', [null]),
      numberColumn('one', [7]),
      stringColumn('none', [null]),
      numberColumn('infinite', [Infinity]),
    ]);
    const [empty, one, none, infinite] = describeTable(odd);
    expect(empty).toEqual({ name: 'empty', kind: 'number', count: 0, missing: 1, unique: 0, top: [] });
    expect(one).toMatchObject({ mean: 7, q25: 7, max: 7 });
    expect(one.std).toBeUndefined();
    expect(none).toMatchObject({ count: 0, unique: 0, top: [] });
    expect(infinite).toMatchObject({ mean: Infinity, q50: Infinity, max: Infinity });
  });

  it('does not count dictionary entries that no row uses', () => {
    expect(describeTable(table.take([0]))[1]).toMatchObject({ count: 1, unique: 1 });
  });
});

describe('quantile', () => {
  it('interpolates between order statistics', () => {
    expect(quantile(Float64Array.of(1, 2, 4, 8), 0.4)).toBeCloseTo(2.4, 12);
    expect(quantile(Float64Array.of(3, Infinity, Infinity), 0.75)).toBe(Infinity);
  });
});

describe('formatting', () => {
  it('aligns columns, by display width, and cuts long cells', () => {
    expect(
      formatTable(
        [
          ['a', 'n'],
          ['日本', '1'],
          ['x'.repeat(50), '100'],
        ],
        { align: ['left', 'right'] },
      ).split('\n'),
    ).toEqual([`a${' '.repeat(39)}    n`, `日本${' '.repeat(36)}    1`, `${'x'.repeat(39)}…  100`]);
  });

  it('prints numbers for reading', () => {
    expect([40.0402124, 5228.1, 7, 1e21, 1.23456789e-7, -Infinity, NaN].map(formatNumber)).toEqual([
      '40.040212',
      '5228.1',
      '7',
      '1e+21',
      '1.23457e-7',
      '-inf',
      '',
    ]);
  });

  it('prints dates as shortly as they allow', () => {
    expect([0, 1000, 1, -86_400_000].map(formatDate)).toEqual([
      '1970-01-01',
      '1970-01-01T00:00:01Z',
      '1970-01-01T00:00:00.001Z',
      '1969-12-31',
    ]);
  });

  it('shows the head of a table and its rows as records', () => {
    expect(formatHead(table, 2)).toBe('   n  s  d\n0  4  b  2020-01-01\n1  1     2020-01-03');
    expect(tableRecords(table, 1, 99)).toEqual([
      { n: 1, s: null, d: '2020-01-03' },
      { n: null, s: 'a', d: null },
      { n: 2, s: 'b', d: null },
      { n: 1, s: 'c', d: '2020-01-02T12:00:00Z' },
    ]);
  });

  it('prints purposes where they are known', () => {
    const text = formatDescribe(describeTable(table, { purposes: new Map([['n', 'Numeric']]) }));
    expect(text.split('\n')[0]).toMatch(/^column\s+purpose\s+count/);
    expect(text.split('\n')[1]).toMatch(
      /^n\s+Numeric\s+4\s+1\s+3\s+2\s+1\.414214\s+1\s+1\s+1\.5\s+2\.5\s+4\s+1 \(2\)/,
    );
  });
});

const bank = join(
  process.env['TRAINYARD_DATA'] ?? '../shared/data',
  'bank-marketing/bankmarketing_train.csv',
);

describe.skipIf(!existsSync(bank))('the bank-marketing file (needs TRAINYARD_DATA)', () => {
  it('has the description that the notebook shows', async () => {
    const { table: data, report } = await readTable(bank);
    expect(report.warnings).toEqual([]);
    const shown: Record<string, readonly number[]> = {
      age: [40.040212, 10.432313, 17, 32, 38, 47, 98],
      duration: [257.335205, 257.3317, 0, 102, 179, 318, 4918],
      campaign: [2.56173, 2.763646, 1, 1, 2, 3, 56],
      pdays: [962.17478, 187.646785, 0, 999, 999, 999, 999],
      previous: [0.17478, 0.496503, 0, 0, 0, 0, 7],
      'emp.var.rate': [0.076228, 1.572242, -3.4, -1.8, 1.1, 1.4, 1.4],
      'cons.price.idx': [93.574243, 0.578636, 92.201, 93.075, 93.749, 93.994, 94.767],
      'cons.conf.idx': [-40.51868, 4.623004, -50.8, -42.7, -41.8, -36.4, -26.9],
      euribor3m: [3.615654, 1.735748, 0.634, 1.344, 4.857, 4.961, 5.045],
      'nr.employed': [5166.859608, 72.208448, 4963.6, 5099.1, 5191, 5228.1, 5228.1],
    };
    const summaries = describeTable(data);
    expect(summaries.filter(({ kind }) => kind === 'number').map(({ name }) => name)).toEqual(
      Object.keys(shown),
    );
    for (const summary of summaries) {
      expect(summary.count).toBe(32950);
      if (summary.kind !== 'number') continue;
      const { mean, std, min, q25, q50, q75, max } = summary;
      const own = [mean, std, min, q25, q50, q75, max].map((value) => Number(Number(value).toFixed(6)));
      expect(own).toEqual(shown[summary.name]);
    }
  });
});
