import { DataError, type HostTensor } from '#core';
import { type DecodedCache, type Pixels, type SampleOrder, sequentialOrder, shuffledOrder } from '#data';
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

/** Pictures and their classes. */
type PictureBatch = [images: HostTensor<'uint8'>, targets: HostTensor<'float32'>];

/**
 * Batches of augmented pictures, uint8 `[N, H, W, 3]`, with their classes as distributions, float32 `[N, K]`, which
 * joined pictures share. What a row becomes depends on seed, epoch and row alone. Batches are made when asked for, in this
 * thread: a step of ONNX Runtime holds it anyway, and takes much longer.
 */
export class PictureSource implements DataSource {
  readonly size: number;
  readonly length: number;
  private readonly options: PictureSourceOptions;
  private readonly order: SampleOrder;
  /** Height and width of all pictures, known after the first. */
  private side: readonly [height: number, width: number] | undefined;
  private readonly places: Batch[] = [];
  private readonly rooms = { own: new Uint8Array(0), partner: new Uint8Array(0) };

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
      const { pixels } = this.options.pipeline.apply(this.read(0, 'own'), { index: 0 });
      this.side = [pixels.height, pixels.width];
    }
    return this.side;
  }

  async *epoch(epoch: number, start = 0): AsyncGenerator<Batch> {
    const { batchSize } = this.options;
    const order = this.order.order(epoch);
    const [height, width] = await this.imageSize();
    for (let from = start * batchSize; from < this.size; from += batchSize) {
      const count = Math.min(batchSize, this.size - from);
      const batch = this.place(count, height, width);
      this.fill(
        batch,
        Array.from({ length: count }, (_, i) => order[from + i]),
        epoch,
      );
      yield batch;
    }
  }

  recycle(batch: Batch): void {
    // One of a full and one of the last batch.
    if (this.places.length < 2) this.places.push(batch);
  }

  /** Into memory that the next picture in the same role overwrites: new memory costs more than reading. */
  private read(row: number, role: 'own' | 'partner'): Pixels {
    const { cache, rows } = this.options;
    const { width, height } = cache.size(rows[row]);
    const bytes = width * height * 3;
    if (this.rooms[role].length < bytes) this.rooms[role] = new Uint8Array(bytes);
    return cache.getSync(rows[row], this.rooms[role]);
  }

  private fill([images, targets]: PictureBatch, rows: readonly number[], epoch: number): void {
    const { classes } = this.options;
    const bytes = images.data.length / rows.length;
    targets.data.fill(0);
    for (const [i, row] of rows.entries()) {
      const into = images.data.subarray(i * bytes, (i + 1) * bytes);
      this.draw(row, epoch, into, targets.data.subarray(i * classes, (i + 1) * classes));
    }
  }

  private draw(row: number, epoch: number, into: Uint8Array, target: Float32Array): void {
    const { pipeline, labels } = this.options;
    const key = { epoch, index: row };
    const plan = pipeline.planMix(key, labels);
    const own = this.read(row, 'own');
    const mix = plan === undefined ? undefined : { ...plan, pixels: this.read(plan.partner, 'partner') };
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

  private place(count: number, height: number, width: number): PictureBatch {
    const kept = this.places.findIndex(([{ shape }]) => shape[0] === count);
    if (kept >= 0) {
      return this.places.splice(kept, 1)[0] as unknown as PictureBatch;
    }
    const { classes } = this.options;
    return [
      { dtype: 'uint8', shape: [count, height, width, 3], data: new Uint8Array(count * height * width * 3) },
      { dtype: 'float32', shape: [count, classes], data: new Float32Array(count * classes) },
    ];
  }
}
