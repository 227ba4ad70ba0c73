import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  callTrainyard,
  expectError,
  expectErrorAtOnce,
  program,
  quick,
  temporaryFolder,
} from './run-trainyard.ts';
import { exampleCsv, write } from './small-tables.ts';

const folder = temporaryFolder();
/** A folder in which nobody can make a file, root included. */
const unwritable = '/proc/self';
const automl = (out: string) =>
  callTrainyard(folder, ['automl', 'good.csv', '--label', 'y', '--out', out, ...quick]);
const predict = (out: string) => callTrainyard(folder, ['predict', 'good.onnx', 'good.csv', '--out', out]);

beforeAll(async () => {
  write(folder, 'good.csv', exampleCsv(400));
  mkdirSync(join(folder, 'taken'));
  expect(await automl('good.onnx')).toMatchObject({ code: 0 });
});

describe('an output that cannot be written', () => {
  it('is refused before the search: no folder, a folder of that name, a file for a folder', async () => {
    expectErrorAtOnce(await automl('absent/m.onnx'), 'out must lie in a folder that exists', 'absent');
    expectErrorAtOnce(await automl('taken'), 'out must be a file', 'taken is a folder');
    expectErrorAtOnce(await automl('good.csv/m.onnx'), 'out must lie in a folder that exists');
  });

  it.runIf(existsSync(unwritable))('is refused before the search without permission', async () => {
    expectErrorAtOnce(await automl(`${unwritable}/m.onnx`), 'out must be writable');
    expectErrorAtOnce(await automl('/dev/null'), 'out must be a file');
  });

  it('is refused for predictions: folder, name, extension', async () => {
    expectErrorAtOnce(await predict('absent/p.csv'), 'no folder "absent"');
    expectErrorAtOnce(await predict('taken'), 'extension', '"taken"');
    expectErrorAtOnce(await predict('p.xlsx'), 'extension', '"p.xlsx"');
  });

  it.runIf(existsSync(unwritable))('is refused for samples without permission', async () => {
    const sample = ['sample', 'bank', '--rows', '50', '--out', `${unwritable}/bank.csv`];
    expectErrorAtOnce(await callTrainyard(folder, sample), unwritable);
  });

  it.runIf(process.platform === 'linux')(
    'ends without room for it, and the older file stays as it was',
    () => {
      const before = readFileSync(join(folder, 'good.onnx'));
      write(folder, 'p.csv', 'old');
      const limited = (args: readonly string[]) => {
        // Files may have 1,024 bytes at most.
        const command = ['-c', 'ulimit -f 1 && exec "$0" "$@"', process.execPath, program, ...args];
        const { status, stdout, stderr } = spawnSync('bash', command, { cwd: folder, encoding: 'utf8' });
        return { code: status ?? -1, stdout, stderr };
      };
      const search = limited(['automl', 'good.csv', '--label', 'y', '--out', 'good.onnx', ...quick]);
      expectError(search, 'there is no room (EFBIG)');
      expectErrorAtOnce(limited(['predict', 'good.onnx', 'good.csv', '--out', 'p.csv']), '"p.csv"', 'EFBIG');
      expect(readFileSync(join(folder, 'good.onnx'))).toEqual(before);
      expect(readFileSync(join(folder, 'p.csv'), 'utf8')).toBe('old');
    },
  );

  it('leaves nothing half-written', () => {
    expect(readdirSync(folder).sort()).toEqual(['good.csv', 'good.onnx', 'p.csv', 'taken']);
    expect(readdirSync(join(folder, 'taken'))).toEqual([]);
  });
});

describe('an output that is a link', () => {
  it('is written behind the link', async () => {
    write(folder, 'target.onnx', 'old');
    symlinkSync('target.onnx', join(folder, 'link.onnx'));
    expect(await automl('link.onnx')).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'target.onnx')).equals(readFileSync(join(folder, 'link.onnx')))).toBe(
      true,
    );
    expect(readFileSync(join(folder, 'target.onnx')).length).toBeGreaterThan(1000);
  });
});
