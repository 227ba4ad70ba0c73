import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { callTrainyard, expectErrorAtOnce, quick, runTrainyard, temporaryFolder } from './run-trainyard.ts';
import { csvText, exampleCsv, examples, write } from './small-tables.ts';

const folder = temporaryFolder();
const automl = (file: string, ...more: string[]) =>
  callTrainyard(folder, ['automl', file, '--label', 'y', '--out', 'never.onnx', ...quick, ...more]);

beforeAll(() => {
  write(folder, 'good.csv', exampleCsv(120));
});

describe('a table that cannot be read ends with one line that names the fault and the way out', () => {
  it('no such file: the near name is suggested', async () => {
    const args = ['automl', 'god.csv', '--label', 'y', '--out', 'never.onnx'];
    const finished = await runTrainyard(folder, args);
    expectErrorAtOnce(finished, '"god.csv"', 'Did you mean "good.csv"?');
  });

  it('an empty file, and one of blank lines', async () => {
    for (const text of ['', '\n\n  \n']) {
      expectErrorAtOnce(await automl(write(folder, 'empty.csv', text)), '"empty.csv" is empty');
    }
  });

  it('a header only', async () => {
    expectErrorAtOnce(await automl(write(folder, 'header.csv', 'a,b,y\n')), '"header.csv" has only a header');
  });

  it('a ragged row: file, row and line are named', async () => {
    const lines = exampleCsv(80).split('\n');
    const short = [...lines.slice(0, 51), '1,u', ...lines.slice(51)].join('\n');
    const long = [...lines.slice(0, 51), '1,u,no,9', ...lines.slice(51)].join('\n');
    const where = 'row 51 of "ragged.csv" (line 52)';
    expectErrorAtOnce(await automl(write(folder, 'ragged.csv', short)), where, 'has 2');
    expectErrorAtOnce(await automl(write(folder, 'ragged.csv', long)), where, 'has 4');
  });

  it('a quote that is never closed', async () => {
    const text = `${exampleCsv(40)}0.5,"u,no\n`;
    expectErrorAtOnce(await automl(write(folder, 'quote.csv', text)), 'row 41 of "quote.csv"');
  });

  it('text that is not UTF-8: row and column are named, and the encoding can be given', async () => {
    const rows = examples(80).map(({ a, b, y }) => [a, b === 'u' ? 'Zürich' : b, y]);
    write(folder, 'latin.csv', Buffer.from(csvText(['a', 'b', 'y'], rows), 'latin1'));
    const first = rows.findIndex(([, b]) => b === 'Zürich') + 1;
    expectErrorAtOnce(await automl('latin.csv'), `row ${first} of "latin.csv"`, 'column "b"', 'latin1');
    const named = await callTrainyard(folder, [
      'data',
      'head',
      'latin.csv',
      '-n',
      '50',
      '--encoding',
      'latin1',
    ]);
    expect(named.code).toBe(0);
    expect(named.stdout).toContain('Zürich');
  });

  it('a gzip file cut short', async () => {
    const whole = gzipSync(exampleCsv(400));
    write(folder, 'cut.csv.gz', whole.subarray(0, whole.length - 200));
    expectErrorAtOnce(await automl('cut.csv.gz'), '"cut.csv.gz" is damaged or cut short');
  });

  it('a file of another kind: extension, Parquet and JSON that are none', async () => {
    expectErrorAtOnce(await automl(write(folder, 'table.xlsx', 'PK')), 'extension', '"table.xlsx"');
    expectErrorAtOnce(await automl(write(folder, 'no.parquet', 'a,b\n1,2\n')), '"no.parquet"');
    expectErrorAtOnce(await automl(write(folder, 'no.jsonl', '{"a": 1}\n{"a": \n')), '"no.jsonl"');
  });

  it('an empty folder and a pattern without files', async () => {
    mkdirSync(join(folder, 'nothing'));
    expectErrorAtOnce(await automl('nothing'), '"nothing"');
    expectErrorAtOnce(await automl('nothing/*.csv'), '"nothing/*.csv" matches none');
  });

  it('files of one table with different columns', async () => {
    write(folder, 'other.csv', 'a,c,y\n1,u,no\n');
    const both = await callTrainyard(folder, ['automl', 'good.csv', 'other.csv', '--label', 'y', ...quick]);
    expectErrorAtOnce(both, '"other.csv" lacks "b" and has also "c"');
  });

  it('for data describe and data head as well', async () => {
    for (const command of ['describe', 'head']) {
      expectErrorAtOnce(await callTrainyard(folder, ['data', command, 'god.csv', '--json']), '"god.csv"');
    }
  });

  it('--verbose adds the stack, after the same two lines', async () => {
    const { stderr, code } = await automl('god.csv', '--verbose');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*"god\.csv".*\nSee: trainyard automl --help\n.*Error: /);
    expect(stderr).toMatch(/^ +at /m);
  });
});
