import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ScanColumn, type ScanOptions, scanTable } from './scan-table.ts';
import type { Table } from './table.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string, name = 'd.csv'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function scan(
  path: string,
  columns: readonly ScanColumn[],
  options: ScanOptions = {},
): Promise<Table[]> {
  const tables: Table[] = [];
  for await (const table of scanTable(path, columns, options)) tables.push(table);
  return tables;
}

const x: ScanColumn = { name: 'x', kind: 'number' };
const s: ScanColumn = { name: 's', kind: 'string' };

describe('scanTable', () => {
  it('yields all rows in order, in chunks, with the columns asked for', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => `${i},w${i % 7},9`);
    const tables = await scan(file(`x,s,other\n${rows.join('\n')}\n`), [s, x], { chunkRows: 2048 });
    expect(tables.length).toBeGreaterThan(3);
    const values: number[] = [];
    for (const table of tables) {
      expect(table.columnNames).toEqual(['s', 'x']);
      const column = table.column('x');
      const text = table.column('s');
      if (column.kind !== 'number' || text.kind !== 'string') throw new Error('wrong kinds');
      values.push(...column.values);
      expect(text.dictionary.get(text.codes[0])).toBe(`w${column.values[0] % 7}`);
    }
    expect(values).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  it('keeps the text of string columns, whatever it looks like', async () => {
    const [table] = await scan(file('s,x\n1.50,1\n007,?\n'), [s, x]);
    const column = table.column('s');
    expect(column.kind === 'string' && column.dictionary.values).toEqual(['1.50', '007']);
  });

  it('names a missing column and the nearest one', async () => {
    await expect(scan(file('a,age_\n1,2\n'), [{ name: 'age', kind: 'number' }])).rejects.toThrow(
      'has no "age". Did you mean "age_"?',
    );
  });

  it('names the row of a value that does not fit, after yielding what came before', async () => {
    const path = file(`x\n${'1\n'.repeat(30_000)}abc\n`);
    let rows = 0;
    const run = async () => {
      for await (const table of scanTable(path, [x], { chunkRows: 4096 })) rows += table.rows;
    };
    await expect(run()).rejects.toThrow(`must hold a number, but row 30001 of "${path}" has "abc"`);
    expect(rows).toBeGreaterThan(0);
  });

  it('names a ragged row far into the file', async () => {
    await expect(scan(file(`x,s\n${'1,a\n'.repeat(30_000)}1\n`), [x])).rejects.toThrow('but row 30001');
  });

  it('reads days first throughout when a late row says so', async () => {
    const path = file(`d\n${'1/2/2011\n'.repeat(5000)}31/12/2011\n`);
    const [first] = await scan(path, [{ name: 'd', kind: 'date' }], { chunkRows: 1000 });
    const column = first.column('d');
    expect(column.kind === 'date' && column.values[0]).toBe(Date.UTC(2011, 1, 1));
  });

  it('loses and repeats no row when line ends change on the way', async () => {
    const path = file(
      `x\r\n${Array.from({ length: 20_000 }, (_, i) => `${i}${i < 15_000 ? '\r\n' : '\n'}`).join('')}`,
    );
    const values: number[] = [];
    for (const table of await scan(path, [x], { chunkRows: 1000 })) {
      const column = table.column('x');
      if (column.kind === 'number') values.push(...column.values);
    }
    expect(values).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  });

  it('yields nothing for a file without rows and can be left early', async () => {
    expect(await scan(file('x\n'), [x], { header: true })).toEqual([]);
    for await (const table of scanTable(file(`x\n${'1\n'.repeat(5000)}`), [x], { chunkRows: 10 })) {
      expect(table.rows).toBeGreaterThanOrEqual(10);
      break;
    }
  });

  it('refuses a chunk without rows', async () => {
    await expect(scan(file('x\n1\n'), [x], { chunkRows: 0 })).rejects.toThrow(
      'chunkRows must be a whole number',
    );
  });
});
