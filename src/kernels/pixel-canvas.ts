import { RuntimeFailure } from '#core';
import type { AugmentExports } from './augment-exports.ts';
import { axisTable, type Interpolation, tapWeights } from './axis-table.ts';
import { createKernelMemory, instantiateKernel, pageBytes } from './kernel-module.ts';

/** What lies outside a picture; OpenCV's `BORDER_*`: `abcd` goes on as fill, dddd, dcba, abcd or cba. */
export type BorderMode = 'constant' | 'replicate' | 'reflect' | 'wrap' | 'reflect101';

/** Red, green, blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Row by row: `[x', y', w'] = matrix · [x, y, 1]`, the place is `[x' / w', y' / w']`; whole numbers are pixel centres. */
export type Matrix3 = readonly [number, number, number, number, number, number, number, number, number];

export interface WarpOptions {
  readonly interpolation?: Interpolation;
  readonly border?: BorderMode;
  readonly fill?: Colour;
}

interface Region {
  address: number;
  capacity: number;
}

/** Reads of whole vectors may go beyond a region's end. */
const SLACK_BYTES = 256;
const FIRST_ADDRESS = 4096;
const borders: readonly BorderMode[] = ['constant', 'replicate', 'reflect', 'wrap', 'reflect101'];

/**
 * One picture (RGB, 8 bits a channel) in the memory of the augmentation kernels, changed in place. For one thread;
 * a worker keeps one canvas for all its pictures: its memory grows to the largest picture and stays.
 *
 * Sizes and places are whole pixels. Callers keep to the ranges: nothing here checks them.
 */
export class PixelCanvas {
  private readonly memory: WebAssembly.Memory;
  private readonly kernel: AugmentExports;
  private end = FIRST_ADDRESS;
  private current: Region = { address: 0, capacity: 0 };
  private next: Region = { address: 0, capacity: 0 };
  private readonly scratch: Region = { address: 0, capacity: 0 };
  private columns = 0;
  private rows = 0;

  /** @throws RuntimeFailure when the kernels have not been built */
  constructor() {
    this.memory = createKernelMemory(FIRST_ADDRESS);
    this.kernel = instantiateKernel<AugmentExports>('augment', this.memory);
  }

  get width(): number {
    return this.columns;
  }

  get height(): number {
    return this.rows;
  }

  /** Bytes of the kernels' memory. */
  get memoryBytes(): number {
    return this.memory.buffer.byteLength;
  }

  private get bytes(): number {
    return this.columns * this.rows * 3;
  }

  /** Takes a copy of `data`, `[height, width, 3]`. */
  load(data: Uint8Array, width: number, height: number): void {
    this.columns = width;
    this.rows = height;
    this.reserve(this.current, this.bytes);
    this.view(this.current.address, this.bytes).set(data);
  }

  /**
   * The picture, `[height, width, 3]`, at the beginning of `into`.
   * @param into new by default; fresh memory costs more than the copy, so a batch's own is better
   */
  read(into: Uint8Array = new Uint8Array(this.bytes)): Uint8Array {
    into.set(this.view(this.current.address, this.bytes));
    return into.length === this.bytes ? into : into.subarray(0, this.bytes);
  }

  resize(width: number, height: number, interpolation: Interpolation): void {
    if (width === this.columns && height === this.rows) return;
    const isGrown = width > this.columns || height > this.rows;
    const rule = interpolation === 'area' && isGrown ? 'grown area' : interpolation;
    const across = axisTable(this.columns, width, rule);
    const down = axisTable(this.rows, height, rule);
    const sums = 4 * (this.columns * 3 + 16);
    const at = this.takeScratch(across.words.byteLength, down.words.byteLength, sums);
    this.reserve(this.next, width * height * 3);
    this.words(at[0], across.words);
    this.words(at[1], down.words);
    this.kernel.resample(
      this.current.address,
      this.columns,
      this.next.address,
      width,
      height,
      at[0],
      across.taps,
      at[1],
      down.taps,
      at[2],
    );
    this.swap(width, height);
  }

  /**
   * A picture of `width × height` whose pixel at (x, y) is this one's at `matrix` · (x, y).
   * Fractions of pixels are rounded to 1/32, as OpenCV does; area counts as linear.
   */
  warp(
    matrix: Matrix3,
    width: number,
    height: number,
    { interpolation = 'linear', border = 'constant', fill = [0, 0, 0] }: WarpOptions = {},
  ): void {
    const weights = warpWeights(interpolation);
    const taps = weights.length / 32;
    const rowBytes = 12 * (this.columns + width) + 1024;
    const at = this.takeScratch(72, weights.byteLength, rowBytes);
    this.reserve(this.next, width * height * 3);
    new Float64Array(this.memory.buffer, at[0], 9).set(matrix);
    new Float32Array(this.memory.buffer, at[1], weights.length).set(weights);
    this.kernel.warp(
      this.current.address,
      this.columns,
      this.rows,
      this.next.address,
      width,
      height,
      at[0],
      taps,
      at[1],
      borders.indexOf(border),
      packed(fill),
      at[2],
    );
    this.swap(width, height);
  }

