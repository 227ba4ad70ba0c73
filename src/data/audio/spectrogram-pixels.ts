import { writeFile } from 'node:fs/promises';
import { ConfigError, type HostTensor } from '#core';
import type { Pixels } from '../images/pixels.ts';
import { writeFailure } from '../write-failure.ts';

export interface SpectrogramPixelsOptions {
  /** The value that is drawn darkest; the smallest when absent. */
  readonly min?: number;
  /** The value that is drawn brightest; the largest when absent. */
  readonly max?: number;
  /** `grey` (default) or `heat`, from black over violet and orange to a pale yellow. */
  readonly colors?: 'grey' | 'heat';
}

/** Red, green and blue at equal distances; brightness rises along the way, so it also reads in grey. */
const heat = [
  [0, 0, 0],
  [36, 16, 92],
  [108, 30, 128],
  [186, 52, 92],
  [236, 104, 44],
  [252, 180, 64],
  [255, 246, 190],
] as const;

/**
 * A picture of a spectrogram: time to the right, low frequencies at the bottom, one pixel a cell, brighter is louder.
 * Values outside [min, max] take the colour of the nearer end; a constant spectrogram is black.
 *
 * @param spectrogram `[M, T]`
 * @throws ConfigError when min is above max
 */
export function spectrogramPixels(
  spectrogram: HostTensor<'float32'>,
  options: SpectrogramPixelsOptions = {},
): Pixels {
  const [height, width] = spectrogram.shape;
  const values = spectrogram.data;
  const min = options.min ?? values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const max = options.max ?? values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (min > max) {
    throw new ConfigError(
      `spectrogramPixels: min must be at most max, but got ${min} and ${max}. Give both or none.`,
      { min, max },
    );
  }
  const colors = options.colors === 'heat' ? heatTable() : greyTable();
  const scale = max > min ? 255 / (max - min) : 0;
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const row = (height - 1 - y) * width;
    for (let x = 0; x < width; x++) {
      const level = Math.round(Math.min(255, Math.max(0, (values[row + x] - min) * scale)));
      const at = (y * width + x) * 3;
      data[at] = colors[level * 3];
      data[at + 1] = colors[level * 3 + 1];
      data[at + 2] = colors[level * 3 + 2];
    }
  }
  return { width, height, data };
}

/** Red, green and blue of 256 levels. */
function greyTable(): Uint8Array {
  return Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
}

function heatTable(): Uint8Array {
  return Uint8Array.from({ length: 768 }, (_, i) => {
    const at = (Math.floor(i / 3) / 255) * (heat.length - 1);
    const step = Math.min(heat.length - 2, Math.floor(at));
    const channel = i % 3;
    return Math.round(heat[step][channel] + (at - step) * (heat[step + 1][channel] - heat[step][channel]));
  });
}

const MAX_SIDE = 16_384;

export interface WriteSpectrogramOptions extends SpectrogramPixelsOptions {
  /** `[height, width]` in pixels, 1 to 16384, that the picture is stretched to; one pixel a cell when absent. */
  readonly size?: readonly [height: number, width: number];
}

/**
 * Writes a spectrogram as PNG, grey pictures with one channel.
 * @throws ConfigError as `spectrogramPixels`; RuntimeFailure when the file cannot be written
 */
export async function writeSpectrogram(
  path: string,
  spectrogram: HostTensor<'float32'>,
  { size, ...options }: WriteSpectrogramOptions = {},
): Promise<void> {
  if (size !== undefined && !size.every((side) => Number.isInteger(side) && side >= 1 && side <= MAX_SIDE)) {
    throw new ConfigError(
      `writeSpectrogram: size must be whole numbers of pixels from 1 to ${MAX_SIDE}, but got ${size.join(' × ')}. Give one such as 128 × 128.`,
      { size },
    );
  }
  const { width, height, data } = spectrogramPixels(spectrogram, options);
  // Loaded only now: sounds are read without it.
  const { default: sharp } = await import('sharp');
  let image = sharp(data, { raw: { width, height, channels: 3 } });
  if (size !== undefined) image = image.resize({ height: size[0], width: size[1], fit: 'fill' });
  const grey = options.colors !== 'heat';
  const png = await (grey ? image.toColourspace('b-w') : image).png().toBuffer();
  await writeFile(path, png).catch((error: unknown) => {
    throw writeFailure('writeSpectrogram', path, error);
  });
}
