import { ConfigError, DataError, Rng } from '#core';
import { BatchWorkers, type WorkerDataset } from './batch-workers.ts';
import { collate, type Dataset, type Sample } from './dataset.ts';

export interface DataLoaderOptions {
  /** Samples per batch, at least 1; 1 by default, as in PyTorch. */
  readonly batchSize?: number;
  /** Another order in every epoch; false by default. */
  readonly shuffle?: boolean;
  /** Seed of the order; 0 by default. */
  readonly seed?: number;
  /** Leave out a last batch that is smaller; false by default. */
  readonly dropLast?: boolean;
  /** Changes a batch after it was put together, for instance to augment it. */
  readonly transform?: (batch: Sample, context: BatchContext) => Sample | Promise<Sample>;
  /** Puts samples together; along a new first axis by default. */
  readonly collate?: (samples: readonly Sample[]) => Sample;
  /** Batches that are prepared ahead; 2 by default. */
  readonly prefetch?: number;
  /**
   * Worker threads that read samples; 0 by default, which reads in this thread. Needs a data set that a worker can open
   * by itself (`worker`), as image folders are.
   */
  readonly workers?: number;
}

/** What a transform may depend on, so that it does not depend on the grouping into batches. */
export interface BatchContext {
  readonly epoch: number;
  /** Index of every sample in the data set. */
  readonly indices: Uint32Array;
  readonly seed: number;
}

/**
 * Goes through a data set in batches. The batches of an epoch depend on seed and epoch alone, whatever the number of
 * workers, so that training can go on in the middle of an epoch.
 *
 * @throws ConfigError for sizes below 1, or workers for a data set that only this thread has
 * @example
 * const loader = new DataLoader(dataset, { batchSize: 64, shuffle: true, seed: 0 });
 * for await (const [images, labels] of loader.epoch(0)) { … }
 */
export class DataLoader {
  readonly dataset: Dataset;
  readonly options: Required<
    Pick<DataLoaderOptions, 'batchSize' | 'shuffle' | 'seed' | 'dropLast' | 'prefetch' | 'workers'>
  > &
    Pick<DataLoaderOptions, 'transform' | 'collate'>;

  constructor(dataset: Dataset, options: DataLoaderOptions = {}) {
    this.dataset = dataset;
    this.options = {
      batchSize: 1,
      shuffle: false,
      seed: 0,
      dropLast: false,
      prefetch: 2,
      workers: 0,
      ...options,
    };
    const { batchSize, prefetch, workers } = this.options;
    const faults = Object.entries({ batchSize: batchSize - 1, prefetch: prefetch - 1, workers })
      .filter(([, value]) => !Number.isInteger(value) || value < 0)
      .map(([name]) => `${name} ${this.options[name as 'batchSize']}`);
    if (faults.length > 0) {
      throw new ConfigError(
        `DataLoader: batchSize and prefetch must be whole numbers above 0 and workers at least 0, but got ${faults.join(', ')}. Change them.`,
        { batchSize, prefetch, workers },
      );
    }
    if (workers > 0 && (dataset as Partial<WorkerDataset>).worker === undefined) {
      throw new ConfigError(
        'DataLoader: workers need a data set that a worker can open, but this one lives in this thread. Pass workers: 0, or give the data set a worker description.',
        { workers },
      );
    }
  }

  /** Batches per epoch. */
  get length(): number {
    const { batchSize, dropLast } = this.options;
    const count = this.dataset.length / batchSize;
    return dropLast ? Math.floor(count) : Math.ceil(count);
  }

  /** Samples per epoch. */
  get size(): number {
    const { batchSize, dropLast } = this.options;
    return dropLast ? this.length * batchSize : this.dataset.length;
  }

  /** Order of the samples in an epoch, counted from 0. */
  order(epoch: number): Uint32Array {
    const { shuffle, seed } = this.options;
    if (!shuffle) return Uint32Array.from({ length: this.dataset.length }, (_, i) => i);
    return new Rng(seed).fork(`epoch ${epoch}`).permutation(this.dataset.length);
  }

  /** The batches of the first epoch. */
  [Symbol.asyncIterator](): AsyncIterator<Sample> {
    return this.epoch(0)[Symbol.asyncIterator]();
  }

  /**
   * The batches of an epoch.
   * @param start first batch, to go on with an epoch
   * @throws DataError naming the sample that could not be read
   */
  async *epoch(epoch: number, start = 0): AsyncGenerator<Sample> {
    const { batchSize, prefetch, workers } = this.options;
    const order = this.order(epoch);
    const pool = workers > 0 ? new BatchWorkers(this.dataset as WorkerDataset, workers) : undefined;
    const pending: Promise<Sample>[] = [];
    let next = start;
    const request = () => {
      if (next >= this.length) return;
      const indices = order.slice(next * batchSize, (next + 1) * batchSize);
      next++;
      const batch = this.prepare(indices, epoch, pool);
      // A failure is raised where the batch is taken.
      batch.catch(() => {});
      pending.push(batch);
    };
    try {
      for (let i = 0; i < Math.max(prefetch, workers * 2); i++) request();
      while (pending.length > 0) {
        const batch = await pending.shift()!;
        request();
        yield batch;
      }
    } finally {
      await pool?.close();
    }
  }

  private async prepare(
    indices: Uint32Array,
    epoch: number,
    pool: BatchWorkers | undefined,
  ): Promise<Sample> {
    const { transform, seed } = this.options;
    const batch = await this.read(indices, pool);
    return transform === undefined ? batch : transform(batch, { epoch, indices, seed });
  }

  private async read(indices: Uint32Array, pool: BatchWorkers | undefined): Promise<Sample> {
    const join = this.options.collate ?? collate;
    if (pool !== undefined) return join(await pool.read(indices));
    if (this.dataset.getBatch !== undefined && this.options.collate === undefined)
      return this.dataset.getBatch(indices);
    return join(await Promise.all(Array.from(indices, (index) => readSample(this.dataset, index))));
  }
}

async function readSample(dataset: Dataset, index: number): Promise<Sample> {
  try {
    return await dataset.get(index);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(
      `DataLoader: every sample must be readable, but sample ${index} is not: ${(error as Error).message}. Mend or leave it out.`,
      { index },
      { cause: error },
    );
  }
}