  /** Every value `v` of every channel becomes `table[v]`; `table` has 256 entries. */
  lookUp(table: Uint8Array): void {
    const [at] = this.takeScratch(256);
    this.view(at, 256).set(table);
    this.kernel.lookUp(this.current.address, this.bytes, at);
  }

  /** Mean of all values, 0 to 255. */
  mean(): number {
    return this.kernel.sum(this.current.address, this.bytes) / this.bytes;
  }

  flipHorizontal(): void {
    this.kernel.mirrorColumns(this.current.address, this.columns, this.rows);
  }

  flipVertical(): void {
    const [row] = this.takeScratch(this.columns * 3);
    this.kernel.flipRows(this.current.address, this.columns, this.rows, row);
  }

  /** Keeps `width × height` pixels from (x, y), all of them inside. */
  crop(x: number, y: number, width: number, height: number): void {
    this.reserve(this.next, width * height * 3);
    const from = this.current.address + (y * this.columns + x) * 3;
    this.kernel.copyRectangle(from, this.columns * 3, this.next.address, width * 3, width * 3, height);
    this.swap(width, height);
  }

  /** Colours a rectangle that lies inside. */
  fillRectangle(x: number, y: number, width: number, height: number, colour: Colour): void {
    this.kernel.fillRectangle(this.current.address, this.columns, x, y, width, height, packed(colour));
  }

  /**
   * picture · weight + other · (1 − weight) in float64, cut to whole levels.
   * @param other a picture of the same size
   */
  mix(other: Uint8Array, weight: number): void {
    this.reserve(this.next, this.bytes);
    this.view(this.next.address, this.bytes).set(other);
    this.kernel.mix(this.current.address, this.next.address, this.bytes, weight);
  }

  /** Copies a rectangle of `other`, a picture of the same size, to the same place. */
  paste(other: Uint8Array, x: number, y: number, width: number, height: number): void {
    this.reserve(this.next, this.bytes);
    this.view(this.next.address, this.bytes).set(other);
    const offset = (y * this.columns + x) * 3;
    const stride = this.columns * 3;
    this.kernel.copyRectangle(
      this.next.address + offset,
      stride,
      this.current.address + offset,
      stride,
      width * 3,
      height,
    );
  }

  /**
   * Adds noise and cuts the sums to whole levels, 0 to 255.
   * @param quantiles 4096 equally likely values of the noise, in grey levels
   * @param seed 32 bits; with it and the place a value of the noise is settled
   * @param isShared all channels of a pixel get the same noise
   */
  addNoise(quantiles: Float32Array, seed: number, isShared: boolean): void {
    const [at] = this.takeScratch(2 * 4096);
    const table = new Int16Array(this.memory.buffer, at, 4096);
    for (let i = 0; i < 4096; i++) {
      table[i] = Math.min(32767, Math.max(-32768, Math.round(quantiles[i] * 64)));
    }
    this.kernel.addNoise(this.current.address, this.bytes, seed | 0, at, isShared ? 1 : 0);
  }

  /** Mean of the grey levels, 0 to 255. */
  greyMean(): number {
    return (3 * this.kernel.greySum(this.current.address, this.bytes)) / this.bytes;
  }

  /** value · share + grey · (1 − share): grey at 0, stronger colours above 1. */
  blendGrey(share: number): void {
    this.kernel.blendGrey(this.current.address, this.bytes, share);
  }

  /** @param tables what hue (0 to 179), saturation and value (0 to 255) become: 3 × 256 */
  shiftHsv(tables: Uint8Array): void {
    const shares = hsvShares();
    const at = this.takeScratch(768, shares.byteLength);
    this.view(at[0], 768).set(tables);
    new Int32Array(this.memory.buffer, at[1], shares.length).set(shares);
    this.kernel.shiftHsv(this.current.address, this.bytes, at[0], at[1]);
  }

  /** Means of squares of `size` pixels, odd. */
  boxBlur(size: number): void {
    const [sums] = this.takeScratch(12 * (this.columns + size));
    this.reserve(this.next, this.bytes);
    this.kernel.boxBlur(this.current.address, this.columns, this.rows, this.next.address, size, sums);
    this.swap(this.columns, this.rows);
  }

