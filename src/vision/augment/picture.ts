import type { Interpolation, Matrix3, PixelCanvas, WarpOptions } from '#kernels';
import { chain, identityMatrix, invert, scaling, translation } from './matrix.ts';

/**
 * A picture on its way through a pipeline: its pixels, and where the original's places have gone.
 * Whole numbers are the centres of pixels.
 */
export class Picture {
  readonly canvas: PixelCanvas;
  /** From places of the original to places now. */
  matrix: Matrix3 = identityMatrix;
  /** The transforms that were applied, in order. */
  readonly applied: string[] = [];
  /** Set by Normalize: what each value of each channel becomes for the network, 3 × 256 numbers. */
  levels: Float32Array | undefined;

  constructor(canvas: PixelCanvas) {
    this.canvas = canvas;
  }

  get width(): number {
    return this.canvas.width;
  }

  get height(): number {
    return this.canvas.height;
  }

  resize(width: number, height: number, interpolation: Interpolation): void {
    const x = width / this.width;
    const y = height / this.height;
    this.canvas.resize(width, height, interpolation);
    this.follow(chain(chain(translation(0.5, 0.5), scaling(x, y)), translation(-0.5, -0.5)));
  }

  /** @param matrix from places now to places of the new picture */
  warp(matrix: Matrix3, width: number, height: number, options: WarpOptions): void {
    this.canvas.warp(invert(matrix), width, height, options);
    this.follow(matrix);
  }

  flipHorizontal(): void {
    this.canvas.flipHorizontal();
    this.follow([-1, 0, this.width - 1, 0, 1, 0, 0, 0, 1]);
  }

  flipVertical(): void {
    this.canvas.flipVertical();
    this.follow([1, 0, 0, 0, -1, this.height - 1, 0, 0, 1]);
  }

  /** Keeps `width × height` pixels from (x, y), all of them inside. */
  crop(x: number, y: number, width: number, height: number): void {
    if (width === this.width && height === this.height) return;
    this.canvas.crop(x, y, width, height);
    this.follow(translation(-x, -y));
  }

  private follow(matrix: Matrix3): void {
    this.matrix = chain(this.matrix, matrix);
  }
}
