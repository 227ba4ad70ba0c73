import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { OnnxGraph } from '#engine';
import { callTrainyard, expectErrorAtOnce, quick, runTrainyard, temporaryFolder } from './run-trainyard.ts';
import { csvText, exampleCsv, examples, write } from './small-tables.ts';

const folder = temporaryFolder();
const rows = examples(200);
const predict = (model: string, data: string) =>
  callTrainyard(folder, ['predict', model, data, '--out', 'p.csv']);
const evaluate = (model: string, data: string, ...more: string[]) =>
  callTrainyard(folder, ['evaluate', model, data, ...more]);

beforeAll(async () => {
  write(folder, 'good.csv', exampleCsv(200));
  const search = ['automl', 'good.csv', '--label', 'y', '--out', 'good.onnx', ...quick];
  expect(await callTrainyard(folder, search)).toMatchObject({ code: 0 });
});

describe('a model file that cannot be used ends with one line that names it', () => {
  it('no such file, and a folder', async () => {
    expectErrorAtOnce(
      await runTrainyard(folder, ['predict', 'no.onnx', 'good.csv', '--out', 'p.csv']),
      'no.onnx',
    );
    expectErrorAtOnce(await evaluate('.', 'good.csv'), 'cannot be read (EISDIR)');
    const serve = await callTrainyard(folder, ['serve', 'no.onnx', '--port', '0']);
    expectErrorAtOnce(serve, '"no.onnx" does not exist');
  });

  it('a file that is no ONNX model: text, an empty one, random bytes', async () => {
    const noise = Uint8Array.from({ length: 3000 }, (_, i) => (i * i * 31) % 251);
    for (const content of ['hello\n', '', noise]) {
      write(folder, 'bad.onnx', content);
      expectErrorAtOnce(await predict('bad.onnx', 'good.csv'), 'bad.onnx: a model file of trainyard automl');
      expectErrorAtOnce(await evaluate('bad.onnx', 'good.csv'), 'bad.onnx: a model file of trainyard automl');
    }
  });

  it('a model cut short or with bytes changed: an error, or the very same predictions', async () => {
    const whole = readFileSync(join(folder, 'good.onnx'));
    expect((await predict('good.onnx', 'good.csv')).code).toBe(0);
    const right = readFileSync(join(folder, 'p.csv'), 'utf8');
    for (const part of [0.1, 0.5, 0.9, 0.999]) {
      write(folder, 'cut.onnx', whole.subarray(0, Math.floor(part * whole.length)));
      expectErrorAtOnce(await predict('cut.onnx', 'good.csv'), 'cut.onnx');
    }
    const zeros = Buffer.from(whole);
    zeros.fill(0, Math.floor(0.3 * whole.length), Math.floor(0.3 * whole.length) + 400);
    write(folder, 'zeros.onnx', zeros);
    const finished = await predict('zeros.onnx', 'good.csv');
    if (finished.code === 0) expect(readFileSync(join(folder, 'p.csv'), 'utf8')).toBe(right);
    else expectErrorAtOnce(finished, 'zeros.onnx');
  });

  it("somebody else's model, and one with our name but without our description", async () => {
    const graph = new OnnxGraph('foreign');
    graph.output(graph.node('Abs', [graph.input('x', 'float32', ['N', 1])]), 'float32', ['N', 1], 'y');
    write(folder, 'foreign.onnx', graph.toModel());
    expectErrorAtOnce(await predict('foreign.onnx', 'good.csv'), 'foreign.onnx: the model must come from');
    write(folder, 'half.onnx', graph.toModel({ metadata: { 'trainyard.kind': 'tabular' } }));
    expectErrorAtOnce(await evaluate('half.onnx', 'good.csv'), 'half.onnx', 'damaged');
  });
});

