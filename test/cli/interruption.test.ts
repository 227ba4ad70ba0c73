import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  callTrainyard,
  expectErrorAtOnce,
  program,
  quick,
  runTrainyard,
  startTrainyard,
  temporaryFolder,
} from './run-trainyard.ts';
import { exampleCsv, write } from './small-tables.ts';

const folder = temporaryFolder();
/** A search that goes on until it is ended, within reason. */
const long = (out: string, ...more: string[]) =>
  startTrainyard(folder, [
    'automl',
    'table.csv',
    '--label',
    'y',
    '--out',
    out,
    '--max-trials',
    '500',
    ...more,
  ]);
/** The line of the first model that is not the baseline. */
const firstModel = /^ +[1-9]\d* {2}\w+ .* 0\.\d{6}/m;

beforeAll(() => {
  write(folder, 'table.csv', exampleCsv(1500));
});

async function expectModel(name: string): Promise<void> {
  const finished = await callTrainyard(folder, ['predict', name, 'table.csv', '--out', `${name}.csv`]);
  expect(finished).toMatchObject({ code: 0, stdout: `${name}.csv: 1500 predictions\n` });
}

describe('a run that is interrupted', () => {
  it('by Ctrl-C ends with the best model so far and code 0', async () => {
    const run = long('stopped.onnx', '--no-importance');
    await run.waitFor(firstModel);
    run.kill('SIGINT');
    const { code, stdout, stderr } = await run.finished;
    expect(stderr).toContain('Stopping: running trials are discarded, the best model so far is saved.');
    expect(stderr).not.toMatch(/error:|^ +at /m);
    expect(code).toBe(0);
    expect(stdout).toContain('it was stopped by the caller');
    await expectModel('stopped.onnx');
  });

  it('twice ends at once, with 130 and without a file', async () => {
    const run = long('twice.onnx');
    await run.waitFor('Leakage detection');
    run.kill('SIGINT');
    await run.waitFor('Stopping');
    run.kill('SIGINT');
    const { code } = await run.finished;
    // The first one may have been done before the second came.
    expect([0, 130]).toContain(code);
    const left = readdirSync(folder).filter((name) => name.startsWith('twice'));
    expect(left).toEqual(code === 0 ? ['twice.onnx'] : []);
  });

  it('by kill -9 goes on from its state folder, and loses the running trials only', async () => {
    const options = ['--state', 'state', '--no-importance', '--folds', '2'];
    const first = long('resumed.onnx', ...options);
    await first.waitFor(firstModel);
    first.kill('SIGKILL');
    const { code, stderr } = await first.finished;
    expect(code).toBe('SIGKILL');
    const done = stderr.match(/^ +\d+ {2}\w+ .* \d\.\d{6}/gm)?.length ?? 0;
    const again = [
      'automl',
      'table.csv',
      '--label',
      'y',
      '--out',
      'resumed.onnx',
      '--max-trials',
      '6',
      '--json',
    ];
    const second = await runTrainyard(folder, [...again, ...options]);
    expect(second.code).toBe(0);
    const taken = Number(/resumed: (\d+) trials taken over/.exec(second.stderr)?.[1]);
    expect(taken).toBeGreaterThanOrEqual(done);
    const { children } = JSON.parse(second.stdout) as { children: { iteration: number }[] };
    expect(new Set(children.map(({ iteration }) => iteration)).size).toBe(children.length);
    expect(children.length).toBeGreaterThanOrEqual(Math.max(6, taken));
    await expectModel('resumed.onnx');
  });
});

describe('runs beside each other', () => {
  it('do not share a state folder: the second ends with one line', async () => {
    const first = long('first.onnx', '--state', 'shared', '--no-importance');
    await first.waitFor('Leakage detection');
    const args = ['automl', 'table.csv', '--label', 'y', '--out', 'second.onnx', '--state', 'shared'];
    expectErrorAtOnce(await runTrainyard(folder, args), 'one run at a time', `process ${first.pid}`);
    first.kill('SIGTERM');
    expect((await first.finished).code).toBe(0);
    expectErrorAtOnce(await callTrainyard(folder, [...args, '--folds', '3']), 'differs in folds');
    expectErrorAtOnce(
      await callTrainyard(folder, [...args.slice(0, -1), 'table.csv']),
      'table.csv',
      'EEXIST',
    );
  });

  it('may write the same output: one whole model remains', async () => {
    const args = ['automl', 'table.csv', '--label', 'y', '--out', 'same.onnx', ...quick];
    const both = await Promise.all([runTrainyard(folder, args), runTrainyard(folder, args)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    await expectModel('same.onnx');
    expect(readdirSync(folder).filter((name) => name.includes('part'))).toEqual([]);
  });
});

describe('a pipe that closes early', () => {
  /** Runs a command whose stream is closed by the reader after its first bytes. */
  async function closeEarly(
    stream: 'stdout' | 'stderr',
    args: readonly string[],
  ): Promise<[number | null, string]> {
    const child = spawn(process.execPath, [program, ...args], { cwd: folder });
    let other = '';
    child[stream === 'stdout' ? 'stderr' : 'stdout'].on('data', (data) => {
      other += data;
    });
    child[stream].once('data', () => child[stream].destroy());
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return [code, other];
  }

  it('ends data head quietly', async () => {
    const [code, stderr] = await closeEarly('stdout', ['data', 'head', 'table.csv', '-n', '1500', '--json']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('does not cost a search its model when nobody reads the progress', async () => {
    const args = ['automl', 'table.csv', '--label', 'y', '--out', 'unseen.onnx', ...quick];
    const [code, stdout] = await closeEarly('stderr', args);
    expect(code).toBe(0);
    expect(stdout).toContain('unseen.onnx');
    await expectModel('unseen.onnx');
  });
});