  /** Contrast-limited adaptive histogram equalisation of the lightness (L*a*b*), on `tiles × tiles` tiles. */
  equalise(tiles: number, clipLimit: number): void {
    const { linear, roots, encoded } = lightTables();
    const at = this.takeScratch(4 * 256, 4 * 3072, encoded.length, 256 * tiles * tiles, 1024);
    new Int32Array(this.memory.buffer, at[0], 256).set(linear);
    new Int32Array(this.memory.buffer, at[1], 3072).set(roots);
    this.view(at[2], encoded.length).set(encoded);
    const picture = this.current.address;
    this.kernel.toLab(picture, this.bytes, at[0], at[1]);
    this.kernel.equalise(picture, this.columns, this.rows, tiles, clipLimit, at[3], at[4]);
    this.kernel.fromLab(picture, this.bytes, at[2]);
  }

  /**
   * Three planes `[3, height, width]`, at the beginning of `into`.
   * @param tables what each of the 256 values becomes, for each of the three channels: 768 numbers
   */
  readPlanes(tables: Float32Array, into: Float32Array = new Float32Array(this.bytes)): Float32Array {
    this.reserve(this.next, 4 * this.bytes);
    const [at] = this.takeScratch(3072);
    new Float32Array(this.memory.buffer, at, 768).set(tables);
    this.kernel.toPlanes(this.current.address, this.bytes / 3, this.next.address, at);
    into.set(new Float32Array(this.memory.buffer, this.next.address, this.bytes));
    return into.length === this.bytes ? into : into.subarray(0, this.bytes);
  }

  private swap(width: number, height: number): void {
    [this.current, this.next] = [this.next, this.current];
    this.columns = width;
    this.rows = height;
  }

  private view(address: number, bytes: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, bytes);
  }

  private words(address: number, words: Uint32Array): void {
    new Uint32Array(this.memory.buffer, address, words.length).set(words);
  }

  private takeScratch(...sizes: readonly number[]): number[] {
    this.reserve(
      this.scratch,
      sizes.reduce((total, size) => total + align(size), 0),
    );
    let at = this.scratch.address;
    return sizes.map((size) => {
      const address = at;
      at += align(size);
      return address;
    });
  }

  private grow(pages: number): void {
    try {
      this.memory.grow(pages);
    } catch (cause) {
      const bytes = this.memoryBytes + pages * pageBytes;
      throw new RuntimeFailure(
        `PixelCanvas: a picture and its result must fit into 4 GiB, but what is asked of ${this.columns} × ${this.rows} pixels needs ${bytes} bytes. Ask for a smaller size, or decode the picture smaller.`,
        { width: this.columns, height: this.rows, bytes },
        { cause },
      );
    }
  }

  /** A region that is too small moves to the end of the memory, with room to grow. Its content is lost. */
  private reserve(region: Region, bytes: number): void {
    if (region.capacity >= bytes) return;
    const capacity = align(Math.max(bytes, Math.min(2 * region.capacity, 16_777_216)));
    const end = this.end + align(capacity + SLACK_BYTES);
    const missing = end - this.memoryBytes;
    if (missing > 0) this.grow(Math.ceil(missing / pageBytes));
    region.address = this.end;
    region.capacity = capacity;
    this.end = end;
  }
}

const weightTables = new Map<Interpolation, Float32Array>();

/** Weights of the neighbours for each 1/32 of a pixel. */
function warpWeights(interpolation: Interpolation): Float32Array {
  let table = weightTables.get(interpolation);
  if (table === undefined) {
    const rows = Array.from({ length: 32 }, (_, step) => tapWeights(interpolation, step / 32));
    table = Float32Array.from(rows.flat());
    weightTables.set(interpolation, table);
  }
  return table;
}

interface LightTables {
  readonly linear: Int32Array;
  readonly roots: Int32Array;
  readonly encoded: Uint8Array;
}

let light: LightTables | undefined;

/**
 * Light of the 256 sRGB values in 1/2040 (IEC 61966-2-1), the lightness function of 3072 such steps in 1/32768, and
 * the sRGB values of 16384 steps of light.
 */
function lightTables(): LightTables {
  light ??= {
    linear: Int32Array.from({ length: 256 }, (_, level) => {
      const value = level / 255;
      return Math.round(2040 * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    }),
    roots: Int32Array.from({ length: 3072 }, (_, step) => {
      const value = step / 2040;
      return Math.round(32768 * (value < 0.008856 ? 7.787 * value + 16 / 116 : Math.cbrt(value)));
    }),
    encoded: Uint8Array.from({ length: 16384 }, (_, step) => {
      const value = step / 16383;
      return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
    }),
  };
  return light;
}

let sharesOfHsv: Int32Array | undefined;

/** 4096 · 30 / span and 4096 · 255 / value, rounded: hue and saturation without a division, as in OpenCV. */
function hsvShares(): Int32Array {
  sharesOfHsv ??= Int32Array.from({ length: 512 }, (_, i) =>
    i % 256 === 0 ? 0 : Math.round((4096 * (i < 256 ? 30 : 255)) / (i % 256)),
  );
  return sharesOfHsv;
}

function packed([red, green, blue]: Colour): number {
  return red | (green << 8) | (blue << 16);
}

function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
