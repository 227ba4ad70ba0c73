import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '#core';
import { generateBank, writeTable } from '#data';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-examples-'));
const data = join(folder, 'bank.csv');
const model = join(folder, 'models', 'bank.onnx');
const rows = join(packageRoot, 'examples', 'predict-in-node', 'rows.json');

/** Runs a script as `npm run` does; the programs use dist/, which `npm test` has built. */
function run(script: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = [join(packageRoot, 'scripts', script), ...args];
  const env = { ...process.env, INIT_CWD: folder };
  return spawnSync(process.execPath, command, { cwd: folder, env, encoding: 'utf8', timeout: 110_000 });
}

beforeAll(() => writeTable(generateBank({ rows: 600, seed: 5 }).table, data));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('examples', () => {
  it('bank-marketing goes from a CSV file to an ONNX file that predicts without Trainyard', () => {
    const { status, stdout, stderr } = run(
      'example.js',
      'bank-marketing',
      data,
      '--trials',
      '3',
      '--out',
      model,
    );
    expect(`${status}${stderr}`).toBe('0');
    expect(existsSync(model)).toBe(true);
    expect(stdout.match(/^== .*$/gm)).toEqual([
      '== Data',
      '== Train',
      '== Metrics of all child runs',
      '== Best model',
      '== Test the model',
      '== Use the model elsewhere',
    ]);
    expect(stdout).toMatch(/^0 Dummy +0\.\d{4} +0\.5000 /m);
    const matrix = [...stdout.matchAll(/^(?:no|yes) +(\d+) +(\d+)$/gm)].flatMap(([, a, b]) => [
      Number(a),
      Number(b),
    ]);
    expect(matrix).toHaveLength(4);
    expect(matrix.reduce((sum, count) => sum + count, 0)).toBe(120);
    expect(
      stdout.match(/^row [123]: (no|yes), P\(no\) = [01]\.\d{3}, P\(yes\) = [01]\.\d{3}$/gm),
    ).toHaveLength(3);
  });

  it.each([
    ['accuracy', 'Bankmarketing Train', []],
    ['AUC_weighted', 'Bank marketing', ['--cv']],
  ])('azure-automl follows the notebook for %s to a run that was started over HTTP', (metric, name, more) => {
    const place = join(folder, metric);
    const args = ['azure-automl', ...more, '--data', data, '--minutes', '0.15', '--folder', place];
    const { status, stdout, stderr } = run('example.js', ...args);
    expect(`${status}${stderr}`).toBe('0');
    const id = /^Submitted PipelineRun (.*)$/m.exec(stdout)?.[1];
    expect(stdout).toContain(`PipelineRunId: ${id}\n`);
    expect(stdout).toContain('StepRun( automl_module ) Status: Finished');
    expect(stdout).toContain(`, ${metric}, `);
    expect(stdout).toMatch(/^Downloaded azureml\/.*\/metrics_data, 1 files/m);
    expect(stdout).toContain(`Name      ${name}\n`);
    const second = /^Submitted pipeline run: {2}(.*)$/m.exec(stdout)?.[1];
    expect(second).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).not.toBe(id);
    expect(stdout).toContain(`run ${name}: Completed`);
    expect(stdout.match(/^Finished$/gm)).toHaveLength(2);
  });

  it("softmax-lecture runs line by line with the lecture's numbers", () => {
    const { status, stdout, stderr } = run('example.js', 'softmax-lecture', '--epochs', '3');
    expect(`${status}${stderr}`).toBe('0');
    expect(stdout).toContain('Batch Loss1 = 0.4966');
    expect(stdout).toContain('Batch Loss2 = 1.2389');
    expect(stdout.match(/^(?:by hand|with tensors|crossEntropy) +0\.9729$/gm)).toHaveLength(3);
    expect(stdout).toMatch(/largest difference of the gradients [0-9.e-]+$/m);
    const accuracies = [...stdout.matchAll(/^Accuracy on test set: (\d+) %$/gm)].map(([, value]) =>
      Number(value),
    );
    expect(accuracies).toHaveLength(3);
    expect(accuracies[2]).toBeGreaterThan(70);
    expect(Number(/accuracy ([\d.]+) %/.exec(stdout)?.[1])).toBeGreaterThan(60);
    // Learned weights are near those that the table was drawn from.
    const [drawn, learned] = ['drawn from', 'learned'].map((name) =>
      (new RegExp(`^${name} +(.*)$`, 'm').exec(stdout)?.[1] ?? '').split(/\s+/).map(Number),
    );
    for (const [i, value] of drawn.entries()) expect(Math.abs(value - learned[i])).toBeLessThan(0.25);
    expect(Number(/^step 600: loss ([\d.e-]+)$/m.exec(stdout)?.[1])).toBeLessThan(0.01);
  });

  it('predict-in-node runs that file on JSON rows, and names a column that a row lacks', () => {
    const { status, stdout } = run('example.js', 'predict-in-node', model, rows);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^row 1: (no|yes) \([01]\.\d{3}, [01]\.\d{3}\)\nrow 2: (no|yes) \(.*\)\n$/);
    writeFileSync(join(folder, 'short.json'), '[{ "age": 41 }]');
    const short = run('example.js', 'predict-in-node', model, 'short.json');
    expect(short.status).toBe(1);
    expect(short.stderr).toMatch(/row 1 has no "\w+"; write null for a missing value/);
  });

  it('names the examples there are when asked for another one', () => {
    const { status, stderr } = run('example.js', 'bank');
    expect(status).toBe(2);
    expect(stderr).toContain('bank-marketing | bird-spectrograms | predict-in-node');
  });
});

describe('quickstart', () => {
  it('shows and runs the main job, and how near it comes to the best reachable scores', () => {
    const { status, stdout } = run('quickstart.js', '--folder', folder, '--rows', '600', '--trials', '3');
    expect(status).toBe(0);
    expect(stdout.match(/^\$ trainyard [a-z]+/gm)).toHaveLength(7);
    const [, reached, best] = /^ {2}AUC_weighted +(0\.\d{4}) +(0\.\d{4})$/m.exec(stdout) ?? [];
    expect(Number(reached)).toBeGreaterThan(0.8);
    expect(Number(best)).toBeGreaterThan(0.93);
    expect(stdout).toContain('predictions.csv: 600 predictions');
  });
});
