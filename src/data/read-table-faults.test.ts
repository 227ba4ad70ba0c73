import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '#core';
import { tableRecords } from './format-table.ts';
import type { ReadOptions } from './open-relation.ts';
import { readTable } from './read-table.ts';
import type { Table } from './table.ts';

/** Root reads and writes everything, so as root the body runs as user nobody. */
async function withoutPrivileges(body: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return body();
  const nobody = 65_534;
  process.seteuid?.(nobody);
  try {
    await body();
  } finally {
    process.seteuid?.(0);
  }
}

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

function contents(table: Table): Record<string, (string | number | null)[]> {
  const records = tableRecords(table);
  return Object.fromEntries(table.columnNames.map((name) => [name, records.map((record) => record[name])]));
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

describe('several files', () => {
  function many(files: Record<string, string>): string {
    const home = join(folder, `many-${serial++}`);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(home, name, '..'), { recursive: true });
      writeFileSync(join(home, name), text);
    }
    return home;
  }

  it('reads folders, patterns and lists, in order, matching columns by name', async () => {
    const home = many({
      'a.csv': 'x,y\n1,p\n',
      'b.csv': 'y;x\nq;2\n',
      'sub/c.csv': 'x,y\n3,r\n',
      'README.md': '#',
    });
    const expected = { x: [1, 2, 3], y: ['p', 'q', 'r'] };
    expect(contents((await readTable(home)).table)).toEqual(expected);
    expect(contents((await readTable(join(home, '**/*.csv'))).table)).toEqual(expected);
    const list = ['a.csv', 'b.csv', 'sub/c.csv'].map((name) => join(home, name));
    const { table, report } = await readTable(list);
    expect(contents(table)).toEqual(expected);
    expect(report.files).toEqual(list);
  });

  it('decides the kind of a column over all files', async () => {
    const home = many({ 'a.csv': 'x\n1\n2\n', 'b.csv': 'x\nq\n' });
    expect(contents((await readTable(home)).table)).toEqual({ x: ['1', '2', 'q'] });
  });

  it('refuses files with different columns, naming them', async () => {
    const home = many({ 'a.csv': 'x,y\n1,2\n', 'b.csv': 'x,z\n1,2\n' });
    expect((await failure(home)).message).toContain(`b.csv" lacks "y" and has also "z"`);
  });

  it('refuses a folder of several formats, and one without data', async () => {
    expect((await failure(many({ 'a.csv': 'x\n1\n', 'b.jsonl': '{"x":1}\n' }))).message).toContain(
      'must be of one format, but got csv and jsonl',
    );
    expect((await failure(many({ 'notes.md': 'x' }))).message).toContain('a folder must hold data files');
  });

  it('names the file of a fault', async () => {
    const home = many({ 'a.csv': 'x,y\n1,2\n', 'b.csv': 'x,y\n1,2\n3\n' });
    const error = await failure(home);
    expect(error.details).toMatchObject({ file: join(home, 'b.csv'), row: 2 });
  });
});

