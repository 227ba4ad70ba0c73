import { parentPort, workerData } from 'node:worker_threads';
import { TrainyardError } from '#core';
import type { WorkerDescription, WorkerReply, WorkerRequest } from './batch-workers.ts';
import type { Dataset } from './dataset.ts';

/** Opens a data set by its description and reads the samples that are asked for. */
const { module, create, settings } = workerData as WorkerDescription;

const opened = (async () => {
  const exports = (await import(module)) as Record<string, (settings: unknown) => Dataset | Promise<Dataset>>;
  return exports[create](settings);
})();
// A failure is told with the first request.
opened.catch(() => {});

parentPort?.on('message', async ({ id, indices }: WorkerRequest) => {
  let reply: WorkerReply;
  try {
    const dataset = await opened;
    reply = { id, samples: await Promise.all(Array.from(indices, (index) => dataset.get(index))) };
  } catch (error) {
    const details = error instanceof TrainyardError ? { ...error.details } : {};
    reply = { id, error: error instanceof Error ? error.message : String(error), details };
  }
  parentPort?.postMessage(reply);
});
