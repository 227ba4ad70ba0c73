/** Entry of a worker thread that does the jobs of an AutoML run one by one. */
import { parentPort, workerData } from 'node:worker_threads';
import { Deadline, TrainyardError } from '#core';
import { JobRunner } from './run-job.ts';
import { type JobAnswer, type JobMessage, sharedClock, type WorkerSetup } from './trial-job.ts';

const { environment, cancel } = workerData as WorkerSetup;
const runner = new JobRunner(environment);

/** Looks at shared memory, because a message would not arrive during synchronous work. */
const signal = {
  get aborted() {
    return Atomics.load(cancel, 0) === 1;
  },
} as AbortSignal;

parentPort?.on('message', async ({ id, job, seconds, sentAt }: JobMessage) => {
  const left = seconds - (sharedClock() - sentAt) / 1000;
  let answer: JobAnswer;
  try {
    answer = { id, result: await runner.run(job, new Deadline(left, signal)) };
  } catch (error) {
    answer = { id, error: describe(error) };
  }
  parentPort?.postMessage(answer);
});

function describe(error: unknown): { code: string; message: string; reason?: string } {
  if (error instanceof TrainyardError) {
    const reason = error.details['reason'];
    return { code: error.code, message: error.message, ...(typeof reason === 'string' ? { reason } : {}) };
  }
  return { code: 'UNKNOWN', message: error instanceof Error ? error.message : String(error) };
}
