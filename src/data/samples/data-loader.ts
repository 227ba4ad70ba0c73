import { ConfigError, type HostTensor } from '#core';
import { BatchWorkers } from './batch-workers.ts';
import type { Dataset, Sample } from './dataset.ts';
import { readBatch, readSamples } from './read-samples.ts';
import { type SampleOrder, sequentialOrder, shuffledOrder, takeOrder } from './sample-order.ts';

export interface DataLoaderOptions {
  /** Samples per batch, at least 1; 1 by default, as in PyTorch. */
  readonly batchSize?: number;
  /** Another order in every epoch; false by default. */
  readonly shuffle?: boolean;
  /** Which samples in which order, instead of `shuffle`; all in order by default. */
  readonly sampler?: SampleOrder;
  /** Seed of the order; 0 by default. */
  readonly seed?: number;
  /** Leave out a last batch that is smaller; false by default. */
  readonly dropLast?: boolean;
  /** Changes a batch after it was put together, for instance to augment it; runs in this thread. */
  readonly transform?: (batch: Sample, context: BatchContext) => Sample | Promise<Sample>;
  /** Puts samples together; along a new first axis by default. Runs in this thread. */
  readonly collate?: (samples: readonly Sample[]) => Sample;
  /** Batches that are prepared ahead; 2 by default, and at least 2 per worker. */
  readonly prefetch?: number;
  /**
   * Worker threads that read samples; 0 by default, which reads in this thread. Needs a data set that a worker can open
   * by itself, such as an image folder, a subset of one, or what `openDataset` returns.
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
 * workers, so that training can go on in the middle of an epoch. A batch larger than the data set is one smaller batch
 * (none with `dropLast`); an empty data set has no batches.
 *
 * `for await (const batch of loader)` goes through epoch 0 the first time, epoch 1 the second time, and so on.
 *
 * @throws ConfigError for sizes below 1, two orders at once, or workers for a data set that only this thread has
 * @example
 * const loader = new DataLoader(dataset, { batchSize: 64, shuffle: true, seed: 0 });
 * for await (const [images, labels] of loader.epoch(0)) { … }
 */
export class DataLoader {
  readonly dataset: Dataset;
  readonly options: Required<Omit<DataLoaderOptions, 'transform' | 'collate' | 'sampler'>> &
    Pick<DataLoaderOptions, 'transform' | 'collate'>;
  private readonly source: SampleOrder;
  private readonly places: Sample[] = [];
  private passes = 0;

  constructor(dataset: Dataset, options: DataLoaderOptions = {}) {
    const { batchSize = 1, shuffle = false, seed = 0, dropLast = false, prefetch = 2, workers = 0 } = options;
    const { transform, collate, sampler } = options;
    this.dataset = dataset;
    this.options = {
      ...{ batchSize, shuffle, seed, dropLast, prefetch, workers },
      ...(transform === undefined ? {} : { transform }),
      ...(collate === undefined ? {} : { collate }),
    };
    checkOptions(dataset, options);
    this.source =
      sampler ?? (shuffle ? shuffledOrder(dataset.length, seed) : sequentialOrder(dataset.length));
  }

  /** Batches per epoch. */
  get length(): number {
    const { batchSize, dropLast } = this.options;
    const count = this.source.length / batchSize;
    return dropLast ? Math.floor(count) : Math.ceil(count);
  }

  /** Samples per epoch. */
  get size(): number {
    const { batchSize, dropLast } = this.options;
    return dropLast ? this.length * batchSize : this.source.length;
  }

  /**
   * Order of the samples in an epoch, counted from 0.
   * @throws DataError when the sampler names samples that are not there
   */
  order(epoch: number): Uint32Array {
    return takeOrder(this.source, epoch, this.dataset.length);
  }

  [Symbol.asyncIterator](): AsyncIterator<Sample> {
    return this.epoch(this.passes++);
  }

