import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Workspace } from '#workspace';
import { callTrainyard, expectErrorAtOnce, temporaryFolder } from './run-trainyard.ts';
import { exampleCsv, write } from './small-tables.ts';

const folder = temporaryFolder();
const call = (...args: string[]) => callTrainyard(folder, args);

async function out(...args: string[]): Promise<string> {
  const finished = await call(...args);
  expect(finished).toMatchObject({ code: 0, stderr: '' });
  return finished.stdout;
}

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse(await out(...args, '--json'));
}

async function inWorkspace<T>(action: (workspace: Workspace) => Promise<T>): Promise<T> {
  const workspace = await Workspace.open({ path: folder });
  try {
    return await action(workspace);
  } finally {
    await workspace.close();
  }
}

beforeAll(async () => {
  const empty = await call('run', 'list');
  expectErrorAtOnce(empty, 'trainyard init');
  expect(await out('init', '--name', 'tests')).toContain('Workspace "tests" is ready');
});

describe('trainyard init', () => {
  it('refuses a second workspace in the folder', async () => {
    expectErrorAtOnce(await call('init'), 'must not have a workspace yet');
  });
});

describe('trainyard run and experiment', () => {
  let id: string;
  beforeAll(async () => {
    id = await inWorkspace(async ({ store }) => {
      const run = await store.createRun({
        experimentName: 'bank "quoted"',
        name: 'Größe 学習',
        state: 'Running',
        tags: { team: 'blue' },
      });
      await store.logMetrics(
        run.id,
        [0.9, 0.5, Number.NaN].map((value, step) => ({ key: 'loss', value, step })),
      );
      await store.appendLog(run.id, 'first line\nsecond line\n');
      await store.putArtifact(run.id, 'outputs/model.onnx', new Uint8Array(2048));
      const child = await store.createRun({
        experimentName: 'bank "quoted"',
        parentId: run.id,
        name: 'a child',
      });
      await store.transition(child.id, 'Canceled');
      await store.transition(run.id, 'Completed');
      return run.id;
    });
  });

  it('list runs as a table and as JSON, children on demand', async () => {
    const table = await out('run', 'list');
    expect(table.split('\n')[0]).toMatch(/^run +experiment +name +kind +state +created \(UTC\) +took +loss$/);
    expect(table).toContain('bank "quoted"');
    expect(table).not.toContain('a child');
    expect(await json('run', 'list')).toMatchObject([{ id, name: 'Größe 学習', state: 'Completed' }]);
    expect(await json('run', 'list', '--all')).toHaveLength(2);
    expect(await json('run', 'list', '--state', 'Running')).toEqual([]);
    expect(await json('run', 'list', '--tag', 'team=blue')).toHaveLength(1);
  });

  it('show one run with metrics, children and files', async () => {
    const page = await out('run', 'show', 'latest');
    for (const text of ['Größe 学習', 'Completed', 'team=blue', 'a child', 'outputs/model.onnx', '2048']) {
      expect(page).toContain(text);
    }
    expect(await json('run', 'show', id)).toMatchObject({
      id,
      children: [{ name: 'a child' }],
      artifacts: [{ path: 'outputs/model.onnx', size: 2048 }],
    });
  });

  it('print the log, and the history of a metric', async () => {
    expect(await out('run', 'logs', id)).toBe('first line\nsecond line\n');
    expect(await out('run', 'logs', id, '--follow')).toBe('first line\nsecond line\n');
    expect(await out('run', 'metrics', id, 'loss')).toMatch(/0 +0\.9 .*\n +1 +0\.5 .*\n +2 +NaN /);
    expectErrorAtOnce(await call('run', 'metrics', id, 'lost'), 'There are: loss');
  });

  it('watch a run that has ended to its end, and say how it ended', async () => {
    const text = await out('run', 'watch', id);
    expect(text).toContain('file outputs/model.onnx');
    expect(text).toContain(`Run ${id} is Completed.`);
  });

  it('cancel a run that nobody drives, and delete it', async () => {
    const free = await inWorkspace(
      async ({ store }) => (await store.createRun({ experimentName: 'other', state: 'Running' })).id,
    );
    expectErrorAtOnce(await call('run', 'delete', free), 'Cancel it first');
    expect(await out('run', 'cancel', free)).toContain('is Canceled');
    expect(await out('run', 'delete', free)).toContain('Deleted');
    expectErrorAtOnce(await call('run', 'show', free), free);
  });

  it('list and delete experiments', async () => {
    expect(await out('experiment', 'list')).toContain('bank "quoted"');
    expect(await out('experiment', 'delete', 'other')).toContain('Deleted experiment "other"');
    expectErrorAtOnce(await call('experiment', 'delete', 'other'), 'There are: "bank \\"quoted\\""');
  });

  it('name the near word for a mistyped command, option and state', async () => {
    expectErrorAtOnce(await call('run', 'lst'), 'list');
    expectErrorAtOnce(await call('run', 'list', '--experimnt', 'x'), '--experiment');
    expectErrorAtOnce(await call('run', 'list', '--state', 'Runing'), 'Running');
    expectErrorAtOnce(await call('datset', 'list'), 'dataset');
  });
});

