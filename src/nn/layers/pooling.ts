import { build, Tensor } from '#engine';
import { Module } from '../module.ts';
import { type PaddingOption, type Pair, padsOf, pairOf } from './geometry.ts';

export interface Pool2dOptions {
  /** Step of the window; the kernel's size by default. */
  readonly stride?: Pair;
  readonly padding?: PaddingOption;
  /** Let a last window reach over the edge; false by default. */
  readonly ceilMode?: boolean;
}

abstract class Pool2d extends Module {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: PaddingOption;
  readonly ceilMode: boolean;

  constructor(kernelSize: Pair, { stride = kernelSize, padding = 0, ceilMode = false }: Pool2dOptions = {}) {
    super();
    this.kernel = pairOf(kernelSize);
    this.stride = pairOf(stride);
    this.padding = padding;
    this.ceilMode = ceilMode;
  }

  /** With `ceilMode`, windows that start inside the image (padding before it included) are added at the far edge. */
  protected attributes(x: Tensor) {
    const pads = [...padsOf(this.padding, x.shape.slice(2), this.kernel, this.stride)] as [
      number,
      number,
      number,
      number,
    ];
    if (this.ceilMode) {
      for (const axis of [0, 1]) {
        const size = x.shape[axis + 2] + pads[axis] + pads[axis + 2];
        let count = Math.ceil((size - this.kernel[axis]) / this.stride[axis]) + 1;
        if ((count - 1) * this.stride[axis] >= x.shape[axis + 2] + pads[axis]) count--;
        pads[axis + 2] += Math.max(0, (count - 1) * this.stride[axis] + this.kernel[axis] - size);
      }
    }
    return { kernel: this.kernel, strides: this.stride, pads };
  }
}

/** The largest value of every window. `[N, C, H, W]` → `[N, C, H', W']`. */
export class MaxPool2d extends Pool2d {
  override forward(x: Tensor): Tensor {
    return new Tensor(build.maxPool2d(x.value, this.attributes(x)));
  }
}

export interface AvgPool2dOptions extends Pool2dOptions {
  /** Divide by the kernel's area even over padding; true by default, as in PyTorch. */
  readonly countIncludePad?: boolean;
}

/** The mean of every window. `[N, C, H, W]` → `[N, C, H', W']`. */
export class AvgPool2d extends Pool2d {
  readonly countIncludePad: boolean;

  constructor(kernelSize: Pair, options: AvgPool2dOptions = {}) {
    super(kernelSize, options);
    this.countIncludePad = options.countIncludePad ?? true;
  }

  override forward(x: Tensor): Tensor {
    const attributes = this.attributes(x);
    const countIncludePad = this.countIncludePad;
    if (!this.ceilMode || !countIncludePad) {
      return new Tensor(build.averagePool2d(x.value, { ...attributes, countIncludePad }));
    }
    // The padding counts, what a last window has beyond it does not: only the latter is left to the pooling.
    const [top, left, bottom, right] = padsOf(this.padding, x.shape.slice(2), this.kernel, this.stride);
    const padded = x.pad([0, 0, top, left], [0, 0, bottom, right]);
    const { pads } = attributes;
    const beyond = { ...attributes, pads: [0, 0, pads[2] - bottom, pads[3] - right] as const };
    return new Tensor(build.averagePool2d(padded.value, { ...beyond, countIncludePad: false }));
  }
}

/** Mean over all positions. `[N, C, H, W]` → `[N, C]`. */
export class GlobalAvgPool2d extends Module {
  override forward(x: Tensor): Tensor {
    const pixels = x.size / (x.shape[0] * x.shape[1]);
    return new Tensor(build.channelSum(x.value, true)).mul(1 / pixels);
  }
}

/** Largest value over all positions. `[N, C, H, W]` → `[N, C]`. */
export class GlobalMaxPool2d extends Module {
  override forward(x: Tensor): Tensor {
    return x.max([2, 3]);
  }
}

export interface Upsample2dOptions {
  /** How many times as large; 2 by default. */
  readonly scale?: number;
  readonly mode?: 'nearest' | 'bilinear';
  readonly alignCorners?: boolean;
}

/** Images enlarged by a factor. `[N, C, H, W]` → `[N, C, ⌊H·scale⌋, ⌊W·scale⌋]`. */
export class Upsample2d extends Module {
  readonly options: Required<Upsample2dOptions>;

  constructor({ scale = 2, mode = 'nearest', alignCorners = false }: Upsample2dOptions = {}) {
    super();
    this.options = { scale, mode, alignCorners };
  }

  override forward(x: Tensor): Tensor {
    const { scale, mode, alignCorners } = this.options;
    const [height, width] = x.shape.slice(2).map((dim) => Math.floor(dim * scale));
    return new Tensor(build.resize2d(x.value, { size: [height, width], mode, alignCorners }));
  }
}
