import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '#core';
import { withConnection } from './duckdb.ts';
import type { ReadOptions } from './open-relation.ts';
import { readTable } from './read-table.ts';
import { type Column, Table } from './table.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let serial = 0;
function file(content: string | Uint8Array, name = 'data.csv'): string {
  const home = join(folder, String(serial++));
  mkdirSync(home);
  const path = join(home, name);
  writeFileSync(path, content);
  return path;
}

function valuesOf(column: Column): (string | number | null)[] {
  return column.kind === 'string'
    ? Array.from(column.codes, (code) => (code < 0 ? null : column.dictionary.get(code)))
    : Array.from(column.values, (value) => (Number.isNaN(value) ? null : value));
}

function contents(table: Table): Record<string, (string | number | null)[]> {
  return Object.fromEntries(table.columns.map((column) => [column.name, valuesOf(column)]));
}

async function read(content: string | Uint8Array, options: ReadOptions = {}, name = 'data.csv') {
  const { table, report } = await readTable(file(content, name), options);
  return { table, report, data: contents(table), kinds: table.columns.map((column) => column.kind) };
}

async function failure(source: string, options: ReadOptions = {}): Promise<DataError> {
  const error = await readTable(source, options).then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DataError);
  expect((error as Error).message).not.toContain('\n');
  return error as DataError;
}

describe('a window of rows', () => {
  const text = `x,y\n${Array.from({ length: 3000 }, (_, i) => `${i},${i < 2999 ? i : 'last'}`).join('\n')}\n`;

  it('holds the rows that skipRows and maxRows name, and decides kinds by them', async () => {
    const { data, kinds, report } = await read(text, { skipRows: 2000, maxRows: 3 });
    expect(data).toEqual({ x: [2000, 2001, 2002], y: [2000, 2001, 2002] });
    expect([kinds, report.rows]).toEqual([['number', 'number'], 3]);
    expect((await read(text, { skipRows: 2998, maxRows: 9 })).data['y']).toEqual(['2998', 'last']);
    expect((await read(text, { maxRows: 1 })).data['x']).toEqual([0]);
    expect((await read(text, { skipRows: 2999 })).data['x']).toEqual([2999]);
  });

  it('reaches over files and works for JSON Lines', async () => {
    const parts = [file('x\n1\n2\n'), file('x\n3\n4\n')];
    const { table } = await readTable(parts, { skipRows: 1, maxRows: 2 });
    expect(contents(table)).toEqual({ x: [2, 3] });
    const lines = file('{"x":1}\n{"x":2}\n{"x":3}\n', 'd.jsonl');
    expect(contents((await readTable(lines, { skipRows: 1, maxRows: 1 })).table)).toEqual({ x: [2] });
  });

  it('must be whole numbers and hold rows', async () => {
    await expect(read(text, { skipRows: -1, maxRows: 0.5 })).rejects.toThrow(
      /skipRows must be a whole number from 0, but got -1; maxRows must be a whole number from 1/,
    );
    expect((await failure(file(text), { skipRows: 3000 })).message).toMatch(/has none after 3000/);
  });
});

