import { Worker } from 'node:worker_threads';
import { DataError, distFile, RuntimeFailure } from '#core';
import type { Dataset, Sample } from './dataset.ts';

/** How a worker thread opens a data set: a function exported by a module, called with plain settings. */
export interface WorkerDescription {
  /** Address of the module, such as `import.meta.url`. */
  readonly module: string;
  /** Name of the exported function that returns the data set, or a promise of it. */
  readonly create: string;
  readonly settings: unknown;
}

export interface WorkerDataset extends Dataset {
  readonly worker: WorkerDescription;
}

export interface WorkerRequest {
  readonly id: number;
  readonly indices: Uint32Array;
}

export type WorkerReply =
  | { readonly id: number; readonly samples: readonly Sample[] }
  | { readonly id: number; readonly error: string; readonly details: Record<string, unknown> };

interface Waiting {
  readonly resolve: (samples: readonly Sample[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Worker threads that read samples of one data set. */
export class BatchWorkers {
  private readonly workers: readonly Worker[];
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;

  constructor({ worker: description }: WorkerDataset, count: number) {
    const entry = distFile('data', 'samples', 'sample-worker.js');
    this.workers = Array.from({ length: count }, () => {
      const worker = new Worker(entry, { workerData: description });
      worker.on('message', (reply: WorkerReply) => this.settle(reply));
      worker.on('error', (error) => this.fail(error));
      worker.on('exit', (code) => {
        if (code !== 0) this.fail(new Error(`it ended with code ${code}`));
      });
      return worker;
    });
  }

  /** Reads samples in the given order. */
  read(indices: Uint32Array): Promise<readonly Sample[]> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.workers[id % this.workers.length].postMessage({ id, indices } satisfies WorkerRequest);
    });
  }

  async close(): Promise<void> {
    this.waiting.clear();
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private settle(reply: WorkerReply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('samples' in reply) waiting?.resolve(reply.samples);
    else waiting?.reject(new DataError(reply.error, reply.details));
  }

  private fail(error: Error): void {
    const failure = new RuntimeFailure(
      `DataLoader: workers must stay alive, but one did not: ${error.message}. Try workers: 0.`,
      {},
      { cause: error },
    );
    for (const { reject } of this.waiting.values()) reject(failure);
    this.waiting.clear();
  }
}
