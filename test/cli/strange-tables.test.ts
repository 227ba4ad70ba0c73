import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Rng } from '#core';
import { readTable } from '#data';
import { callTrainyard, quick, runTrainyard, temporaryFolder } from './run-trainyard.ts';
import { type Cell, csvText, examples, write } from './small-tables.ts';

const folder = temporaryFolder();
const rows = examples(240);

interface Report {
  readonly task: string;
  readonly labels: readonly string[] | null;
  readonly best: { readonly metrics: Readonly<Record<string, number | null>> };
}

/** Trains on a file, predicts it, evaluates it; gives the report and the predicted labels in order. */
async function wholeWay(file: string, label: string, ...more: string[]) {
  const { code, stdout, stderr } = await callTrainyard(folder, [
    ...['automl', file, '--label', label, '--out', 'm.onnx', '--json', ...quick],
    ...more,
  ]);
  expect(stderr).not.toContain('error:');
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as Report;
  const read = more.includes('--decimal') ? ['--decimal', ','] : [];
  const predicted = await callTrainyard(folder, ['predict', 'm.onnx', file, '--out', 'p.csv', ...read]);
  expect(predicted.stderr).toBe('');
  const { table } = await readTable(join(folder, 'p.csv'), { types: { [label]: 'string' } });
  const column = table.columns[0];
  expect(column.name).toBe(label);
  const labels =
    column.kind === 'string' ? Array.from(column.codes, (code) => column.dictionary.get(code)) : [];
  const evaluated = await callTrainyard(folder, ['evaluate', 'm.onnx', file, '--json', ...read]);
  expect(evaluated.code).toBe(0);
  const { metrics } = JSON.parse(evaluated.stdout) as { metrics: Record<string, number> };
  return { report, labels, metrics, rows: table.rows };
}

const save = (header: readonly string[], cells: readonly (readonly Cell[])[]) =>
  write(folder, 'table.csv', csvText(header, cells));

describe('strange tables go the whole way: train, predict, evaluate', () => {
  it('column names that mean something elsewhere', async () => {
    const rng = new Rng(2);
    const names = ['label', 'probabilities', 'variable', 'Mul', '😀 é', 'a b', 'c,d', '"q"'];
    names.push('__proto__', 'constructor', 'toString', 'x'.repeat(300), 'two\nlines');
    const cell = (j: number) => (rng.uniform() < 0.1 ? '' : j % 2 === 0 ? rng.normal() : 'pqr'[j % 3]);
    const cells = rows.map(({ a, b, y }) => [a, b, ...names.map((_, j) => cell(j)), y]);
    const { rows: predicted } = await wholeWay(save(['a', 'b', ...names, 'output'], cells), 'output');
    expect(predicted).toBe(240);
  });

  it.each(['label', '__proto__', 'é 😀'])('a label called %s', async (label) => {
    const file = save(
      ['a', 'b', label],
      rows.map(({ a, b, y }) => [a, b, y]),
    );
    const { labels, metrics } = await wholeWay(file, label);
    expect(new Set(labels)).toEqual(new Set(['no', 'yes']));
    expect(metrics['accuracy']).toBeGreaterThan(0.8);
  });

  it.each([
    ['spaces, quotes, commas and lines', ['it\'s "q"', 'ü 😀', 'a,b', '  lead', 'x\ny']],
    ['true and false', ['false', 'true']],
    ['0 and 1', ['0', '1']],
    ['negative numbers', ['-1', '1']],
    ['halves', ['0.5', '1.5']],
  ])('labels with %s come back as they were', async (_, values) => {
    const truth = rows.map(({ a }) => values[Math.min(values.length - 1, Math.floor(a * values.length))]);
    const { report, labels, metrics } = await wholeWay(
      save(
        ['a', 'y'],
        rows.map(({ a }, i) => [a, truth[i]]),
      ),
      'y',
    );
    expect(report.task).toBe('classification');
    expect([...(report.labels ?? [])].sort()).toEqual([...values].sort());
    const right = labels.filter((label, i) => label === truth[i]).length / labels.length;
    expect(right).toBeGreaterThan(0.9);
    expect(metrics['accuracy']).toBeCloseTo(right, 10);
  });

  it('labels 1.0 and 2.0 are the numbers 1 and 2', async () => {
    const file = save(
      ['a', 'y'],
      rows.map(({ a }) => [a, a > 0.5 ? '2.0' : '1.0']),
    );
    const { report, labels } = await wholeWay(file, 'y');
    expect(report.labels).toEqual(['1', '2']);
    expect(new Set(labels)).toEqual(new Set(['1', '2']));
  });

  it('texts only, dates only, one column, values missing everywhere', async () => {
    const rng = new Rng(3);
    const words = ['the', 'cat', 'dog', 'sat', 'mat', 'on'];
    const sentence = (y: string) =>
      [
        ...Array.from({ length: 6 }, () => words[Math.floor(6 * rng.uniform())]),
        y === 'yes' ? 'big' : 'small',
      ].join(' ');
    const date = (a: number) =>
      new Date(Date.UTC(2023, 0, 1 + Math.floor(360 * a))).toISOString().slice(0, 10);
    const hole = (cell: Cell) => (rng.uniform() < 0.5 ? '' : cell);
    const tables: [string[], Cell[][]][] = [
      [['text', 'y'], rows.map(({ y }) => [sentence(y), y])],
      [['when', 'y'], rows.map(({ a, y }) => [date(a), y])],
      [['a', 'y'], rows.map(({ a, y }) => [a, y])],
      [['a', 'b', 'y'], rows.map(({ a, b, y }) => [hole(a), hole(b), y])],
    ];
    for (const [header, cells] of tables) {
      const { metrics } = await wholeWay(save(header, cells), 'y');
      expect(metrics['AUC_weighted']).toBeGreaterThan(0.75);
    }
  });

  it('two rows of each class, and more columns than rows', async () => {
    const pairs = Array.from({ length: 20 }, (_, i) => [i, `class ${Math.floor(i / 2)}`]);
    expect((await wholeWay(save(['a', 'y'], pairs), 'y')).report.labels).toHaveLength(10);
    const rng = new Rng(4);
    const names = Array.from({ length: 300 }, (_, j) => `f${j}`);
    const wide = rows.slice(0, 60).map(({ y }) => [...names.map(() => rng.normal()), y]);
    expect((await wholeWay(save([...names, 'y'], wide), 'y')).rows).toBe(60);
  });

  it('a column of numbers that turns to text in row 30,001', async () => {
    const cells = Array.from({ length: 30_500 }, (_, i) => [
      i === 30_000 ? 'oops' : i % 97,
      i % 3 === 0 ? 'no' : 'yes',
    ]);
    const { rows: predicted } = await wholeWay(save(['a', 'y'], cells), 'y');
    expect(predicted).toBe(30_500);
  });
});