describe('kinds of columns', () => {
  it('reads numbers, dates and strings, and takes the usual marks as missing', async () => {
    const { data, kinds, report } = await read(
      'n,d,s,b\n1,2011-01-31,a,true\n?,,NA,false\n-2.5e1,2011-02-01 10:30:00,b,null\nNaN,N/A,,true\n',
    );
    expect(kinds).toEqual(['number', 'date', 'string', 'string']);
    expect(data).toEqual({
      n: [1, null, -25, null],
      d: [Date.UTC(2011, 0, 31), null, Date.UTC(2011, 1, 1, 10, 30), null],
      s: ['a', null, 'b', null],
      b: ['true', 'false', null, 'true'],
    });
    expect(report.columns.map((column) => column.missing)).toEqual([2, 2, 2, 1]);
  });

  it('marks a column of whole numbers', async () => {
    const { table } = await read('a,b\n1,1\n2,1.5\n,2\n');
    expect(table.columns.map((column) => column.kind === 'number' && column.integer)).toEqual([true, false]);
  });

  it('keeps codes with leading zeros as text, also when the first stands in row 3,000', async () => {
    const numbers = Array.from({ length: 2999 }, (_, i) => `${10000 + i}`);
    const { data, report } = await read(`zip\n${numbers.join('\n')}\n01234\n`);
    expect(data['zip'].slice(-2)).toEqual(['12998', '01234']);
    expect(report.warnings).toEqual([expect.stringContaining('"01234" has leading zeros')]);
  });

  it('keeps whole numbers beyond 2^53 as text and lesser ones as numbers', async () => {
    const { data } = await read('a,b\n9007199254740993,9007199254740991\n1,2\n');
    expect(data).toEqual({ a: ['9007199254740993', '1'], b: [9007199254740991, 2] });
  });

  it('turns to text for one word in row 30,000', async () => {
    const { table, report } = await read(
      `x,y\n${Array.from({ length: 29_999 }, (_, i) => `${i},1`).join('\n')}\noops,2\n`,
    );
    expect(table.column('x').kind).toBe('string');
    expect(valuesOf(table.column('x')).slice(-2)).toEqual(['29998', 'oops']);
    expect(table.column('y').kind).toBe('number');
    expect(report.warnings).toEqual([expect.stringContaining('"oops" is not a number')]);
  });

  it.each(['1_000', '0x1F', '1e', '12abc'])('does not take %s for a number', async (text) => {
    const { kinds, data } = await read(`x\n${'1\n'.repeat(1500)}${text}\n`);
    expect(kinds).toEqual(['string']);
    expect(data['x'].at(-1)).toBe(text);
  });

  it('finds a date column whose first thousand rows are missing', async () => {
    const { kinds, data } = await read(`a,b\n${'1,\n'.repeat(1500)}1,2020-02-29\n`);
    expect(kinds).toEqual(['number', 'date']);
    expect(data['b'].at(-1)).toBe(Date.UTC(2020, 1, 29));
  });

  it('reads a column without any value as missing numbers', async () => {
    const { data, kinds } = await read('a,b\n1,\n2,NA\n');
    expect(kinds).toEqual(['number', 'number']);
    expect(data['b']).toEqual([null, null]);
  });

  it('keeps infinite values and counts them', async () => {
    const { data, report } = await read('x\n1\ninf\n-Infinity\n');
    expect(data['x']).toEqual([1, Infinity, -Infinity]);
    expect(report.columns[0].infinite).toBe(2);
  });
});

describe('dates', () => {
  it.each([
    ['1/31/2011', Date.UTC(2011, 0, 31)],
    ['31/1/2011', Date.UTC(2011, 0, 31)],
    ['31.01.2011', Date.UTC(2011, 0, 31)],
    ['2011/01/31', Date.UTC(2011, 0, 31)],
    ['31-Jan-2011', Date.UTC(2011, 0, 31)],
    ['January 31, 2011', Date.UTC(2011, 0, 31)],
    ['1/31/2011 5:06 PM', Date.UTC(2011, 0, 31, 17, 6)],
    ['2011-01-31T10:00:00+02:00', Date.UTC(2011, 0, 31, 8)],
    ['2011-01-31T10:00:00.250Z', Date.UTC(2011, 0, 31, 10, 0, 0, 250)],
    ['1950-03-01', Date.UTC(1950, 2, 1)],
  ])('reads %s', async (text, expected) => {
    expect((await read(`d;x\n${text};1\n`, { delimiter: ';' })).data['d']).toEqual([expected]);
  });

  it('learns from a late row that days come first', async () => {
    const { data, report } = await read(`d\n${'1/2/2011\n'.repeat(2000)}31/12/2011\n`);
    expect(data['d'][0]).toBe(Date.UTC(2011, 1, 1));
    expect(data['d'].at(-1)).toBe(Date.UTC(2011, 11, 31));
    expect(report.warnings).toEqual([]);
  });

  it('takes month before day when nothing tells, and says so', async () => {
    const { data, report } = await read('d\n1/2/2011\n3/4/2011\n');
    expect(data['d'][0]).toBe(Date.UTC(2011, 0, 2));
    expect(report.warnings).toEqual([expect.stringContaining('%d/%m/%Y fits as well')]);
    const told = await readTable(file('d\n1/2/2011\n'), { dateFormats: { d: '%d/%m/%Y' } });
    expect(valuesOf(told.table.column('d'))).toEqual([Date.UTC(2011, 1, 1)]);
    expect(told.report.warnings).toEqual([]);
  });

  it('leaves a column of dates and other text as it is', async () => {
    const { data } = await read('d\n2011-01-31\n2011-02-30\n');
    expect(data['d']).toEqual(['2011-01-31', '2011-02-30']);
  });

  it('names the row of a value that is no date in a column declared so', async () => {
    const path = file('d,x\n2011-01-31,1\nsoon,2\n');
    const error = await failure(path, { types: { d: 'date' } });
    expect(error.message).toBe(
      `readTable: column "d" must hold a date (ISO 8601), but row 2 of "${path}" has "soon". ` +
        'Correct the value, give its dateFormats entry or read the column as a string.',
    );
    expect(error.details).toMatchObject({ row: 2, column: 'd', value: 'soon' });
  });
});