describe('bad files', () => {
  it('suggests the near name for a missing file', async () => {
    const path = file('a\n1\n', 'train.csv');
    const error = await failure(path.replace('train.csv', 'trian.csv'));
    expect(error.message).toContain(`Did you mean "${path}"?`);
  });

  it('names a missing folder', async () => {
    expect((await failure(join(folder, 'none', 'a.csv'))).message).toContain('nor its folder');
  });

  it.each(['', '\n\n', '\ufeff'])('refuses an empty file: %j', async (text) => {
    expect((await failure(file(text))).message).toContain('is empty');
  });

  it('refuses a file with only a header', async () => {
    expect((await failure(file('a,b\n'))).message).toContain('has only a header');
  });

  it('names file and row of a ragged row', async () => {
    const path = file('a,b,c\n1,2,3\n"x\ny",2,3\n1,2\n3,4,5\n');
    const error = await failure(path);
    expect(error.message).toBe(
      `readTable: rows must have 3 fields, but row 3 of "${path}" (line 5) has 2 (delimiter ","). ` +
        'Complete the row or quote values that hold the delimiter.',
    );
    expect(error.details).toMatchObject({ file: path, row: 3, expected: 3, found: 2 });
  });

  it('names the ragged row of a long file', async () => {
    const error = await failure(file(`a,b\n${'1,2\n'.repeat(40_000)}1,2,3\n`));
    expect(error.details).toMatchObject({ row: 40_001, found: 3 });
  });

  it('names row and column that are not UTF-8', async () => {
    const error = await failure(file(Buffer.from('a,b\n1,x\n2,caf\xe9\n', 'latin1')));
    expect(error.details).toMatchObject({ row: 2, column: 'b' });
    expect(error.message).toContain("give its encoding, such as 'latin1'");
  });

  it('names the row of a quote that never closes and of text after a quote', async () => {
    expect((await failure(file('a,b\n1,2\n"x,2\n3,4\n'))).message).toContain('the one opened in row 2');
    expect((await failure(file('a,b\n1,2\n"x"y,2\n'))).message).toContain('in row 2');
  });

  it('refuses unknown extensions unless the format is given', async () => {
    const path = file('a,b\n1,2\n', 'data.xyz');
    expect((await failure(path)).message).toContain('the extension must tell the format');
    expect(contents((await readTable(path, { format: 'csv' })).table)).toEqual({ a: [1], b: [2] });
  });

  it('refuses damaged, truncated and fake gzip files', async () => {
    const whole = gzipSync(
      Array.from({ length: 20_000 }, (_, i) => `${i},w${(i * 7919) % 10007}\n`).join(''),
    );
    for (const bytes of [whole.subarray(0, whole.length >> 1), Buffer.from(whole).fill(1, 5000, 5100)]) {
      expect((await failure(file(bytes, 'd.csv.gz'))).message).toContain('is damaged or cut short');
    }
    expect((await failure(file('a,b\n1,2\n', 'd.csv.gz'))).message).toContain('must be gzip-compressed');
  });

  it('refuses damaged Parquet and JSON', async () => {
    expect((await failure(file('garbage', 'd.parquet'))).message).toContain('must start with PAR1');
    expect((await failure(file(`PAR1${'x'.repeat(100)}PAR1`, 'd.parquet'))).message).toContain('d.parquet');
    const json = await failure(file('{"a":1}\n{"a":\n', 'd.jsonl'));
    expect(json.message).toContain('d.jsonl');
    expect((await failure(file('[1,2]\n5\n', 'd.jsonl'))).message).toContain('must be a JSON object');
  });

  it('names a file without read permission', async () => {
    const path = file('a\n1\n');
    chmodSync(path, 0);
    await withoutPrivileges(async () => {
      expect((await failure(path)).message).toContain('permission to read');
    });
  });

  it('refuses a header with fewer names than fields', async () => {
    expect((await failure(file('a,b\n1,2,3\n4,5,6\n'))).message).toContain(
      '2 names and its rows have 3 fields',
    );
  });
});

describe('addresses', () => {
  let server: Server;
  let base: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/d.csv') response.end('a,b\n1,x\n');
      else if (request.url === '/d.csv.gz') response.end(gzipSync('a,b\n1,x\n'));
      else if (request.url === '/slow.csv') response.write('a,b\n');
      else if (request.url === '/cut.csv') {
        response.writeHead(200, { 'content-length': 100 });
        response.write('a,b\n');
        setTimeout(() => response.destroy(), 20);
      } else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('downloads and reads, gzip too', async () => {
    for (const name of ['d.csv', 'd.csv.gz']) {
      const { table, report } = await readTable(`${base}/${name}`);
      expect(contents(table)).toEqual({ a: [1], b: ['x'] });
      expect(report.files).toEqual([`${base}/${name}`]);
    }
  });

  it('names status, silence, excess and broken connections', async () => {
    expect((await failure(`${base}/none.csv`)).message).toContain('404 Not Found');
    expect((await failure(`${base}/slow.csv`, { timeoutMs: 200 })).message).toContain('must end in 0.2 s');
    expect((await failure(`${base}/d.csv`, { maxBytes: 3 })).message).toContain('may have 3 bytes');
    expect((await failure(`${base}/cut.csv`)).message).toContain('must be reachable');
    expect((await failure('http://127.0.0.1:9/d.csv')).message).toContain('must be reachable');
    expect((await failure('ftp://x/d.csv')).message).toContain('must start with http');
  });
});