describe('tables written in other ways give the same model', () => {
  const cells = rows.map(({ a, b, y }) => [a, b, y]);
  const plain = csvText(['a', 'b', 'y'], cells);
  const decimalComma = rows.map(({ a, b, y }) => [String(a).replace('.', ','), b, y]);

  it('gzip, JSON Lines, semicolons, European decimals, CRLF with a byte order mark, a folder, a pattern', async () => {
    mkdirSync(join(folder, 'parts'));
    const lines = plain.trimEnd().split('\n');
    write(folder, 'parts/1.csv', `${lines.slice(0, 101).join('\n')}\n`);
    write(folder, 'parts/2.csv', `${[lines[0], ...lines.slice(101)].join('\n')}\n`);
    const jsonLines = rows.map(({ a, b, y }) => `${JSON.stringify({ a, b, y })}\n`).join('');
    const reference = (await wholeWay(write(folder, 'plain.csv', plain), 'y')).report.best.metrics;
    const others: [string, ...string[]][] = [
      [write(folder, 't.csv.gz', gzipSync(plain))],
      [write(folder, 't.jsonl', jsonLines)],
      [write(folder, 'semi.csv', csvText(['a', 'b', 'y'], cells, ';'))],
      [write(folder, 'euro.csv', csvText(['a', 'b', 'y'], decimalComma, ';')), '--decimal', ','],
      [write(folder, 'crlf.csv', `\ufeff${plain.replaceAll('\n', '\r\n')}`)],
      ['parts'],
      ['parts/*.csv'],
    ];
    for (const [file, ...more] of others) {
      expect((await wholeWay(file, 'y', ...more)).report.best.metrics, file).toEqual(reference);
    }
  });

  it('--json prints one JSON document without NaN, and everything else on standard error', async () => {
    write(
      folder,
      'values.csv',
      csvText(
        ['a', 'y'],
        rows.map(({ a, b }) => [b, Math.round(1000 * a) / 7]),
      ),
    );
    const search = ['automl', 'values.csv', '--label', 'y', '--json', '--max-trials', '3', '--out', 'v.onnx'];
    const { code, stdout, stderr } = await runTrainyard(folder, [...search, '--concurrency', '1']);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(['task', 'children', 'best', 'ensembles', 'timings']),
    );
    expect(stdout.trimStart()[0]).toBe('{');
    expect(stdout).not.toMatch(/NaN|Infinity/);
    expect(stderr).toContain('regression of 240 rows');
    expect(readFileSync(join(folder, 'v.onnx')).length).toBeGreaterThan(500);
  });
});
