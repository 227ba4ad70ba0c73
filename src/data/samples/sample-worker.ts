import { parentPort, workerData } from 'node:worker_threads';
import { type HostTensor, TrainyardError } from '#core';
import type { WorkerReply, WorkerRequest } from './batch-workers.ts';
import type { Sample } from './dataset.ts';
import { type DatasetDescription, openDataset } from './open-dataset.ts';
import { readBatch, readSamples } from './read-samples.ts';

/** Opens a data set by its description and reads the samples that are asked for. */
const opened = openDataset(workerData as DatasetDescription);
// A failure is told with the first request.
opened.catch(() => {});

/** A view is cloned with all of its buffer: a row of a large tensor is cut out first. */
function compact(sample: Sample): Sample {
  return sample.map((tensor): HostTensor => {
    const { data } = tensor;
    if (data.byteLength === data.buffer.byteLength) return tensor;
    return { ...tensor, data: data.slice() } as HostTensor;
  });
}

async function answer({ id, indices, join }: WorkerRequest): Promise<void> {
  const dataset = await opened;
  if (!join) {
    const result = (await readSamples(dataset, indices)).map(compact);
    parentPort?.postMessage({ id, result } satisfies WorkerReply);
    return;
  }
  const result = compact(await readBatch(dataset, indices));
  // Only what was put together here is moved; what the data set made may be kept by it, and is copied.
  const moved = dataset.getBatch === undefined ? result.map(({ data }) => data.buffer as ArrayBuffer) : [];
  parentPort?.postMessage({ id, result } satisfies WorkerReply, moved);
}

parentPort?.on('message', (request: WorkerRequest) => {
  answer(request).catch((error: unknown) => {
    const details = error instanceof TrainyardError ? { ...error.details } : {};
    const message = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ id: request.id, error: message, details } satisfies WorkerReply);
  });
});
