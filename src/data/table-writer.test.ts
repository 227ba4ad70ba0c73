import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError, RuntimeFailure } from '#core';
import { fingerprintTable } from './fingerprint.ts';
import { generateBank } from './generators/bank.ts';
import { readTable } from './read-table.ts';
import { dateColumn, numberColumn, stringColumn, Table } from './table.ts';
import { TableWriter, writeTable } from './table-writer.ts';
import { writeFailure } from './write-failure.ts';

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

const table = new Table([
  numberColumn('n', [1, null, -2.5, 1e21, Infinity, 0.1 + 0.2]),
  stringColumn('s, "t"', ['a', 'x, y', 'say "hi"', 'two\nlines', null, ' padded ']),
  dateColumn('d', [0, Date.UTC(2011, 0, 31, 10), Date.UTC(1950, 0, 1), null, Date.UTC(2020, 1, 29), 250]),
]);

describe('writing', () => {
  it('writes CSV by RFC 4180', async () => {
    const path = join(folder, 'a.csv');
    const result = await writeTable(table, path);
    expect(readFileSync(path, 'utf8')).toBe(
      'n,"s, ""t""",d\n' +
        '1,a,1970-01-01\n' +
        ',"x, y",2011-01-31T10:00:00Z\n' +
        '-2.5,"say ""hi""",1950-01-01\n' +
        '1e+21,"two\nlines",\n' +
        'inf,,2020-02-29\n' +
        '0.30000000000000004," padded ",1970-01-01T00:00:00.250Z\n',
    );
    expect(result).toEqual({ path, rows: 6, sizeBytes: readFileSync(path).length });
  });

  it.each(['b.csv', 'b.tsv', 'b.csv.gz', 'b.jsonl', 'b.ndjson.gz', 'b.parquet'])(
    'writes %s so that it reads back the same',
    async (name) => {
      const path = join(folder, name);
      const bank = generateBank({ rows: 3000, seed: 5, missing: 0.05 }).table;
      for (const original of [table, bank]) {
        await writeTable(original, path);
        expect(fingerprintTable((await readTable(path)).table)).toBe(fingerprintTable(original));
      }
    },
  );

  it('appends parts in order', async () => {
    for (const name of ['c.csv.gz', 'c.parquet']) {
      const writer = await TableWriter.open(join(folder, name));
      await writer.write(table.take([0, 1]));
      await writer.write(table.take([2, 3, 4, 5]));
      expect(writer.rows).toBe(6);
      await writer.close();
      const back = await readTable(join(folder, name));
      expect(fingerprintTable(back.table)).toBe(fingerprintTable(table));
    }
  });

  it('keeps rows that hold one missing value', async () => {
    const path = join(folder, 'one.csv');
    await writeTable(new Table([numberColumn('x', [1, null, 3])]), path);
    expect(readFileSync(path, 'utf8')).toBe('x\n1\n""\n3\n');
    expect((await readTable(path)).table.rows).toBe(3);
  });
});

describe('failures', () => {
  function leftovers(home: string): string[] {
    return readdirSync(home);
  }

  it('shows no file before the end and leaves nothing behind when given up', async () => {
    for (const name of ['a.csv', 'a.jsonl.gz', 'a.parquet']) {
      const home = mkdtempSync(join(folder, 'abort-'));
      const path = join(home, name);
      writeFileSync(path, 'old');
      const writer = await TableWriter.open(path);
      await writer.write(table);
      expect(readFileSync(path, 'utf8')).toBe('old');
      await writer.abort();
      expect(leftovers(home)).toEqual([name]);
      expect(readFileSync(path, 'utf8')).toBe('old');
      await expect(writer.write(table)).rejects.toThrow(ConfigError);
    }
  });

  it('leaves nothing behind when given up before its file is open', async () => {
    const home = mkdtempSync(join(folder, 'abort-'));
    for (let attempt = 0; attempt < 50; attempt++) {
      const writer = await TableWriter.open(join(home, 'a.jsonl.gz'));
      await writer.abort();
    }
    expect(leftovers(home)).toEqual([]);
  });

  it('names a folder that is not there', async () => {
    const error = await writeTable(table, join(folder, 'none', 'a.csv')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RuntimeFailure);
    expect((error as Error).message).toContain('the folder must exist');
  });

  it('refuses a folder as target, unknown extensions and compressed Parquet', async () => {
    mkdirSync(join(folder, 'sub.csv'));
    await expect(writeTable(table, join(folder, 'sub.csv'))).rejects.toThrow('is a folder');
    await expect(writeTable(table, join(folder, 'a.xyz'))).rejects.toThrow(
      'the extension must tell the format',
    );
    await expect(writeTable(table, join(folder, 'a.parquet.gz'))).rejects.toThrow('Leave out .gz');
  });

  it('refuses parts with other columns and leaves nothing behind', async () => {
    const home = mkdtempSync(join(folder, 'mixed-'));
    const writer = await TableWriter.open(join(home, 'a.csv'));
    await writer.write(table);
    await expect(writer.write(table.drop('n'))).rejects.toThrow(DataError);
    expect(leftovers(home)).toEqual([]);
  });

  it('refuses to close a file without any part', async () => {
    const home = mkdtempSync(join(folder, 'empty-'));
    const writer = await TableWriter.open(join(home, 'a.csv'));
    await expect(writer.close()).rejects.toThrow('needs a table');
    expect(leftovers(home)).toEqual([]);
  });

  it('names a folder without permission', async () => {
    const home = mkdtempSync(join(folder, 'locked-'));
    chmodSync(home, 0o500);
    await withoutPrivileges(async () => {
      await expect(writeTable(table, join(home, 'a.csv'))).rejects.toThrow('permission to write');
    });
  });

  it('names the folder that vanished while writing', async () => {
    for (const name of ['a.csv', 'a.parquet']) {
      const home = mkdtempSync(join(folder, 'gone-'));
      const writer = await TableWriter.open(join(home, name));
      await writer.write(table);
      rmSync(home, { recursive: true });
      await expect(writer.close()).rejects.toThrow(RuntimeFailure);
    }
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full (needs /dev/full)', () => {
    let error: unknown;
    try {
      writeFileSync('/dev/full', 'x');
    } catch (thrown) {
      error = thrown;
    }
    expect(writeFailure('here', '/data/a.csv', error).message).toBe(
      'here: there must be room for the file, but the disk of "/data" is full. Free space or write elsewhere.',
    );
  });
});
