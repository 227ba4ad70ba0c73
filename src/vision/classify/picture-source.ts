import { DataError, type HostTensor } from '#core';
import { type DecodedCache, type SampleOrder, sequentialOrder, shuffledOrder } from '#data';
import type { Batch, DataSource } from '#train';
import type { Pipeline } from '../augment/index.ts';

export interface PictureSourceOptions {
  readonly cache: DecodedCache;
  /** [M] the picture of each row; a picture may come several times. */
  readonly rows: ArrayLike<number>;
  /** [M] class of each row. */
  readonly labels: ArrayLike<number>;
  /** K */
  readonly classes: number;
  readonly pipeline: Pipeline;
  readonly batchSize: number;
  /** Order of the rows; given with `shuffle: false` they come one after the other. */
  readonly shuffle?: boolean;
  readonly order?: SampleOrder;
  readonly seed?: number;
  /** Leave out a last batch of one picture, of which batch normalisation knows no variance; default false. */
  readonly dropsLoneRow?: boolean;
}

/** Batches prepared ahead. */
const PREFETCH = 2;

/**
 * Batches of augmented pictures, uint8 `[N, H, W, 3]`, with their classes as distributions, float32 `[N, K]`, which
 * joined pictures share. What a row becomes depends on seed, epoch and row alone.
 */
export class PictureSource implements DataSource {
  readonly size: number;
  readonly length: number;
  private readonly options: PictureSourceOptions;
  private readonly order: SampleOrder;
  /** Height and width of all pictures, known after the first. */
  private side: readonly [height: number, width: number] | undefined;
  private readonly places: Batch[] = [];

  constructor(options: PictureSourceOptions) {
    const { rows, batchSize, shuffle = false, order, seed = 0, dropsLoneRow = false } = options;
    this.options = options;
    this.order = order ?? (shuffle ? shuffledOrder(rows.length, seed) : sequentialOrder(rows.length));
    const count = this.order.length;
    this.size = dropsLoneRow && count % batchSize === 1 ? count - 1 : count;
    this.length = Math.ceil(this.size / batchSize);
  }

  /** `[height, width]` of every picture. @throws DataError when a picture cannot be read */
  async imageSize(): Promise<readonly [height: number, width: number]> {
    if (this.side === undefined) {
      const { pixels } = this.options.pipeline.apply(await this.read(0), { index: 0 });
      this.side = [pixels.height, pixels.width];
    }
    return this.side;
  }

  async *epoch(epoch: number, start = 0): AsyncGenerator<Batch> {
    const { batchSize } = this.options;
    const order = this.order.order(epoch);
    await this.imageSize();
    const pending: Promise<Batch>[] = [];
    let next = start;
    const request = () => {
      if (next >= this.length) return;
      const from = next++ * batchSize;
      const rows = Array.from({ length: Math.min(batchSize, this.size - from) }, (_, i) => order[from + i]);
      const batch = this.prepare(rows, epoch);
      // A failure is raised where the batch is taken.
      batch.catch(() => {});
      pending.push(batch);
    };
    for (let i = 0; i < PREFETCH; i++) request();
    while (pending.length > 0) {
      const batch = await pending.shift()!;
      request();
      yield batch;
    }
  }

  recycle(batch: Batch): void {
    if (this.places.length <= PREFETCH) this.places.push(batch);
  }

  private read(row: number) {
    return this.options.cache.get(this.options.rows[row]);
  }

  private async prepare(rows: readonly number[], epoch: number): Promise<Batch> {
    const { classes } = this.options;
    const [height, width] = await this.imageSize();
    const [images, targets] = this.place(rows.length, height, width);
    targets.data.fill(0);
    for (const [i, row] of rows.entries()) {
      const bytes = height * width * 3;
      const into = images.data.subarray(i * bytes, (i + 1) * bytes);
      await this.draw(row, epoch, into, targets.data.subarray(i * classes, (i + 1) * classes));
    }
    return [images, targets];
  }

  private async draw(row: number, epoch: number, into: Uint8Array, target: Float32Array): Promise<void> {
    const { pipeline, labels } = this.options;
    const key = { epoch, index: row };
    const plan = pipeline.planMix(key, labels);
    const [own, partner] = await Promise.all([
      this.read(row),
      plan === undefined ? undefined : this.read(plan.partner),
    ]);
    const mix = plan === undefined || partner === undefined ? undefined : { ...plan, pixels: partner };
    const [height, width] = this.side!;
    const { pixels, mix: joined } = pipeline.apply(own, key, mix, into);
    if (pixels.height !== height || pixels.width !== width) {
      throw new DataError(
        `classify: pictures of a batch must have one size, but row ${row} became ${pixels.height} × ${pixels.width} and others ${height} × ${width}. Use an augmentation with a fixed size, such as image-light.`,
        { row, height: pixels.height, width: pixels.width },
      );
    }
    const share = joined?.lambda ?? 1;
    target[labels[row]] += share;
    if (joined !== undefined) target[labels[joined.partner]] += 1 - share;
  }

  private place(count: number, height: number, width: number): [HostTensor<'uint8'>, HostTensor<'float32'>] {
    const kept = this.places.findIndex(([{ shape }]) => shape[0] === count);
    if (kept >= 0) {
      return this.places.splice(kept, 1)[0] as unknown as [HostTensor<'uint8'>, HostTensor<'float32'>];
    }
    const { classes } = this.options;
    return [
      { dtype: 'uint8', shape: [count, height, width, 3], data: new Uint8Array(count * height * width * 3) },
      { dtype: 'float32', shape: [count, classes], data: new Float32Array(count * classes) },
    ];
  }
}