describe('trainyard dataset', () => {
  it('registers versions by content, shows and deletes them', async () => {
    write(folder, 'bank.csv', exampleCsv(40));
    const register = ['dataset', 'register', 'bank.csv', '--name', 'Bank <b>', '--tag', 'a=b=c'];
    expect(await out(...register)).toContain('version 1');
    expect(await out(...register)).toContain('version 1');
    write(folder, 'bank.csv', exampleCsv(41));
    expect(await json('dataset', 'register', 'bank.csv', '--name', 'Bank <b>')).toMatchObject({ version: 2 });
    expect(await json('dataset', 'list')).toMatchObject([{ name: 'Bank <b>', version: 2 }]);
    expect(await out('dataset', 'show', 'Bank <b>:1')).toMatch(/version +1 of 2[\s\S]*a=b=c/);
    expect(await json('dataset', 'head', 'Bank <b>', '-n', '3')).toHaveLength(3);
    expect(await out('dataset', 'describe', 'Bank <b>')).toContain('column');
    expectErrorAtOnce(await call('dataset', 'describe', 'Bank <b>:1'), 'have changed');
    expectErrorAtOnce(await call('dataset', 'show', 'Bank <b>:7'), 'The newest is 2');
    expect(await out('dataset', 'delete', 'Bank <b>:1')).toContain('version 1');
    expect(await out('dataset', 'delete', 'Bank <b>')).toContain('all versions');
    expectErrorAtOnce(await call('dataset', 'show', 'Bank <b>'), 'Registered are: none');
  });
});

describe('trainyard model', () => {
  it('registers versions, moves aliases with a log, downloads and deletes', async () => {
    write(folder, 'model.onnx', 'first');
    await out('model', 'register', 'model.onnx', '--name', 'bank');
    write(folder, 'model.onnx', 'second');
    expect(await json('model', 'register', 'model.onnx', '--name', 'bank')).toMatchObject({ version: 2 });
    await out('model', 'alias', 'bank:1', 'champion', '--reason', 'it was there');
    await out('model', 'alias', 'bank:2', 'champion', '--reason', 'better recall');
    expect(await out('model', 'list')).toMatch(/bank +2 +champion/);
    expect(await out('model', 'show', 'bank:champion')).toMatch(/version +2/);
    expect(await out('model', 'promotions', 'bank')).toMatch(/1 → 2 .*better recall\n.*– → 1 .*it was there/);
    await out('model', 'download', 'bank:1', '--out', 'first');
    expect(readFileSync(join(folder, 'first', 'bank.onnx'), 'utf8')).toBe('first');
    expectErrorAtOnce(await call('model', 'delete', 'bank:2'), 'Move the alias first');
    expectErrorAtOnce(await call('model', 'delete', 'bank'), 'a version must be named');
    await out('model', 'alias', 'bank', 'champion', '--remove');
    await out('model', 'delete', 'bank:2');
    expect(await json('model', 'list', 'bank')).toMatchObject([{ version: 1 }]);
    expectErrorAtOnce(await call('model', 'show', 'bank:9'), 'There are: 1');
    expect(existsSync(join(folder, '.trainyard', 'config.json'))).toBe(true);
  });
});

describe('trainyard pipeline', () => {
  it('lists published pipelines and disables them by name', async () => {
    const { id } = await inWorkspace(({ store }) =>
      store.publishPipeline({ name: 'daily', description: 'd', version: '1.0', definition: {}, runId: null }),
    );
    expect(await out('pipeline', 'list')).toContain(id);
    expect(await out('pipeline', 'disable', 'daily')).toContain('is Disabled');
    expect(await json('pipeline', 'enable', id)).toEqual({ id, status: 'Active' });
    expectErrorAtOnce(await call('pipeline', 'disable', 'dayly'), `There are: ${id} (daily)`);
  });
});
