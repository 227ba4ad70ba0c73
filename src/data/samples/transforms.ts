import { ConfigError, DTypeError, type HostTensor, ShapeError, sizeOf } from '#core';

/** Changes one tensor into another. */
export type Transform = (x: HostTensor) => HostTensor;

/** One transform after another. */
export function compose(...transforms: readonly Transform[]): Transform {
  return (x) => transforms.reduce((value, transform) => transform(value), x);
}

/**
 * uint8 in [0, 255] → float32 x/255 in [0, 1]. `[H, W]` becomes `[1, H, W]`; with `layout: 'HWC'` the channels, which
 * are last, come first. Batches have a leading axis more: `[N, C, H, W]` or `[N, H, W, C]`.
 *
 * @throws DTypeError when the pixels are not uint8
 * @throws ShapeError for fewer than two axes, or three with `layout: 'HWC'`
 */
export function toTensor({ layout = 'CHW' }: { layout?: 'CHW' | 'HWC' } = {}): Transform {
  return ({ dtype, shape, data }) => {
    if (dtype !== 'uint8') {
      throw new DTypeError(
        `toTensor: pixels must be uint8, but got ${dtype}. Leave toTensor out for other types.`,
        { dtype },
      );
    }
    const least = layout === 'HWC' ? 3 : 2;
    if (shape.length < least) {
      throw new ShapeError(
        `toTensor: images must have ${least} axes or more, but got [${shape.join(', ')}]. Reshape them.`,
        { shape: [...shape] },
      );
    }
    const pixels = data as Uint8Array;
    if (layout === 'HWC') return channelsFirst(pixels, shape);
    const result = new Float32Array(pixels.length);
    for (let i = 0; i < pixels.length; i++) result[i] = pixels[i] / 255;
    return { dtype: 'float32', shape: shape.length === 2 ? [1, ...shape] : shape, data: result };
  };
}

function channelsFirst(pixels: Uint8Array, shape: readonly number[]): HostTensor<'float32'> {
  const [height, width, channels] = shape.slice(-3);
  const area = height * width;
  const planes = new Float32Array(pixels.length);
  for (let start = 0; start < pixels.length; start += area * channels) {
    for (let c = 0; c < channels; c++) {
      const plane = start + c * area;
      for (let i = 0; i < area; i++) planes[plane + i] = pixels[start + i * channels + c] / 255;
    }
  }
  return { dtype: 'float32', shape: [...shape.slice(0, -3), channels, height, width], data: planes };
}

/**
 * (x − mean)/std per channel of float32 `[…, C, H, W]`; one number serves all channels.
 *
 * @throws ConfigError when mean and std do not match, are not finite, or a std is not above 0
 * @throws DTypeError when x is not float32
 * @throws ShapeError when there are other numbers of channels
 */
export function normalize(mean: readonly number[], std: readonly number[]): Transform {
  const areFinite = [...mean, ...std].every(Number.isFinite) && std.every((value) => value > 0);
  if (mean.length === 0 || mean.length !== std.length || !areFinite) {
    throw new ConfigError(
      `normalize: mean and std must be as many finite numbers, std above 0, but got [${mean.join(', ')}] and [${std.join(', ')}]. Pass one per channel.`,
      { mean: [...mean], std: [...std] },
    );
  }
  return ({ dtype, shape, data }) => {
    if (dtype !== 'float32') {
      throw new DTypeError(`normalize: x must be float32, but got ${dtype}. Apply toTensor first.`, {
        dtype,
      });
    }
    const channels = shape.length < 3 ? 1 : shape[shape.length - 3];
    if (mean.length !== 1 && mean.length !== channels) {
      throw new ShapeError(
        `normalize: there must be a mean per channel, but got ${mean.length} for [${shape.join(', ')}]. Pass ${channels}.`,
        { shape: [...shape], means: mean.length },
      );
    }
    const x = data as Float32Array;
    const result = new Float32Array(x.length);
    const area = mean.length === 1 ? x.length : sizeOf(shape.slice(-2));
    for (let start = 0, plane = 0; start < x.length; start += area, plane++) {
      const channel = plane % mean.length;
      const [m, s] = [mean[channel], std[channel]];
      for (let i = start; i < start + area; i++) result[i] = (x[i] - m) / s;
    }
    return { dtype: 'float32', shape, data: result };
  };
}

/** All axes from `start` on become one, as `torch.flatten` does; 0 by default. */
export function flattenFrom(start = 0): Transform {
  return (x) => ({ ...x, shape: [...x.shape.slice(0, start), sizeOf(x.shape.slice(start))] });
}
