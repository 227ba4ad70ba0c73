/** The program of a worker process: waits for one job, does it, and ends. */
import { Worker } from 'node:worker_threads';
import { ConfigError, distFile, nearestName } from '#core';
import type { JobContext, JobFunction, JobSpec } from './compute-target.ts';
import { importModule, readTypeScript } from './import-module.ts';
import { type StartMessage, toWire, type WorkerMessage } from './worker-messages.ts';

const aborter = new AbortController();
const send = (message: WorkerMessage): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send!(message, undefined, undefined, () => resolve());
    else resolve();
  });

// The job decides how it ends; when it does not, the target's patience does.
process.on('SIGTERM', () => aborter.abort());
// Ctrl-C in a terminal goes to every process; the target passes on what it means.
process.on('SIGINT', () => {});
process.on('disconnect', () => {
  aborter.abort();
  process.exit(1);
});
new Worker(distFile('compute/heartbeat-thread.js')).unref();
// A process that waits makes itself ready for TypeScript.
const warmUp = setTimeout(readTypeScript, 100);
process.once('message', (message: StartMessage) => {
  clearTimeout(warmUp);
  void run(message);
});
void send({ type: 'ready' });

async function run({ job, attempt }: StartMessage): Promise<void> {
  const context: JobContext = {
    signal: aborter.signal,
    attempt,
    emit: (data) => {
      void send({ type: 'message', data });
    },
  };
  try {
    if (job.cwd !== undefined) process.chdir(job.cwd);
    Object.assign(process.env, job.environment);
    process.title = `trainyard ${job.name}`;
    const output = await (await findFunction(job))(job.input, context);
    await flushOutput();
    await send({ type: 'completed', output });
    process.exit(0);
  } catch (error) {
    await flushOutput();
    await send({ type: 'failed', error: toWire(error) });
    process.exit(1);
  }
}

/** What was printed is on its way; leaving before would lose it. */
async function flushOutput(): Promise<void> {
  const flush = (stream: NodeJS.WriteStream) =>
    new Promise<void>((resolve) => stream.write('', () => resolve()));
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
}

async function findFunction({ module, export: name = 'default' }: JobSpec): Promise<JobFunction> {
  const exports = await importModule(module);
  const found = exports[name];
  if (typeof found === 'function') return found as JobFunction;
  const functions = Object.keys(exports).filter((key) => typeof exports[key] === 'function');
  const near = nearestName(name, functions);
  throw new ConfigError(
    `job: ${module} must export a function "${name}", but it exports ${functions.join(', ') || 'none'}. ${near === undefined ? 'Export it.' : `Did you mean "${near}"?`}`,
    { module, name },
  );
}
