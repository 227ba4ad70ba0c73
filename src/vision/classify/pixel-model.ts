import { type Tensor, tensor } from '#engine';
import { Module } from '#nn';

export interface Normalization {
  /** Of pixel / 255. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** A network fed with pictures as they are stored: uint8 `[N, H, W, 3]` → logits `[N, K]`. */
export class PixelModel extends Module {
  readonly network: Module;
  private readonly normalization: Normalization | undefined;

  constructor(network: Module, normalization?: Normalization) {
    super();
    this.network = network;
    this.normalization = normalization;
  }

  override forward(pixels: Tensor): Tensor {
    const planes = pixels.cast('float32').transpose([0, 3, 1, 2]);
    return this.network.forward(scalePixels(planes, this.normalization));
  }
}

/** (x / 255 − mean) / std of planes `[N, 3, H, W]`; x / 255 without a normalisation. */
function scalePixels(planes: Tensor, normalization: Normalization | undefined): Tensor {
  if (normalization === undefined) return planes.mul(1 / 255);
  const { mean, std } = normalization;
  const factor = tensor(std.map((s) => 1 / 255 / s)).reshape([1, 3, 1, 1]);
  const shift = tensor(mean.map((m, c) => m / std[c])).reshape([1, 3, 1, 1]);
  return planes.mul(factor).sub(shift);
}