describe('options', () => {
  it('keeps the text of numbers read as strings', async () => {
    expect((await read('x\n1.50\n2\n', { types: { x: 'string' } })).data['x']).toEqual(['1.50', '2']);
  });

  it('names the row of a value that is no number in a column declared so', async () => {
    const error = await failure(file('x\n1\nabc\n'), { types: { x: 'number' } });
    expect(error.message).toContain('column "x" must hold a number, but row 2');
  });

  it('reads only the columns asked for, in that order', async () => {
    const { table } = await read('a,b,c\n1,2,3\n', { columns: ['c', 'a'] });
    expect(table.columnNames).toEqual(['c', 'a']);
  });

  it('names the near column for one that is not there', async () => {
    const error = await failure(file('age,job\n1,x\n'), { columns: ['agee'] });
    expect(error.message).toContain('has no "agee". Did you mean "age"?');
  });

  it('replaces the marks of missing values', async () => {
    const { data } = await read('a,b\n-999,NA\n2,x\n', { nullValues: ['-999'] });
    expect(data).toEqual({ a: [null, 2], b: ['NA', 'x'] });
  });

  it('reads European decimals when declared', async () => {
    const { data } = await read('a;b\n1.234,5;x\n-0,25;y\n12;z\n', { decimal: ',' });
    expect(data).toEqual({ a: [1234.5, -0.25, 12], b: ['x', 'y', 'z'] });
    const point = await read('a;b\n1.5;x\n', { decimal: ',' });
    expect(point.data['a']).toEqual(['1.5']);
  });

  it('reports all impossible options together', async () => {
    await expect(
      readTable(file('a\n1\n'), { delimiter: ';;', types: { a: 'float' as 'number' } }),
    ).rejects.toThrow(/delimiter must be one character.*; types must be number, string or date/);
  });
});

