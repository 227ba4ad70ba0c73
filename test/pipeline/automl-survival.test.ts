import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { distFile } from '#core';
import { generateBank, writeTable } from '#data';
import { resumePipelineRun } from '#pipeline';
import type { RunSummary } from '#tracking';
import { Workspace } from '#workspace';

const address = (file: string) => JSON.stringify(pathToFileURL(distFile(file)).href);

/** Submits an AutoML step of a few trials and waits for it. */
const driver = (folder: string, trials: number) => `
import { AutoMLConfig, AutoMLStep, Pipeline, PipelineData, TrainingOutput } from ${address('pipeline/index.js')};
import { Dataset, Experiment, Workspace } from ${address('workspace/index.js')};
const workspace = await Workspace.open({ path: ${JSON.stringify(folder)} });
const step = new AutoMLStep({
  name: 'search',
  automlConfig: new AutoMLConfig({
    task: 'classification',
    trainingData: Dataset.tabular.fromDelimitedFiles(${JSON.stringify(join(folder, 'bank.csv'))}),
    labelColumnName: 'y',
    primaryMetric: 'AUC_weighted',
    iterations: ${trials},
    maxConcurrentIterations: 1,
    nCrossValidations: 2,
    allowedModels: ['GradientBoosting', 'RandomForest'],
  }),
  outputs: [new PipelineData('model', { trainingOutput: new TrainingOutput('Model') })],
});
const run = await new Pipeline(workspace, { steps: [step] }).submit(new Experiment(workspace, 'search'), { showOutput: false });
process.stdout.write(run.id + '\\n');
await run.waitForCompletion({ showOutput: false });
await workspace.close();
`;

let folder: string;
let workspace: Workspace;
let child: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-automl-survival-'));
  workspace = await Workspace.create({ path: folder });
  await writeTable(generateBank({ rows: 1500, seed: 1 }).table, join(folder, 'bank.csv'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await workspace.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(trials: number): Promise<string> {
  await writeFile(join(folder, 'driver.mjs'), driver(folder, trials));
  child = spawn(process.execPath, [join(folder, 'driver.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [data] = (await once(child.stdout!, 'data')) as [Buffer];
  return data.toString().trim();
}

async function stepOf(id: string): Promise<RunSummary | undefined> {
  return (await workspace.store.listRuns({ parentId: id })).items[0];
}

async function completedTrials(id: string): Promise<readonly RunSummary[]> {
  const step = await stepOf(id);
  if (step === undefined) return [];
  const { items } = await workspace.store.listRuns({ parentId: step.id, states: ['Completed'], limit: 100 });
  return items;
}

async function untilTrials(id: string, count: number): Promise<readonly RunSummary[]> {
  while (true) {
    const trials = await completedTrials(id);
    if (trials.length >= count) return trials;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

it('a search whose process is killed goes on after its finished trials, and the run completes', async () => {
  const id = await start(7);
  const before = await untilTrials(id, 2);
  const pid = Number((await stepOf(id))?.properties['pid']);
  process.kill(pid, 'SIGKILL');
  await once(child!, 'exit');
  expect((await workspace.store.getRun(id)).state).toBe('Completed');
  const step = await stepOf(id);
  expect(step?.properties['attempt']).toBe(2);
  const events = await workspace.store.readEvents(step!.id, { limit: 1000 });
  expect(events.filter(({ type, runId }) => type === 'lost' && runId === step!.id)).toHaveLength(1);
  expect((await workspace.store.readLog(step!.id)).text).toMatch(/[1-9] trials are taken over/);
  const after = await completedTrials(id);
  // What was done before the kill was not done again.
  for (const trial of before) expect(after.find((each) => each.id === trial.id)?.endedAt).toBe(trial.endedAt);
  expect(after.length).toBeGreaterThanOrEqual(7);
}, 120_000);

it('a run whose pipeline process is killed in a search is resumed from its finished trials', async () => {
  const id = await start(7);
  const before = await untilTrials(id, 2);
  child!.kill('SIGKILL');
  await once(child!, 'exit');
  await workspace.store.markNotResponding();
  expect((await workspace.store.getRun(id)).state).toBe('NotResponding');
  const resumed = await resumePipelineRun(workspace, id);
  expect(await resumed.waitForCompletion({ showOutput: false })).toBe('Finished');
  const after = await completedTrials(id);
  for (const trial of before) expect(after.find((each) => each.id === trial.id)?.endedAt).toBe(trial.endedAt);
  expect((await workspace.store.readLog((await stepOf(id))!.id)).text).toMatch(/[1-9] trials are taken over/);
}, 120_000);

it('two processes that submit at once both complete', async () => {
  await writeFile(join(folder, 'driver.mjs'), driver(folder, 2));
  const drivers = [0, 1].map(() =>
    spawn(process.execPath, [join(folder, 'driver.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  const ids = await Promise.all(
    drivers.map(async (each) => {
      const [[data]] = await Promise.all([once(each.stdout, 'data'), once(each, 'exit')]);
      return String(data).trim();
    }),
  );
  for (const id of ids) expect((await workspace.store.getRun(id)).state).toBe('Completed');
  expect(new Set(ids).size).toBe(2);
}, 120_000);
