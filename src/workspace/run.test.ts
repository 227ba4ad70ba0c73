import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, currentOwner, DataError, distFile } from '#core';
import { Experiment, Run, Workspace } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-runs-'));
const built = distFile('workspace', 'index.js');
let workspace: Workspace;
let experiment: Experiment;
beforeAll(async () => {
  workspace = await Workspace.create({ path: folder, databaseUrl: '' });
  experiment = new Experiment(workspace, 'udacity-project');
});
afterAll(async () => {
  await workspace.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a run', () => {
  it('keeps what was logged, tagged and set, and ends complete', async () => {
    const run = await experiment.startLogging({ name: 'svm', tags: { stage: 'try' }, params: { C: 1 } });
    expect(await run.getStatus()).toBe('Running');
    expect((await run.details()).owner).toEqual(currentOwner());
    await Promise.all([run.log('loss', 3), run.log('loss', 2), run.log('accuracy', 0.5, 10)]);
    await run.log('loss', 1);
    await run.log('accuracy', 0.9);
    await run.logMany([
      { key: 'auc', value: Number.NaN },
      { key: 'auc', value: 1 },
    ]);
    await run.setTags({ stage: null, best: 'yes' });
    await run.setParams({ kernel: 'rbf' });
    await run.complete();
    const found = await Run.get(workspace, run.id);
    expect(await found.getMetrics()).toEqual({ loss: 1, accuracy: 0.9, auc: 1 });
    const steps = async (key: string) =>
      (await found.getMetricHistory(key)).map(({ step, value }) => [step, value]);
    expect((await steps('loss')).map(([step]) => step)).toEqual([0, 1, 2]);
    expect(await steps('accuracy')).toEqual([
      [10, 0.5],
      [11, 0.9],
    ]);
    expect(await steps('auc')).toEqual([
      [0, Number.NaN],
      [1, 1],
    ]);
    const { state, tags, params, endedAt } = await found.details();
    expect([state, tags, params]).toEqual(['Completed', { best: 'yes' }, { C: 1, kernel: 'rbf' }]);
    expect(endedAt).not.toBeNull();
    await expect(found.fail('late')).rejects.toThrow(ConfigError);
  });

  it('goes on counting steps where another object left off', async () => {
    const run = await experiment.startLogging();
    await run.log('loss', 5, 7);
    await (await Run.get(workspace, run.id)).log('loss', 4);
    expect((await run.getMetricHistory('loss')).map(({ step }) => step)).toEqual([7, 8]);
    await run.fail(new Error('The disk is full.'));
    expect(await run.details()).toMatchObject({ state: 'Failed', error: 'The disk is full.' });
  });

  it('has children in the order in which they were started', async () => {
    const run = await experiment.startLogging();
    for (const name of ['first', 'second', 'third']) {
      await (await run.child({ name, id: `${run.id}_${name}` })).complete();
    }
    const children = await run.getChildren();
    expect(children.map(({ id }) => id)).toEqual(
      ['first', 'second', 'third'].map((name) => `${run.id}_${name}`),
    );
    await run.complete();
    const ids: string[] = [];
    for await (const { id } of experiment.runs()) ids.push(id);
    expect(ids[0]).toBe(run.id);
    expect(ids).not.toContain(children[0]?.id);
  });

  it('takes files and gives them back, checked', async () => {
    const run = await experiment.startLogging();
    const file = join(folder, 'model.onnx');
    writeFileSync(file, 'bytes of a model');
    await run.uploadFile('outputs/modèle 1.onnx', file);
    await run.uploadFile('a.txt', file);
    expect(await run.getFileNames()).toEqual(['a.txt', 'outputs/modèle 1.onnx']);
    const to = join(folder, 'new/deep/copy.onnx');
    expect(await run.downloadFile('outputs/modèle 1.onnx', to)).toBe(to);
    expect(readFileSync(to, 'utf8')).toBe('bytes of a model');
    await expect(run.uploadFile('x', join(folder, 'absent'))).rejects.toThrow(DataError);
    await expect(run.uploadFile('../x', file)).rejects.toThrow(/artifact path/);
    await expect(run.downloadFile('absent', to)).rejects.toThrow(DataError);
    await expect(run.downloadFile('/etc/passwd')).rejects.toThrow(/artifact path/);
    writeFileSync(join(workspace.root, 'artifacts', run.id, 'a.txt'), 'damaged bytes..!');
    const copy = join(folder, 'damaged.txt');
    await expect(run.downloadFile('a.txt', copy)).rejects.toThrow(/must have sha256/);
    await run.complete();
  });

  it('is cancelled at once by the process that drives it', async () => {
    const run = await experiment.startLogging();
    expect(run.signal.aborted).toBe(false);
    await run.cancel('No longer needed.');
    expect(run.signal.aborted).toBe(true);
    expect(await run.details()).toMatchObject({ state: 'Canceled', error: 'No longer needed.' });
    await run.cancel();
    expect(await run.details()).toMatchObject({ state: 'Canceled', error: 'No longer needed.' });
  });

  it('is asked to stop when somebody else drives it, and cancelled at once when nobody does', async () => {
    const { store } = workspace;
    const driven = await experiment.startLogging();
    await (await Run.get(workspace, driven.id)).cancel();
    expect(await driven.getStatus()).toBe('CancelRequested');
    await driven.cancel();
    expect(await driven.getStatus()).toBe('Canceled');
    const { id } = await store.createRun({ experimentName: 'udacity-project', state: 'Queued' });
    const waiting = await Run.get(workspace, id);
    await waiting.cancel();
    expect(await waiting.getStatus()).toBe('Canceled');
  });

  it('has a log that is read from where one was', async () => {
    const run = await experiment.startLogging();
    await run.appendLog('first\n');
    const { next } = await run.readLog();
    await run.appendLog('zweite ü\n');
    expect((await run.readLog({ offset: next })).text).toBe('zweite ü\n');
    await run.complete();
  });

  it('hears from its heartbeat that it is to stop', async () => {
    const run = await experiment.startLogging({ heartbeatSeconds: 0.02 });
    const stopped = once(run.signal, 'abort');
    await (await Run.get(workspace, run.id)).cancel();
    await stopped;
    await run.cancel();
    expect(await run.getStatus()).toBe('Canceled');
    await expect(experiment.startLogging({ heartbeatSeconds: 0 })).rejects.toThrow(/above 0/);
  });

  it.skipIf(!existsSync(built))('does not respond when its process was killed (needs a build)', async () => {
    const program = `const { Workspace, Experiment } = await import(${JSON.stringify(built)});
      const workspace = await Workspace.open({ path: ${JSON.stringify(folder)}, databaseUrl: '' });
      const run = await new Experiment(workspace, 'killed').startLogging();
      await run.log('loss', 0.5);
      console.log(run.id);
      setInterval(() => {}, 1000);`;
    const driver = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [id] = await once(driver.stdout, 'data');
    const run = await Run.get(workspace, String(id).trim());
    await workspace.store.markNotResponding();
    expect(await run.getStatus()).toBe('Running');
    driver.kill('SIGKILL');
    await once(driver, 'exit');
    await workspace.store.markNotResponding();
    expect(await run.getStatus()).toBe('NotResponding');
    expect(await run.getMetrics()).toEqual({ loss: 0.5 });
    await run.cancel();
    expect(await run.getStatus()).toBe('Canceled');
  });

  it('must exist to be found', async () => {
    await expect(Run.get(workspace, 'absent')).rejects.toThrow(DataError);
  });
});

describe('an experiment', () => {
  it('gives what is submitted to it the word', async () => {
    const run = await experiment.submit({ submitTo: (to) => to.startLogging({ name: to.name }) });
    expect((await run.details()).name).toBe('udacity-project');
    await run.complete();
  });

  it('lists nothing before its first run, and its name is free after deletion', async () => {
    const other = new Experiment(workspace, 'other');
    const count = async () => {
      let runs = 0;
      for await (const _ of other.runs()) runs++;
      return runs;
    };
    expect(await count()).toBe(0);
    const run = await other.startLogging();
    expect(await count()).toBe(1);
    await expect(other.delete()).rejects.toThrow(ConfigError);
    await run.complete();
    await other.delete();
    expect(await count()).toBe(0);
    expect((await other.details()).name).toBe('other');
  });
});