describe('dialect', () => {
  it.each([
    ['a,b\n1,2\n', ','],
    ['a;b\n1,5;2\n3,5;4\n', ';'],
    ['a\tb\n1\t2\n', '\t'],
    ['a|b\n1|2\n', '|'],
  ])('finds the delimiter of %j', async (text, delimiter) => {
    expect((await read(text)).report.delimiter).toBe(delimiter);
  });

  it('reads lines of prose as one column', async () => {
    const { data } = await read('text\nhello, world\nand more, or less, words\n');
    expect(data).toEqual({ text: ['hello, world', 'and more, or less, words'] });
  });

  it('reads quoted delimiters, quotes and line ends', async () => {
    const { data } = await read('a,b\n"x, ""y""\nz",1\n"",2\n');
    expect(data).toEqual({ a: ['x, "y"\nz', null], b: [1, 2] });
  });

  it('removes a byte order mark and says so', async () => {
    const { data, report } = await read('\ufeffa,b\n1,2\n');
    expect(data).toEqual({ a: [1], b: [2] });
    expect(report.repairs).toEqual([expect.stringContaining('byte order mark removed')]);
  });

  it('reads CRLF, CR and mixed line ends and skips blank lines', async () => {
    for (const text of ['a,b\r\n1,2\r\n\r\n3,4\r\n', 'a,b\r1,2\r3,4\r', '\n\na,b\n1,2\n\n3,4']) {
      expect((await read(text)).data).toEqual({ a: [1, 3], b: [2, 4] });
    }
    const { data, report } = await read('a,b\r\n1,2\n3,4\r\n');
    expect(data).toEqual({ a: [1, 3], b: [2, 4] });
    expect(report.repairs).toEqual(['mixed line ends accepted']);
  });

  it('tells a file without header, and obeys when told', async () => {
    const plain = await read('1,x\n2,y\n');
    expect(plain.data).toEqual({ column_1: [1, 2], column_2: ['x', 'y'] });
    expect(plain.report.header).toBe(false);
    expect((await read('a,b\nc,d\n', { header: false })).table.rows).toBe(2);
    expect((await read('2019,2020\n1,2\n', { header: true })).table.columnNames).toEqual(['2019', '2020']);
  });

  it('renames repeated and empty column names and says so', async () => {
    const { table, report } = await read('x,x,,x_2\n1,2,3,4\n');
    expect(table.columnNames).toEqual(['x', 'x_3', 'column_3', 'x_2']);
    expect(report.repairs).toHaveLength(2);
  });

  it('drops the empty column that trailing delimiters make', async () => {
    const { data, report } = await read('a,b\n1,2,\n3,4,\n');
    expect(data).toEqual({ a: [1, 3], b: [2, 4] });
    expect(report.repairs.at(-1)).toContain('dropped');
  });

  it('takes a space after every delimiter as part of it', async () => {
    const { data } = await read('a, b\nx, ?\ny, 12\n');
    expect(data).toEqual({ a: ['x', 'y'], b: [null, 12] });
  });

  it('reads names and paths with quotes and pattern characters', async () => {
    const { data } = await read(`"it's ""x""",b\n1,2\n`, {}, "it's [1]*.csv");
    expect(data).toEqual({ 'it\'s "x"': [1], b: [2] });
  });
});