  /**
   * The batches of an epoch. Leaving the loop early ends the workers.
   *
   * @param start first batch, in [0, length], to go on with an epoch
   * @throws DataError naming the sample that could not be read
   * @throws ConfigError for a start outside the epoch
   */
  async *epoch(epoch: number, start = 0): AsyncGenerator<Sample> {
    const { batchSize, prefetch, workers } = this.options;
    if (!Number.isInteger(start) || start < 0 || start > this.length) {
      throw new ConfigError(
        `DataLoader: an epoch must start in [0, ${this.length}], but got ${start}. Is this the data set and batch size that training began with?`,
        { start, length: this.length },
      );
    }
    const order = this.order(epoch);
    const pool = workers > 0 ? new BatchWorkers(this.dataset.worker!, workers) : undefined;
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

  /**
   * The batches of an epoch from `start` on, some at a time, tensors `[count, N, …]`, as far as whole groups of whole
   * batches go; what is left comes from `epoch`. Every group has the memory of the one before. For data sets that make
   * whole batches at once and without waiting; nothing comes where they are changed by a transform, made in workers or
   * given by an `epoch` of a subclass.
   *
   * @param countFor how many batches of these types to give at a time; none are given where it is 1
   */
  async *stacks(
    epoch: number,
    start: number,
    countFor: (types: readonly Pick<HostTensor, 'dtype' | 'shape'>[]) => number,
  ): AsyncGenerator<Sample> {
    const { batchSize, transform, collate, workers } = this.options;
    const isPlain = transform === undefined && collate === undefined && workers === 0;
    if (!isPlain || this.dataset.getBatch === undefined || this.epoch !== DataLoader.prototype.epoch) return;
    const order = this.order(epoch);
    const first = start * batchSize;
    if (first + batchSize > order.length) return;
    const sample = this.dataset.getBatch(order.subarray(first, first + 1));
    if (sample instanceof Promise) {
      // What comes later is better read ahead, as `epoch` does.
      await sample.catch(() => undefined);
      return;
    }
    const count = countFor(
      sample.map(({ dtype, shape }) => ({ dtype, shape: [batchSize, ...shape.slice(1)] })),
    );
    if (count > 1) yield* this.readStacks(order, first, count);
  }

  private async *readStacks(order: Uint32Array, first: number, count: number): AsyncGenerator<Sample> {
    const { batchSize } = this.options;
    const rows = count * batchSize;
    let stack: Sample | undefined;
    for (let at = first; at + rows <= order.length; at += rows) {
      stack = await this.dataset.getBatch!(order.subarray(at, at + rows), stack);
      yield stack.map((tensor) => ({
        ...tensor,
        shape: [count, batchSize, ...tensor.shape.slice(1)],
      }));
    }
  }

  /**
   * Gives a batch back that is not needed any more: its memory becomes that of a later one. Never needed, but large
   * batches of a data set in memory come without new memory then.
   */
  recycle(batch: Sample): void {
    const { transform, collate, workers } = this.options;
    if (transform === undefined && collate === undefined && workers === 0) this.places.push(batch);
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
    const { collate } = this.options;
    if (collate === undefined)
      return pool?.readBatch(indices) ?? readBatch(this.dataset, indices, this.places.pop());
    return collate(await (pool?.readSamples(indices) ?? readSamples(this.dataset, indices)));
  }
}

function checkOptions(dataset: Dataset, options: DataLoaderOptions): void {
  const { batchSize = 1, prefetch = 1, workers = 0, shuffle = false, sampler } = options;
  const lowest = { batchSize: [batchSize, 1], prefetch: [prefetch, 1], workers: [workers, 0] };
  const faults = Object.entries(lowest)
    .filter(([, [value, least]]) => !Number.isSafeInteger(value) || value < least)
    .map(([name, [value]]) => `${name} ${value}`);
  if (faults.length > 0) {
    throw new ConfigError(
      `DataLoader: batchSize and prefetch must be whole numbers above 0 and workers at least 0, but got ${faults.join(', ')}. Change them.`,
      { batchSize, prefetch, workers },
    );
  }
  if (shuffle && sampler !== undefined) {
    throw new ConfigError(
      'DataLoader: the order must come from shuffle or from a sampler, but got both. Leave one out.',
    );
  }
  if (workers > 0 && dataset.worker === undefined) {
    throw new ConfigError(
      'DataLoader: workers need a data set that a worker can open, but this one lives in this thread. Pass workers: 0, or open it with openDataset.',
      { workers },
    );
  }
}
