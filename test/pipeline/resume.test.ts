import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { distFile } from '#core';
import { PipelineRun, resumePipelineRun } from '#pipeline';
import { Experiment, Workspace } from '#workspace';
import { PostgresServer, postgresBin } from '../tracking/postgres-server.ts';

const quiet = { showOutput: false };
const address = (file: string) => JSON.stringify(pathToFileURL(distFile(file)).href);

/** Submits a pipeline of a step that counts its runs, one that waits for a file, and one after it. */
const driver = (folder: string) => `
import { Pipeline, PipelineData, ScriptStep } from ${address('pipeline/index.js')};
import { Experiment, Workspace } from ${address('workspace/index.js')};
const workspace = await Workspace.open({ path: ${JSON.stringify(folder)} });
const [count, wait, last] = ['count', 'wait', 'last'].map((name) => new PipelineData(name));
const step = (name, inputs, outputs) => new ScriptStep({
  name, inputs, outputs, script: ${JSON.stringify(join(folder, 'step.mjs'))}, parameters: { name, folder: ${JSON.stringify(folder)} },
});
const pipeline = new Pipeline(workspace, {
  steps: [step('count', [], [count]), step('wait', [count], [wait]), step('last', [wait], [last])],
});
const run = await pipeline.submit(new Experiment(workspace, 'killed'), { showOutput: false });
process.stdout.write(run.id + '\\n');
`;

const step = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
export default async function work({ outputs, parameters: { name, folder } }, { signal }) {
  appendFileSync(join(folder, 'begun'), name + '\\n');
  while (name === 'wait' && !existsSync(join(folder, 'go')) && !signal.aborted)
    await new Promise((resolve) => setTimeout(resolve, 20));
  for (const path of Object.values(outputs)) writeFileSync(path, name);
}
`;

const databases = [
  { kind: 'SQLite', isThere: true },
  { kind: 'PostgreSQL', isThere: postgresBin !== undefined },
];
let server: PostgresServer | undefined;
let count = 0;
afterAll(() => server?.stop());

describe.each(databases)('a pipeline whose process was killed, on $kind', ({ kind, isThere }) => {
  let folder: string;
  let workspace: Workspace;
  let child: ChildProcess;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trainyard-resume-'));
    if (kind === 'PostgreSQL') server ??= await PostgresServer.start();
    const databaseUrl = kind === 'PostgreSQL' ? await server!.database(`resume_${count++}`) : '';
    workspace = await Workspace.create({ path: folder, databaseUrl });
    await writeFile(join(folder, 'step.mjs'), step);
    await writeFile(join(folder, 'driver.mjs'), driver(folder));
    child = spawn(process.execPath, [join(folder, 'driver.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TRAINYARD_DATABASE_URL: databaseUrl },
    });
  }, 60_000);
  afterEach(async () => {
    child.kill('SIGKILL');
    await workspace.close();
    await rm(folder, { recursive: true, force: true });
  });

  const begun = async () =>
    (await readFile(join(folder, 'begun'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

  async function untilWaiting(): Promise<string> {
    const [data] = (await once(child.stdout!, 'data')) as [Buffer];
    while (!(await begun()).includes('wait')) await new Promise((resolve) => setTimeout(resolve, 50));
    return data.toString().trim();
  }

  it.skipIf(!isThere)(
    'does not respond, and goes on from its finished steps when it is resumed',
    async () => {
      const id = await untilWaiting();
      child.kill('SIGKILL');
      await once(child, 'exit');
      const watched = new PipelineRun(new Experiment(workspace, 'killed'), id);
      await expect(watched.waitForCompletion(quiet)).rejects.toThrow(`trainyard run resume ${id}`);
      expect(await watched.getStatus()).toBe('NotResponding');
      await writeFile(join(folder, 'go'), '');
      const resumed = await resumePipelineRun(workspace, id);
      expect(await resumed.waitForCompletion(quiet)).toBe('Finished');
      const names = await begun();
      expect(names.filter((name) => name === 'count')).toHaveLength(1);
      expect(names.at(-1)).toBe('last');
      const steps = await resumed.getSteps();
      expect(steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
        'count Completed',
        'wait Completed',
        'last Completed',
      ]);
      await expect(resumePipelineRun(workspace, id)).rejects.toThrow(/nothing to resume/);
    },
  );

  it.skipIf(!isThere)(
    'is not resumed while its process lives, and another process can cancel it',
    async () => {
      const id = await untilWaiting();
      await expect(resumePipelineRun(workspace, id)).rejects.toThrow(/must have stopped/);
      const watched = new PipelineRun(new Experiment(workspace, 'killed'), id);
      await watched.cancel();
      await expect(watched.waitForCompletion(quiet)).rejects.toThrow(/Canceled/);
      expect((await watched.getSteps()).map(({ state }) => state)).toEqual(['Completed', 'Canceled']);
    },
  );
});
