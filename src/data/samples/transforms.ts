import { ConfigError, type HostTensor, Rng, ShapeError } from '#core';

/** Changes one tensor into another. */
export type Transform = (x: HostTensor) => HostTensor;

/** One transform after another. */
export function compose(...transforms: readonly Transform[]): Transform {
  return (x) => transforms.reduce((value, transform) => transform(value), x);
}

/**
 * uint8 in [0, 255] → float32 in [0, 1]. `[H, W]` becomes `[1, H, W]`; with `layout: 'HWC'` the channels, which are
 * last, come first. Batches have a leading axis more.
 */
export function toTensor({ layout = 'CHW' }: { layout?: 'CHW' | 'HWC' } = {}): Transform {
  return ({ dtype, shape, data }) => {
    if (dtype !== 'uint8') {
      throw new ConfigError(
        `toTensor: pixels must be uint8, but got ${dtype}. Leave toTensor out for other types.`,
        { dtype },
      );
    }
    const pixels = Float32Array.from(data as Uint8Array, (value) => value / 255);
    if (layout === 'CHW')
      return { dtype: 'float32', shape: shape.length === 2 ? [1, ...shape] : shape, data: pixels };
    const [height, width, channels] = shape.slice(-3);
    const planes = new Float32Array(pixels.length);
    const area = height * width;
    for (let i = 0; i < pixels.length; i++) {
      const image = Math.floor(i / (area * channels));
      const inside = i % (area * channels);
      planes[image * area * channels + (inside % channels) * area + Math.floor(inside / channels)] =
        pixels[i];
    }
    return { dtype: 'float32', shape: [...shape.slice(0, -3), channels, height, width], data: planes };
  };
}

/**
 * (x − mean)/std per channel of float32 `[…, C, H, W]`; one number serves all channels.
 * @throws ShapeError when there are other numbers of channels
 */
export function normalize(mean: readonly number[], std: readonly number[]): Transform {
  if (mean.length === 0 || mean.length !== std.length || std.some((value) => !(value > 0))) {
    throw new ConfigError(
      `normalize: mean and std must be as many numbers, std above 0, but got [${mean.join(', ')}] and [${std.join(', ')}]. Pass one per channel.`,
      { mean: [...mean], std: [...std] },
    );
  }
  return ({ shape, data }) => {
    const channels = shape[shape.length - 3] ?? 1;
    if (mean.length !== 1 && mean.length !== channels) {
      throw new ShapeError(
        `normalize: there must be a mean per channel, but got ${mean.length} for [${shape.join(', ')}]. Pass ${channels}.`,
        { shape: [...shape], means: mean.length },
      );
    }
    const area = shape[shape.length - 1] * shape[shape.length - 2];
    const result = new Float32Array(data.length);
    for (let i = 0; i < result.length; i++) {
      const channel = mean.length === 1 ? 0 : Math.floor(i / area) % channels;
      result[i] = (Number(data[i]) - mean[channel]) / std[channel];
    }
    return { dtype: 'float32', shape, data: result };
  };
}

export interface AffineRange {
  /** Largest angle in degrees, both ways; 0 by default. */
  readonly degrees?: number;
  /** Largest shift as a share of the size, both ways; 0 by default. */
  readonly translate?: number;
  /** Smallest and largest factor; [1, 1] by default. */
  readonly scale?: readonly [number, number];
  /** Largest shear in degrees, both ways; 0 by default. */
  readonly shear?: number;
}

/**
 * Turns, shifts, scales and shears every image of a batch by random amounts, with bilinear interpolation; `fill` comes
 * in from outside. What an image gets depends on seed, epoch and its index alone.
 *
 * @param batch float32 `[N, C, H, W]`
 */
export function randomAffine(
  batch: HostTensor<'float32'>,
  range: AffineRange & { fill?: number },
  { seed, epoch, indices }: { seed: number; epoch: number; indices: ArrayLike<number> },
): HostTensor<'float32'> {
  const { degrees = 0, translate = 0, scale = [1, 1], shear = 0, fill = 0 } = range;
  const [count, channels, height, width] = batch.shape;
  const result = new Float32Array(batch.data.length);
  const base = new Rng(seed).fork(`affine ${epoch}`);
  const size = channels * height * width;
  for (let n = 0; n < count; n++) {
    const rng = base.fork(indices[n]);
    const between = (limit: number) => (2 * rng.uniform() - 1) * limit;
    const angle = (between(degrees) * Math.PI) / 180;
    const factor = scale[0] + (scale[1] - scale[0]) * rng.uniform();
    const slant = Math.tan((between(shear) * Math.PI) / 180);
    const shift = [between(translate) * width, between(translate) * height] as const;
    // Output pixel → input point: the inverse of shear, then turn, then scale.
    const [cos, sin] = [Math.cos(angle) / factor, Math.sin(angle) / factor];
    const matrix = [cos - slant * -sin, sin - slant * cos, -sin, cos] as const;
    for (let c = 0; c < channels; c++) {
      const start = n * size + c * height * width;
      warp(batch.data, result, start, [height, width], matrix, shift, fill);
    }
  }
  return { dtype: 'float32', shape: batch.shape, data: result };
}

function warp(
  source: Float32Array,
  target: Float32Array,
  start: number,
  [height, width]: readonly [number, number],
  [a, b, c, d]: readonly [number, number, number, number],
  [shiftX, shiftY]: readonly [number, number],
  fill: number,
): void {
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - middleX - shiftX, y - middleY - shiftY];
      const fromX = a * dx + b * dy + middleX;
      const fromY = c * dx + d * dy + middleY;
      const left = Math.floor(fromX);
      const top = Math.floor(fromY);
      const [right, down] = [fromX - left, fromY - top];
      let value = 0;
      for (let i = 0; i < 4; i++) {
        const column = left + (i & 1);
        const row = top + (i >> 1);
        const weight = (i & 1 ? right : 1 - right) * (i >> 1 ? down : 1 - down);
        const isInside = column >= 0 && column < width && row >= 0 && row < height;
        if (weight > 0) value += weight * (isInside ? source[start + row * width + column] : fill);
      }
      target[start + y * width + x] = value;
    }
  }
}
