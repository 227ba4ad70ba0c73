import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError } from '#core';
import { generateBank, type Table, tableRecords, writeTable } from '#data';
import { Dataset, Workspace } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-datasets-'));
let workspace: Workspace;
beforeAll(async () => {
  workspace = await Workspace.create({ path: folder, databaseUrl: '' });
});
afterAll(async () => {
  await workspace.close();
  rmSync(folder, { recursive: true, force: true });
});

let serial = 0;
const file = (text: string, name = `d${serial++}.csv`) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const columns = (table: Table) =>
  Object.fromEntries(
    table.columnNames.map((name) => [name, tableRecords(table).map((record) => record[name])]),
  );

describe('a tabular dataset', () => {
  const rows = Array.from({ length: 10 }, (_, i) => `${i},${'abc'[i % 3]}`);
  const ten = () => file(['x,y', ...rows].join('\n'));

  it('reads the part that skip and take name, in any order of calls', async () => {
    const dataset = Dataset.tabular.fromDelimitedFiles(ten());
    const x = async (part: typeof dataset) => columns(await part.toTable())['x'];
    expect(await x(dataset.take(3))).toEqual([0, 1, 2]);
    expect(await x(dataset.skip(7))).toEqual([7, 8, 9]);
    expect(await x(dataset.skip(2).take(4))).toEqual([2, 3, 4, 5]);
    expect(await x(dataset.take(4).skip(2))).toEqual([2, 3]);
    expect(await x(dataset.skip(1).skip(1).take(4).take(9).skip(1))).toEqual([3, 4, 5]);
    expect((await dataset.skip(3).take(2).keepColumns(['y']).toTable()).columnNames).toEqual(['y']);
    expect((await dataset.toTable()).rows).toBe(10);
  });

  it('reads no further than it must', async () => {
    // Beyond what is read at once, so that the fault is met only by those who go there.
    const path = file(`x,y\n${'1,a\n'.repeat(100_000)}1,a,too,many\n`);
    const dataset = Dataset.tabular.fromDelimitedFiles(path);
    expect((await dataset.take(5).toTable()).rows).toBe(5);
    await expect(dataset.toTable()).rejects.toThrow(DataError);
  });

  it('has parts of JSON Lines and Parquet too', async () => {
    const { table } = generateBank({ rows: 50, seed: 1 });
    for (const [format, make] of [
      ['jsonl', Dataset.tabular.fromJsonLinesFiles],
      ['parquet', Dataset.tabular.fromParquetFiles],
    ] as const) {
      const path = join(folder, `bank.${format}`);
      await writeTable(table, path);
      const part = await make(path).skip(20).take(3).toTable();
      expect(columns(part)['age']).toEqual(columns(table)['age']?.slice(20, 23));
    }
  });

  it('refuses parts without rows', async () => {
    const dataset = Dataset.tabular.fromDelimitedFiles(ten());
    for (const rows of [-1, 1.5, Number.NaN]) expect(() => dataset.skip(rows)).toThrow(ConfigError);
    for (const rows of [0, -1, Number.POSITIVE_INFINITY]) expect(() => dataset.take(rows)).toThrow(/from 1/);
    expect(() => dataset.take(3).skip(3)).toThrow(/fewer than the 3/);
    await expect(dataset.skip(10).toTable()).rejects.toThrow(/none after 10\. Skip fewer/);
  });

  it('describes its columns as pandas does', async () => {
    const dataset = Dataset.tabular.fromDelimitedFiles(file('x\n1\n2\n3\n4\n\n'));
    const [x] = await dataset.describe();
    // pandas.Series([1, 2, 3, 4]).describe()
    expect(x).toMatchObject({ count: 4, mean: 2.5, min: 1, q25: 1.75, q50: 2.5, q75: 3.25, max: 4 });
    expect(x?.std).toBeCloseTo(1.2909944487358056, 15);
  });
});

describe('a registered dataset', () => {
  it('is found by its name as in the notebook, with what was said of it', async () => {
    const key = 'BankMarketing "Dataset" <1>';
    expect(await workspace.datasets.has(key)).toBe(false);
    const made = await Dataset.tabular
      .fromDelimitedFiles(file('age;job;y\n57;technician;no\n55;;yes\n'))
      .register({ workspace, name: key, description: 'Bank data', tags: { source: 'test' } });
    expect([made.version, made.name, made.description]).toEqual([1, key, 'Bank data']);
    expect(await workspace.datasets.keys()).toContain(key);
    const found = await workspace.datasets.get(key);
    expect(found.tags).toEqual({ source: 'test' });
    expect(tableRecords(await found.toTable())).toEqual(tableRecords(await made.toTable()));
    expect(await found.fingerprint()).toBe(found.record?.fingerprint);
    const names: (string | undefined)[] = [];
    for await (const { name } of workspace.datasets) names.push(name);
    expect(names).toContain(key);
  });

  it('has a version for every content, wherever it comes from', async () => {
    const register = (text: string, delimiter = ',') =>
      Dataset.tabular.fromDelimitedFiles(file(text), { delimiter }).register({ workspace, name: 'versions' });
    expect((await register('a,b\n1,x\n')).version).toBe(1);
    expect((await register('a;b\n1;x\n', ';')).version).toBe(1);
    expect((await register('a,b\n2,x\n')).version).toBe(2);
    expect((await register('a,b\n1,x\n')).version).toBe(1);
    expect((await workspace.datasets.get('versions')).version).toBe(2);
    const first = await Dataset.getByName(workspace, 'versions', 1);
    expect(columns(await first.toTable())['a']).toEqual([1]);
    await expect(workspace.datasets.get('versions', 3)).rejects.toThrow(/got 3\. The newest is 2/);
    await expect(workspace.datasets.get('nothing')).rejects.toThrow(/Registered are: .*"versions"/);
  });

  it('says so when its file is no longer what was registered', async () => {
    const path = file('a\n1\n');
    const dataset = await Dataset.tabular.fromDelimitedFiles(path).register({ workspace, name: 'changing' });
    writeFileSync(path, 'a\n2\n');
    await expect(dataset.toTable()).rejects.toThrow(/have changed\. Register them again/);
    const again = await Dataset.tabular.fromDelimitedFiles(path).register({ workspace, name: 'changing' });
    expect([again.version, columns(await again.toTable())]).toEqual([2, { a: [2] }]);
  });

  it('gives its parts the kinds of columns that the whole has', async () => {
    const path = file('x,y\n1,1\n2,2\nthree,3\n');
    const whole = Dataset.tabular.fromDelimitedFiles(path);
    expect((await whole.take(2).toTable()).column('x').kind).toBe('number');
    const registered = await whole.register({ workspace, name: 'kinds' });
    expect((await registered.take(2).toTable()).column('x').kind).toBe('string');
    expect((await registered.take(2).keepColumns(['y']).toTable()).column('y').kind).toBe('number');
  });

  it('may be a part of a file', async () => {
    const part = Dataset.tabular.fromDelimitedFiles(file('x\n1\n2\n3\n4\n')).skip(1).take(2);
    await part.register({ workspace, name: 'part' });
    const found = await workspace.datasets.get('part');
    expect(columns(await found.toTable())).toEqual({ x: [2, 3] });
    expect(columns(await found.skip(1).toTable())).toEqual({ x: [3] });
  });
});
