import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComputeSettings, ComputeTarget, JobEvent, JobHandle, JobSpec } from '#compute';
import type { ConformanceCase } from './learner-conformance.ts';

/** Jobs of the suite: what they do is their input. */
const jobs = `
import { ConfigError } from 'trainyard/core';
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default async function run(input, context) {
  switch (input.do) {
    case 'answer': return { twice: 2 * input.n, attempt: context.attempt };
    case 'nothing': return undefined;
    case 'print':
      process.stdout.write('one ünïcode line\\n');
      process.stderr.write('a warning\\n');
      return null;
    case 'print much':
      for (let i = 0; i < input.lines; i++) console.log(String(i).padStart(99, '.'));
      return null;
    case 'emit':
      for (let i = 0; i < 5; i++) context.emit({ i });
      return null;
    case 'environment': return { cwd: process.cwd(), value: process.env.SUITE_VALUE ?? null };
    case 'refuse': throw new ConfigError('job: must not, but did. Stop.', { field: 'x' });
    case 'die': process.kill(process.pid, 'SIGKILL'); await wait(60_000); return null;
    case 'die once':
      if (context.attempt === 1) { process.kill(process.pid, 'SIGKILL'); await wait(60_000); }
      return { attempt: context.attempt };
    case 'compute': { const end = Date.now() + input.ms; while (Date.now() < end); return 'done'; }
    case 'wait': await wait(input.ms); return 'done';
    case 'until asked':
      context.emit('listening');
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      context.emit('asked');
      return 'saved';
    case 'deaf': process.on('SIGTERM', () => {}); context.emit('deaf'); await wait(60_000); return null;
    case 'mark': globalThis.marks = (globalThis.marks ?? 0) + 1; return globalThis.marks;
  }
}
export const other = () => 'other';
`;

async function eventsOf(job: JobHandle): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of job) events.push(event);
  return events;
}

const types = (events: readonly JobEvent[]): string[] => events.map(({ type }) => type);

