import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  explainReuse,
  Pipeline,
  PipelineData,
  PipelineParameter,
  PipelineRun,
  PublishedPipeline,
  RunDetails,
  ScriptStep,
} from '#pipeline';
import { Experiment, Workspace } from '#workspace';

const quiet = { showOutput: false };

/** Writes a number, and adds to the numbers it reads. */
const source = `import { readFileSync, writeFileSync } from 'node:fs';
import { increment } from './increment.mjs';
export default function work({ inputs, outputs, parameters }, { emit }) {
  const numbers = Object.values(inputs).map((path) => Number(readFileSync(path, 'utf8')));
  const sum = numbers.reduce((a, b) => a + b, parameters.start ?? 0) + increment;
  console.log('sum is ' + sum);
  emit({ metric: 'sum', value: sum });
  for (const path of Object.values(outputs)) writeFileSync(path, String(sum));
}
`;

describe('a pipeline', () => {
  let folder: string;
  let script: string;
  let workspace: Workspace;
  let experiment: Experiment;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trainyard-pipeline-'));
    script = join(folder, 'add.mjs');
    await writeFile(script, source);
    await writeFile(join(folder, 'increment.mjs'), 'export const increment = 1;\n');
    workspace = await Workspace.create({ path: folder });
    experiment = new Experiment(workspace, 'numbers');
  });
  afterEach(async () => {
    await workspace.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Two branches side by side and one step that reads both. */
  function diamond(start = 10): Pipeline {
    const parameter = new PipelineParameter({ name: 'start', defaultValue: start });
    const [left, right, sum] = ['left', 'right', 'sum'].map((name) => new PipelineData(name));
    return new Pipeline(workspace, {
      description: 'adds',
      steps: [
        new ScriptStep({ name: 'add', script, inputs: [left, right], outputs: [sum] }),
        new ScriptStep({ name: 'left', script, outputs: [left], parameters: { start: parameter } }),
        new ScriptStep({ name: 'right', script, outputs: [right] }),
      ],
    });
  }

  async function finish(
    pipeline: Pipeline,
    options: Parameters<Pipeline['submit']>[1] = {},
  ): Promise<PipelineRun> {
    const run = await pipeline.submit(experiment, { ...quiet, ...options });
    expect(await run.waitForCompletion(quiet)).toBe('Finished');
    return run;
  }

  async function readOutput(run: PipelineRun, name: string): Promise<string> {
    const target = join(folder, `download-${run.id}`);
    const output = await run.getPipelineOutput(name);
    expect(await output.download(target)).toBe(1);
    return readFile(join(target, output.pathOnDatastore), 'utf8');
  }

  const reasonOf = async (run: PipelineRun, step: string) =>
    (await explainReuse(workspace.store, run.id, step)).reason;

  it('runs its steps in the order of their data, with logs and metrics', async () => {
    const run = await finish(diamond());
    expect(await readOutput(run, 'sum')).toBe('13');
    const steps = await run.getSteps();
    expect(steps.map(({ name, state }) => [name, state]).sort()).toEqual([
      ['add', 'Completed'],
      ['left', 'Completed'],
      ['right', 'Completed'],
    ]);
    const add = steps.find(({ name }) => name === 'add');
    expect(add?.metrics).toEqual({ sum: 13 });
    expect((await workspace.store.readLog(add?.id ?? '')).text).toBe('sum is 13\n');
  });

  it('takes over all steps when nothing has changed', async () => {
    await finish(diamond());
    const run = await finish(diamond());
    for (const name of ['left', 'right', 'add']) expect(await reasonOf(run, name)).toMatch(/was reused/);
    expect(await readOutput(run, 'sum')).toBe('13');
  });

  it('runs again what another parameter reaches, and says so', async () => {
    await finish(diamond());
    const run = await finish(diamond(), { pipelineParameters: { start: 20 } });
    expect(await readOutput(run, 'sum')).toBe('23');
    expect(await reasonOf(run, 'left')).toMatch(/setting parameters/);
    expect(await reasonOf(run, 'right')).toMatch(/was reused/);
    expect(await reasonOf(run, 'add')).toMatch(/input left/);
  });

  it('runs again when a file that the script imports has changed', async () => {
    await finish(diamond());
    await writeFile(join(folder, 'increment.mjs'), 'export const increment = 2;\n');
    const run = await finish(diamond());
    expect(await readOutput(run, 'sum')).toBe('16');
    expect(await reasonOf(run, 'right')).toMatch(/increment\.mjs/);
  });

  it('runs again when an output is not in the store any more', async () => {
    const first = await finish(diamond());
    const right = (await first.getSteps()).find(({ name }) => name === 'right');
    await workspace.store.deleteArtifact(right?.id ?? '', 'outputs/right');
    const run = await finish(diamond());
    expect(await reasonOf(run, 'right')).toMatch(/not there any more/);
    expect(await reasonOf(run, 'left')).toMatch(/was reused/);
    expect(await readOutput(run, 'sum')).toBe('13');
  });

  it('runs all steps when all outputs are to be made anew', async () => {
    await finish(diamond());
    const run = await finish(diamond(), { regenerateOutputs: true });
    expect(await reasonOf(run, 'left')).toMatch(/made anew/);
  });

  it('fails with the step that failed, and is not published', async () => {
    await writeFile(script, 'export default () => { throw new Error("no luck"); };\n');
    const run = await diamond().submit(experiment, quiet);
    await expect(run.waitForCompletion(quiet)).rejects.toThrow(/no luck/);
    expect(await run.getStatus()).toBe('Failed');
    await expect(run.publishPipeline({ name: 'adds', description: '', version: '1.0' })).rejects.toThrow(
      /complete/i,
    );
  });

  it('fails when a step does not write an output', async () => {
    await writeFile(script, 'export default () => {};\n');
    const run = await diamond().submit(experiment, quiet);
    await expect(run.waitForCompletion(quiet)).rejects.toThrow(/every output must be written/);
  });

  it('is cancelled through the store, and its processes end', async () => {
    await writeFile(
      script,
      'export default (_, { emit }) => { emit({ pid: process.pid }); return new Promise((end) => setTimeout(end, 600000)); };\n',
    );
    const output = new PipelineData('never');
    const step = new ScriptStep({ name: 'sleep', script, outputs: [output], graceSeconds: 1 });
    const run = await new Pipeline(workspace, { steps: [step] }).submit(experiment, quiet);
    const pid = await until(async () => {
      const events = await workspace.store.readEvents(run.id);
      const message = events.find(({ type }) => type === 'message');
      return (message?.data as { pid?: number } | undefined)?.pid;
    });
    await new PipelineRun(experiment, run.id).cancel();
    await expect(run.waitForCompletion(quiet)).rejects.toThrow(/Canceled/);
    expect((await run.getSteps()).map(({ state }) => state)).toEqual(['Canceled']);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  it('is published and started again with other parameters', async () => {
    const run = await finish(diamond());
    const published = await run.publishPipeline({ name: 'adds "<b>"', description: 'é', version: '1.0' });
    const found = await PublishedPipeline.get(workspace, published.id);
    expect([found.name, found.status]).toEqual(['adds "<b>"', 'Active']);
    const again = await found.submit('rest', { ...quiet, parameterAssignments: { start: '30' } });
    await again.waitForCompletion(quiet);
    expect(await readOutput(again, 'sum')).toBe('33');
    await expect(found.submit('rest', { ...quiet, parameterAssignments: { strat: 1 } })).rejects.toThrow(
      'Did you mean "start"?',
    );
    await expect(found.submit('rest', { ...quiet, parameterAssignments: { start: 'many' } })).rejects.toThrow(
      /parameter start must be a number/,
    );
  });

  it('is shown as lines', async () => {
    const run = await finish(diamond());
    let text = '';
    const stream = new Writable({
      write(part, _, done) {
        text += String(part);
        done();
      },
    });
    await RunDetails(run).show({ stream, once: true });
    expect(text).toContain(`PipelineRun ${run.id}: Completed, 3 of 3 steps`);
    await RunDetails(run).show({ stream });
    expect(text).toContain('step add: Completed');
  });

  it('runs twice at once', async () => {
    const runs = await Promise.all([
      diamond(1).submit(experiment, quiet),
      diamond(2).submit(experiment, quiet),
    ]);
    for (const run of runs) await run.waitForCompletion(quiet);
    expect(await Promise.all(runs.map((run) => readOutput(run, 'sum')))).toEqual(['4', '5']);
  });
});

async function until<T>(probe: () => Promise<T | undefined>): Promise<T> {
  while (true) {
    const value = await probe();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