describe('data that does not go with the model ends with one line and no output', () => {
  const table = (header: readonly string[], cells: readonly (readonly (string | number)[])[]) =>
    write(folder, 'new.csv', csvText(header, cells));

  it('a missing column: all of them are named, and the near name', async () => {
    table(['a', 'c'], [[0.5, 1]]);
    const finished = await runTrainyard(folder, ['predict', 'good.onnx', 'new.csv', '--out', 'none.csv']);
    expectErrorAtOnce(finished, 'predict: the data must have the columns', '"new.csv" has no "b"');
    expect(existsSync(join(folder, 'none.csv'))).toBe(false);
    table(['A', 'c'], [[0.5, 1]]);
    expectErrorAtOnce(await evaluate('good.onnx', 'new.csv'), '"a", "b"', 'Did you mean "A"?');
  });

  it('text where a number was: row and value are named', async () => {
    const cells = rows.map(({ a, b }, i) => [i === 40 ? 'many' : a, b]);
    expectErrorAtOnce(await predict('good.onnx', table(['a', 'b'], cells)), '"a"', 'row 41', '"many"');
    const comma = table(
      ['a', 'b'],
      rows.map(({ a, b }) => [String(a).replace('.', ','), b]),
    );
    expectErrorAtOnce(await predict('good.onnx', comma), 'row 1', "decimal separator ','");
    const long = table(
      ['a', 'b'],
      rows.map(({ b }) => [`two\nlines ${'x'.repeat(400)}`, b]),
    );
    expectErrorAtOnce(
      await predict('good.onnx', long),
      String.raw`"two\nlines xxx`,
      'read the column as a string.',
    );
  });

  it('a header only, and a ragged row', async () => {
    expectErrorAtOnce(await predict('good.onnx', write(folder, 'new.csv', 'a,b\n')), 'only a header');
    expectErrorAtOnce(
      await predict('good.onnx', write(folder, 'new.csv', 'a,b\n1,u\n2\n')),
      'row 2 of "new.csv"',
    );
  });

  it('an absent label, one without values, one the model does not know', async () => {
    expectErrorAtOnce(await evaluate('good.onnx', 'good.csv', '--label', 'z'), '"z"');
    table(
      ['a', 'b', 'y'],
      rows.map(({ a, b }) => [a, b, '']),
    );
    expectErrorAtOnce(await evaluate('good.onnx', 'new.csv'), 'all 200 are missing');
    table(
      ['a', 'b', 'y'],
      rows.map(({ a, b, y }, i) => [a, b, i === 9 ? 'perhaps' : y]),
    );
    expectErrorAtOnce(await evaluate('good.onnx', 'new.csv'), 'no, yes', 'row 10', '"perhaps"');
  });
});

describe('data that differs from the training data within reason is predicted', () => {
  it('unseen categories, missing and infinite values, numbers for categories, other order and more columns', async () => {
    const cells: [string | number, string | number, string | number][] = [
      ['u', 'x', 0.9],
      ['never seen', 'x', 0.1],
      ['', 'x', ''],
      [7, 'x', 'inf'],
      [1.5, 'x', 0.2],
    ];
    write(folder, 'new.csv', csvText(['b', 'extra', 'a'], cells));
    expect(await predict('good.onnx', 'new.csv')).toMatchObject({
      code: 0,
      stdout: 'p.csv: 5 predictions\n',
    });
    const [header, ...lines] = readFileSync(join(folder, 'p.csv'), 'utf8').trimEnd().split('\n');
    expect(header).toBe('y,probability_no,probability_yes');
    for (const line of lines) {
      const [label, no, yes] = line.split(',');
      expect(['no', 'yes']).toContain(label);
      expect(Number(no) + Number(yes)).toBeCloseTo(1, 5);
    }
  });

  it('every row, in order, whatever the format', async () => {
    const sure = rows.filter(({ a }) => a < 0.15 || a > 0.85);
    write(folder, 'order.jsonl', sure.map(({ a, b }) => `${JSON.stringify({ b, a })}\n`).join(''));
    const finished = await callTrainyard(folder, [
      'predict',
      'good.onnx',
      'order.jsonl',
      '--keep',
      'a',
      '--out',
      'o.csv',
    ]);
    expect(finished).toMatchObject({ code: 0, stdout: `o.csv: ${sure.length} predictions\n` });
    const lines = readFileSync(join(folder, 'o.csv'), 'utf8').trimEnd().split('\n').slice(1);
    expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(sure.map(({ a }) => a));
    const agreeing = lines.filter((line, i) => line.split(',')[1] === sure[i].y).length;
    expect(agreeing / sure.length).toBeGreaterThan(0.9);
  });
});
