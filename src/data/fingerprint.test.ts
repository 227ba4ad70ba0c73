import { describe, expect, it } from 'vitest';
import { fingerprintTable } from './fingerprint.ts';
import { dateColumn, numberColumn, stringColumn, Table } from './table.ts';

const base = () => [numberColumn('n', [1, null, 0]), stringColumn('s', ['a', 'b', null])];

describe('fingerprintTable', () => {
  it('is the same for the same content, however dictionaries are numbered and zeros signed', () => {
    const table = new Table(base());
    const turned = new Table([numberColumn('n', [0, null, 1]), stringColumn('s', [null, 'b', 'a'])]).take([
      2, 1, 0,
    ]);
    expect(fingerprintTable(turned)).toBe(fingerprintTable(table));
    expect(fingerprintTable(new Table([numberColumn('n', [1, NaN, -0]), base()[1]]))).toBe(
      fingerprintTable(table),
    );
    expect(fingerprintTable(table)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('differs for other values, names, kinds, order of columns and order of rows', () => {
    const [n, s] = base();
    const variants = [
      new Table([n, s]),
      new Table([numberColumn('n', [1, null, 2]), s]),
      new Table([numberColumn('m', [1, null, 0]), s]),
      new Table([dateColumn('n', [1, null, 0]), s]),
      new Table([s, n]),
      new Table([n, stringColumn('s', ['a', 'c', null])]),
      new Table([n, stringColumn('s', ['a', 'b', 'a'])]),
      new Table([n, s]).take([1, 0, 2]),
      new Table([n, s]).take([0, 1]),
      new Table([n]),
    ];
    expect(new Set(variants.map(fingerprintTable)).size).toBe(variants.length);
  });
});