type Submit = (what: string, input?: Record<string, number>, spec?: Partial<JobSpec>) => JobHandle;
type Check = (submit: Submit, target: ComputeTarget, folder: string) => Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  'gives what the function returned': async (submit) => {
    assert.deepEqual(await submit('answer', { n: 21 }).result, { twice: 42, attempt: 1 });
    assert.equal(await submit('nothing').result, undefined);
  },
  'calls the export that is named': async (submit) => {
    assert.equal(await submit('', {}, { export: 'other' }).result, 'other');
  },
  'tells of a job in order, also to a reader who comes late': async (submit) => {
    const job = submit('emit');
    await job.result;
    const events = await eventsOf(job);
    assert.deepEqual(types(events), ['queued', 'started', ...Array(5).fill('message'), 'completed']);
    const messages = events.flatMap((event) => (event.type === 'message' ? [event.data] : []));
    assert.deepEqual(
      messages,
      [0, 1, 2, 3, 4].map((i) => ({ i })),
    );
  },
  'captures standard output and errors': async (submit) => {
    const events = await eventsOf(submit('print'));
    const text = (stream: string) =>
      events.map((event) => (event.type === 'log' && event.stream === stream ? event.text : '')).join('');
    assert.equal(text('stdout'), 'one ünïcode line\n');
    assert.equal(text('stderr'), 'a warning\n');
  },
  'loses nothing of 5 MB of output to a reader': async (submit) => {
    let length = 0;
    for await (const event of submit('print much', { lines: 50_000 }))
      if (event.type === 'log') length += event.text.length;
    assert.equal(length, 5_000_000);
  },
  'ends a job that prints much and is read by nobody': async (submit) => {
    assert.equal(await submit('print much', { lines: 50_000 }).result, null);
  },
  'runs in the folder and with the variables it is given': async (submit, _, folder) => {
    const job = submit('environment', {}, { cwd: folder, environment: { SUITE_VALUE: 'ä "x"' } });
    assert.deepEqual(await job.result, { cwd: folder, value: 'ä "x"' });
  },
  'passes an error on with class, message and details, and does not repeat it': async (submit) => {
    const job = submit('refuse');
    await assert.rejects(job.result, {
      name: 'ConfigError',
      message: 'job: must not, but did. Stop.',
      details: { field: 'x' },
    });
    assert.deepEqual(types(await eventsOf(job)), ['queued', 'started', 'failed']);
  },
  'names a module that is not there, and an export that is not': async (submit) => {
    await assert.rejects(submit('', {}, { module: '/nowhere/job.js' }).result, { name: 'ConfigError' });
    await assert.rejects(submit('', {}, { export: 'othr' }).result, /Did you mean "other"/);
  },
  'starts a job again whose worker was killed': async (submit) => {
    const job = submit('die once');
    assert.deepEqual(await job.result, { attempt: 2 });
    assert.deepEqual(types(await eventsOf(job)), ['queued', 'started', 'lost', 'started', 'completed']);
  },
  'gives up a job that loses every worker': async (submit) => {
    await assert.rejects(submit('die', {}, { retries: 1 }).result, { name: 'RuntimeFailure' });
    await assert.rejects(submit('die', {}, { retries: 0 }).result, { name: 'RuntimeFailure' });
  },
  'asks a job to end, and takes what it says until then': async (submit) => {
    const job = submit('until asked', {}, { graceSeconds: 20 });
    const events: JobEvent[] = [];
    for await (const event of job) {
      events.push(event);
      if (event.type === 'message' && event.data === 'listening') void job.cancel('enough');
    }
    assert.deepEqual(events.slice(-2), [
      { type: 'message', data: 'asked' },
      { type: 'canceled', reason: 'enough' },
    ]);
    await assert.rejects(job.result, { name: 'CancelledError' });
  },
  'ends a job that does not listen after its grace period': async (submit) => {
    const job = submit('deaf', {}, { graceSeconds: 0.2 });
    for await (const event of job) if (event.type === 'message') await job.cancel('enough');
    await assert.rejects(job.result, { name: 'CancelledError' });
  },
  'cancels a job that still waits': async (submit, target) => {
    const busy = Array.from({ length: target.settings.maxNodes }, () => submit('wait', { ms: 300 }));
    const job = submit('wait', { ms: 60_000 });
    await job.cancel('enough');
    await assert.rejects(job.result, { name: 'CancelledError' });
    assert.deepEqual(types(await eventsOf(job)), ['queued', 'canceled']);
    await Promise.all(busy.map(({ result }) => result));
  },
  'ends a job when its time is over': async (submit) => {
    const job = submit('wait', { ms: 60_000 }, { timeoutSeconds: 0.5, graceSeconds: 0.2 });
    await assert.rejects(job.result, { name: 'RuntimeFailure' });
  },
  'does not take a job that computes without a pause for lost': async (submit) => {
    assert.equal(await submit('compute', { ms: 2500 }).result, 'done');
  },
  'runs no more jobs at once than maxNodes, and says how many': async (submit, target) => {
    const handles = Array.from({ length: target.settings.maxNodes + 2 }, () => submit('wait', { ms: 200 }));
    const { busy, queued } = target.status();
    assert.equal(busy, target.settings.maxNodes);
    assert.equal(queued, 2);
    await Promise.all(handles.map(({ result }) => result));
    assert.equal(target.status().queued, 0);
  },
  'leaves nothing of one job to the next': async (submit) => {
    assert.equal(await submit('mark').result, 1);
    assert.equal(await submit('mark').result, 1);
  },
  'waits for its least number of workers': async (_, target) => {
    await target.waitForCompletion();
    assert.ok(target.status().nodes >= target.settings.minNodes);
  },
  'refuses a job without a place, and one after its end': async (submit, target) => {
    assert.throws(() => submit('', {}, { module: 'job.js' }), { name: 'ConfigError' });
    const job = submit('wait', { ms: 60_000 }, { graceSeconds: 0.2 });
    await target.close();
    await assert.rejects(job.result, { name: 'CancelledError' });
    assert.throws(() => submit('answer', { n: 1 }), { name: 'RuntimeFailure' });
  },
};

/**
 * What every compute target must do, for any test runner.
 *
 * @param create makes a target; it is closed by the case
 * @param folder where the suite may put the module of its jobs: inside a package from which `trainyard` resolves, and
 *   seen by the target's nodes
 */
export function computeConformanceCases(
  create: (settings: ComputeSettings) => ComputeTarget,
  folder: string = tmpdir(),
): ConformanceCase[] {
  return Object.entries(checks).map(([name, check]) => ({
    name,
    run: async () => {
      const place = mkdtempSync(join(folder, 'compute-'));
      const module = join(place, 'jobs.mjs');
      writeFileSync(module, jobs);
      const target = create({ minNodes: 1, maxNodes: 2, idleSeconds: 5 });
      const submit: Submit = (what, input = {}, spec = {}) =>
        target.submit({ name: `suite ${what}`, module, input: { do: what, ...input }, ...spec });
      try {
        await check(submit, target, place);
      } finally {
        await target.close();
        rmSync(place, { recursive: true, force: true });
      }
    },
  }));
}