describe('formats', () => {
  it('reads TSV by its extension', async () => {
    expect((await read('a\tb\n1,5\tx\n', {}, 'd.tsv')).data).toEqual({ a: ['1,5'], b: ['x'] });
  });

  it('reads JSON Lines: absent keys are missing, booleans and nested values are text', async () => {
    const { data, kinds } = await read(
      '{"a":1,"s":"x","d":"2011-01-31","t":true,"n":{"z":[1]}}\n{"a":2.5,"s":"NA","z":"007"}\n{"a":"?"}\n',
      {},
      'd.jsonl',
    );
    expect(kinds).toEqual(['number', 'string', 'date', 'string', 'string', 'string']);
    expect(data).toEqual({
      a: [1, 2.5, null],
      s: ['x', null, null],
      d: [Date.UTC(2011, 0, 31), null, null],
      t: ['true', null, null],
      n: ['{"z":[1]}', null, null],
      z: [null, '007', null],
    });
  });

  it('reads a JSON array of objects', async () => {
    expect((await read('[{"a":1,"b":"x"},\n {"a":2,"b":null}]', {}, 'd.json')).data).toEqual({
      a: [1, 2],
      b: ['x', null],
    });
  });

  it('takes the types of Parquet files', async () => {
    const path = file('', 'd.parquet');
    await withConnection(async (connection) => {
      await connection.run(
        'COPY (SELECT 1::TINYINT AS t, 9007199254740993 AS big, 7::BIGINT AS small, 1.25::DECIMAL(9,2) AS m, ' +
          "DATE '2011-01-31' AS d, TIMESTAMPTZ '2011-01-31 10:00:00+02' AS z, true AS b, '007' AS s, 'NA' AS na, " +
          `[1, 2] AS l, NULL::DOUBLE AS nothing) TO '${path}' (FORMAT parquet)`,
      );
    });
    const { table, report } = await readTable(path);
    expect(contents(table)).toEqual({
      t: [1],
      big: ['9007199254740993'],
      small: [7],
      m: [1.25],
      d: [Date.UTC(2011, 0, 31)],
      z: [Date.UTC(2011, 0, 31, 8)],
      b: ['true'],
      s: ['007'],
      na: ['NA'],
      l: ['[1,2]'],
      nothing: [null],
    });
    expect(report.warnings).toEqual([expect.stringContaining('too large for an exact number')]);
    const forced = await readTable(path, { types: { t: 'string', s: 'number', big: 'number' } });
    expect(contents(forced.table.select(['t', 's', 'big']))).toEqual({
      t: ['1'],
      s: [7],
      big: [9007199254740992],
    });
  });

  it('reads gzip, in several members too', async () => {
    const bytes = Buffer.concat([gzipSync('a,b\n1,2\n'), gzipSync('3,4\n')]);
    expect((await read(bytes, {}, 'd.csv.gz')).data).toEqual({ a: [1, 3], b: [2, 4] });
  });

  it('reads other encodings when told, and UTF-16 by its mark', async () => {
    const latin = Buffer.from('stadt,x\nK\xf6ln,1\n', 'latin1');
    expect((await read(latin, { encoding: 'latin1' })).data['stadt']).toEqual(['Köln']);
    const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('stadt,x\nKöln,1\n', 'utf16le')]);
    const { data, report } = await read(wide);
    expect(data['stadt']).toEqual(['Köln']);
    expect(report.repairs[0]).toContain('utf-16le');
  });

  it('encodes long, short and non-ASCII strings alike', async () => {
    const words = ['a', 'exactly12byt', 'thirteen-byte', 'ü'.repeat(6), 'ü'.repeat(7), '日本', 'a\u0000b'];
    const rows = Array.from({ length: 5000 }, (_, i) => words[(i * 7) % words.length]);
    const many = Array.from({ length: 5000 }, (_, i) => `v${i}`);
    const { data } = await read(`w,m\n${rows.map((word, i) => `${word},${many[i]}`).join('\n')}\n`);
    expect(data).toEqual({ w: rows, m: many });
  });

  it('holds tables in shared memory', async () => {
    const { table } = await read('a,b\n1,x\n2,y\n');
    const copy = Table.fromShared(structuredClone(table.share()));
    expect(contents(copy)).toEqual(contents(table));
    expect(
      table.columns.every(
        (c) => (c.kind === 'string' ? c.codes : c.values).buffer instanceof SharedArrayBuffer,
      ),
    ).toBe(true);
  });
});

describe('memory', () => {
  it('takes at most one and a half times the raw size: 8 bytes a number or date, 4 bytes a text', async () => {
    const rows = 20_000;
    const lines = Array.from(
      { length: rows },
      (_, i) =>
        `${i},${i % 7 === 0 ? '' : i / 8},word ${i % 50},2011-01-${String(1 + (i % 28)).padStart(2, '0')}`,
    );
    const { table, kinds } = await read(`n,x,s,d\n${lines.join('\n')}\n`);
    expect(kinds).toEqual(['number', 'number', 'string', 'date']);
    // Whole buffers, so that room left over by a growing array counts too; shared ones count once.
    const buffers = new Set<ArrayBufferLike>();
    let raw = 0;
    for (const column of table.columns) {
      const parts =
        column.kind === 'string'
          ? [column.codes, column.dictionary.bytes, column.dictionary.offsets]
          : [column.values];
      for (const { buffer } of parts) buffers.add(buffer);
      raw += rows * (column.kind === 'string' ? 4 : 8);
    }
    const taken = [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    expect(table.rows).toBe(rows);
    expect(taken).toBeGreaterThanOrEqual(raw);
    expect(taken).toBeLessThanOrEqual(1.5 * raw);
  });
});
