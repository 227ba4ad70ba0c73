import { parentPort, workerData } from 'node:worker_threads';
import { TrainyardError } from '#core';
import type { WorkerReply, WorkerRequest } from './batch-workers.ts';
import type { Sample } from './dataset.ts';
import { type DatasetDescription, openDataset } from './open-dataset.ts';
import { readBatch, readSamples } from './read-samples.ts';

/** Opens a data set by its description and reads the samples that are asked for. */
const opened = openDataset(workerData as DatasetDescription);
// A failure is told with the first request.
opened.catch(() => {});

async function answer({ id, indices, join }: WorkerRequest): Promise<void> {
  const dataset = await opened;
  const result = join ? await readBatch(dataset, indices) : await readSamples(dataset, indices);
  // Only what was put together here is moved; samples may be kept by the data set, and are copied.
  const isOwn = join && dataset.getBatch === undefined;
  const moved = isOwn ? (result as Sample).map(({ data }) => data.buffer as ArrayBuffer) : [];
  parentPort?.postMessage({ id, result } satisfies WorkerReply, moved);
}

parentPort?.on('message', (request: WorkerRequest) => {
  answer(request).catch((error: unknown) => {
    const details = error instanceof TrainyardError ? { ...error.details } : {};
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ id: request.id, error: message, details } satisfies WorkerReply);
  });
});
