import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { callTrainyard, expectErrorAtOnce, quick, runTrainyard, temporaryFolder } from './run-trainyard.ts';
import { type Cell, csvText, examples, write } from './small-tables.ts';

const folder = temporaryFolder();
const rows = examples(200);

interface Report {
  readonly guardrails: readonly {
    readonly name: string;
    readonly status: string;
    readonly action: string;
    readonly columns: readonly { readonly column: string; readonly detail: string }[];
  }[];
  readonly rows: { readonly used: number; readonly missingLabel: number };
  readonly validation: { readonly reason: string; readonly folds: number };
  readonly children: readonly { readonly algorithm: string; readonly status: string }[];
  readonly best: { readonly algorithm: string };
  readonly warnings: readonly string[];
}

function automl(header: readonly string[], cells: readonly (readonly Cell[])[], ...more: string[]) {
  write(folder, 'table.csv', csvText(header, cells));
  return callTrainyard(folder, ['automl', 'table.csv', '--label', 'y', '--out', 'm.onnx', ...quick, ...more]);
}

async function repaired(header: readonly string[], cells: readonly (readonly Cell[])[], ...more: string[]) {
  const { code, stdout, stderr } = await automl(header, cells, '--json', ...more);
  expect(stderr).not.toContain('error:');
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as Report;
  const guardrail = (name: string) => report.guardrails.find((entry) => entry.name.startsWith(name));
  return { report, guardrail, stderr };
}

describe('a label that cannot be learned ends with one line', () => {
  it('an unknown column: the near name is suggested, or the columns are named', async () => {
    const cells = rows.map(({ a, y }) => [a, y]);
    expectErrorAtOnce(await automl(['a', 'Y'], cells), 'there is no "y"', 'Did you mean "Y"?');
    expectErrorAtOnce(await automl(['a', 'outcome'], cells), 'there is no "y"', 'Columns are: a, outcome.');
  });

  it('every row of one class, or of one value', async () => {
    expectErrorAtOnce(
      await automl(
        ['a', 'y'],
        rows.map(({ a }) => [a, 'no']),
      ),
      'every row of "y" is "no"',
    );
    const task = ['--task', 'regression'];
    expectErrorAtOnce(
      await automl(
        ['a', 'y'],
        rows.map(({ a }) => [a, 7]),
        ...task,
      ),
      'every row of "y" is 7',
    );
  });

  it('no label at all, and one row', async () => {
    expectErrorAtOnce(
      await automl(
        ['a', 'y'],
        rows.map(({ a }) => [a, '']),
      ),
      'got 0 of 200 in "y"',
    );
    expectErrorAtOnce(await automl(['a', 'y'], [[1, 'no']]), 'got 1 of 1 in "y"');
  });

  it('ten thousand classes', async () => {
    const cells = Array.from({ length: 10_000 }, (_, i) => [i % 7, `class ${i}`]);
    expectErrorAtOnce(await automl(['a', 'y'], cells), '"y" has 10000', 'Merge rare classes');
  });

  it('numbers that look continuous under --task classification', async () => {
    const cells = rows.map(({ a, b }) => [b, a]);
    const finished = await automl(['b', 'y'], cells, '--task', 'classification');
    expectErrorAtOnce(finished, '"y"', 'distinct values in 200 rows', 'task regression');
  });

  it('text under --task regression', async () => {
    const finished = await automl(
      ['a', 'y'],
      rows.map(({ a, y }) => [a, y]),
      '--task',
      'regression',
    );
    expectErrorAtOnce(finished, '"y" holds text');
  });

  it('an infinite value: the row is named', async () => {
    const cells = rows.map(({ a, b }, i) => [b, i === 7 ? 'inf' : a]);
    expectErrorAtOnce(await automl(['b', 'y'], cells), 'row 8 of "y" is Infinity');
  });

  it('nothing besides the label, or only columns that tell nothing', async () => {
    expectErrorAtOnce(
      await automl(
        ['y'],
        rows.map(({ y }) => [y]),
      ),
      '"y" is the only one',
    );
    const empty = rows.map(({ y }) => ['', 'same', y]);
    expectErrorAtOnce(
      await automl(['gone', 'flat', 'y'], empty),
      '"gone"',
      'missing',
      '"flat"',
      'same value',
    );
  });

  it('leaves no file behind', () => {
    expect(readdirSync(folder)).toEqual(['table.csv']);
  });
});

