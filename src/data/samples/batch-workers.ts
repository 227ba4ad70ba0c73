import { Worker } from 'node:worker_threads';
import { ConfigError, DataError, distFile, RuntimeFailure } from '#core';
import type { Sample } from './dataset.ts';
import type { DatasetDescription } from './open-dataset.ts';

export interface WorkerRequest {
  readonly id: number;
  readonly indices: Uint32Array;
  /** Whether the worker joins the samples to a batch. */
  readonly join: boolean;
}

export type WorkerReply =
  | { readonly id: number; readonly result: Sample | readonly Sample[] }
  | { readonly id: number; readonly error: string; readonly details: Record<string, unknown> };

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Worker threads that read samples of one data set. */
export class BatchWorkers {
  private readonly workers: readonly Worker[];
  private readonly waiting = new Map<number, Waiting>();
  private failure: RuntimeFailure | undefined;
  private next = 0;
  private isClosed = false;

  constructor(description: DatasetDescription, count: number) {
    this.workers = Array.from({ length: count }, () => {
      const worker = startWorker(description);
      worker.on('message', (reply: WorkerReply) => this.settle(reply));
      worker.on('error', (error) => this.fail(error instanceof Error ? error.message : String(error)));
      worker.on('exit', (code) => this.fail(`it ended with code ${code}`));
      // An iteration that was dropped half-way does not keep the process alive.
      worker.unref();
      return worker;
    });
  }

  readBatch(indices: Uint32Array): Promise<Sample> {
    return this.send<Sample>(indices, true);
  }

  readSamples(indices: Uint32Array): Promise<readonly Sample[]> {
    return this.send<readonly Sample[]>(indices, false);
  }

  /** Ends the workers; batches that are still on the way never come. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.waiting.clear();
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private send<T>(indices: Uint32Array, join: boolean): Promise<T> {
    const id = this.next++;
    return new Promise<T>((resolve, reject) => {
      if (this.failure !== undefined) {
        reject(this.failure);
        return;
      }
      if (this.waiting.size === 0) for (const worker of this.workers) worker.ref();
      this.waiting.set(id, { resolve, reject });
      this.workers[id % this.workers.length].postMessage({ id, indices, join } satisfies WorkerRequest);
    });
  }

  private settle(reply: WorkerReply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    this.letGo();
    if ('result' in reply) waiting?.resolve(reply.result as never);
    else waiting?.reject(new DataError(reply.error, reply.details));
  }

  /**
   * Lets the process end when nothing is waited for. Not while the workers are being ended: `close` waits for that, and
   * a reply that comes meanwhile must not end the process under it.
   */
  private letGo(): void {
    if (this.waiting.size > 0 || this.isClosed) return;
    for (const worker of this.workers) worker.unref();
  }

  private fail(reason: string): void {
    this.failure ??= new RuntimeFailure(
      `DataLoader: workers must stay alive, but one did not: ${reason.replace(/\.$/, '')}. Try workers: 0.`,
    );
    for (const { reject } of this.waiting.values()) reject(this.failure);
    this.waiting.clear();
    this.letGo();
  }
}

function startWorker(workerData: DatasetDescription): Worker {
  try {
    return new Worker(distFile('data', 'samples', 'sample-worker.js'), { workerData, execArgv: [] });
  } catch (error) {
    throw new ConfigError(
      `DataLoader: the settings of a data set must be plain data, but got ${(error as Error).message.replace(/\.$/, '')}. Make functions and open files in "${workerData.create}" itself.`,
      { create: workerData.create },
    );
  }
}