describe('values that can be repaired are, and it is said', () => {
  it('rows without a label are left out and counted', async () => {
    const cells = rows.map(({ a, b, y }, i) => [a, b, i % 10 === 0 ? '' : y]);
    const { report, guardrail } = await repaired(['a', 'b', 'y'], cells);
    expect(report.rows).toEqual({ used: 180, missingLabel: 20 });
    expect(guardrail('Missing label')).toMatchObject({
      status: 'Done',
      columns: [{ column: 'y', detail: '20 rows without a label' }],
    });
  });

  it('a class with fewer rows than folds is spread over some of them', async () => {
    const cells = [...rows.map(({ a, b, y }) => [a, b, y]), [0.5, 'u', 'rare'], [0.4, 'v', 'rare']];
    const { report, guardrail } = await repaired(['a', 'b', 'y'], cells, '--folds', '5');
    expect(report.validation.folds).toBe(5);
    expect(report.validation.reason).toContain(
      '"rare" has fewer rows than folds and is missing from some of them',
    );
    expect(guardrail('Class balancing')?.columns).toEqual([
      { column: 'y', detail: 'class "rare" has 2 of 202 rows' },
    ]);
  });

  it('a column without any value is left out', async () => {
    const cells = rows.map(({ a, y }) => [a, '', y]);
    const { guardrail, stderr } = await repaired(['a', 'gone', 'y'], cells);
    expect(guardrail('Uninformative')).toMatchObject({
      status: 'Done',
      columns: [{ column: 'gone', detail: expect.stringContaining('missing') }],
    });
    expect(stderr).toContain('gone (every value is missing)');
  });

  it('column names that come twice are numbered', async () => {
    const { report, stderr } = await repaired(
      ['a', 'a', 'y'],
      rows.map(({ a, b, y }) => [a, b, y]),
    );
    const repair = 'column "a" appears again: renamed "a_2"';
    expect(stderr).toContain(repair);
    expect(report.warnings.join('\n')).toContain(repair);
  });

  it('infinite values of a feature count as missing', async () => {
    const odd = new Map([
      [3, 'inf'],
      [5, '-Infinity'],
    ]);
    const { guardrail } = await repaired(
      ['a', 'b', 'y'],
      rows.map(({ a, b, y }, i) => [odd.get(i) ?? a, b, y]),
    );
    expect(guardrail('Infinite')).toMatchObject({
      status: 'Done',
      action: 'They count as missing.',
      columns: [{ column: 'a', detail: '2 infinite values' }],
    });
  });

  it('dates that do not parse make the column text, and the first such value is named', async () => {
    const day = (i: number) => `2024-${String((i % 12) + 1).padStart(2, '0')}-${10 + (i % 18)}`;
    for (const odd of ['soon', '2024-02-31']) {
      const cells = rows.map(({ a, y }, i) => [i === 76 ? odd : day(i), a, y]);
      const { guardrail } = await repaired(['when', 'a', 'y'], cells);
      expect(guardrail('Datetime')).toMatchObject({
        status: 'Alerted',
        columns: [
          { column: 'when', detail: `looks like dates but was read as text, because of "${odd}" in row 77` },
        ],
      });
    }
  });

  it('labels that differ in case or spaces only are kept apart and pointed at', async () => {
    const cells = rows.map(({ a, y }, i) => [a, y === 'yes' && i % 3 === 0 ? 'Yes ' : y]);
    const { guardrail } = await repaired(['a', 'y'], cells);
    expect(guardrail('Label spelling')).toMatchObject({
      status: 'Alerted',
      columns: [{ column: 'y', detail: '"Yes " and "yes"' }],
    });
  });

  it('a timeout too short for one model gives the baseline, and says so', async () => {
    const wide = Array.from({ length: 40 }, (_, j) => `f${j}`);
    const cells = examples(4000).map(({ a, y }, i) => [...wide.map((_, j) => ((i * (j + 3)) % 997) + a), y]);
    write(folder, 'wide.csv', csvText([...wide, 'y'], cells));
    const args = ['automl', 'wide.csv', '--label', 'y', '--out', 'm.onnx', '--timeout', '0.3s', '--json'];
    const { code, stdout, stderr } = await runTrainyard(folder, args);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect(report.best.algorithm).toBe('Dummy');
    expect(report.warnings).toEqual([
      expect.stringContaining('too short for one model; the baseline is returned'),
    ]);
    expect(stderr).toContain('warning: The timeout is too short');
    const predicted = await runTrainyard(folder, ['predict', 'm.onnx', 'wide.csv', '--out', 'p.csv']);
    expect(predicted).toMatchObject({ code: 0, stdout: 'p.csv: 4000 predictions\n' });
  });
});
