import { readFile } from 'node:fs/promises';
import { ConfigError, DataError } from '#core';
import type { Pixels } from './pixels.ts';

export interface DecodePixelsOptions {
  /** Largest width × height that is decoded; 500,000,000 when absent. */
  readonly maxPixels?: number;
  /** Longest side in pixels of the result: larger pictures shrink while they are read, smaller ones stay as they are. */
  readonly maxSide?: number | undefined;
}

const formats = ['png', 'jpeg', 'webp', 'gif'];

/**
 * Decodes a PNG, JPEG, WebP or GIF by its content, whatever its name: the first of several pictures, upright by its
 * EXIF data, 8 bits a channel, grey and CMYK as RGB, transparent places on white.
 *
 * @param source path or bytes of a file
 * @throws DataError naming a file that is missing, damaged, no picture, or has more than `maxPixels`
 * @throws ConfigError for limits that are not positive whole numbers
 */
export async function decodePixels(
  source: string | Uint8Array,
  { maxPixels = 500_000_000, maxSide }: DecodePixelsOptions = {},
): Promise<Pixels> {
  checkLimit('maxPixels', maxPixels);
  if (maxSide !== undefined) checkLimit('maxSide', maxSide);
  try {
    // Loaded only now: many processes that read tables never need it.
    const { default: sharp } = await import('sharp');
    // Bytes, not the path: the library caches files by name and would return a replaced one as it was.
    const bytes = typeof source === 'string' ? await readFile(source) : source;
    const image = sharp(bytes, { limitInputPixels: maxPixels });
    const { format } = await image.metadata();
    if (!formats.includes(format ?? '')) throw new Error(`its format is ${format}`);
    let upright = image.rotate();
    if (maxSide !== undefined)
      upright = upright.resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true });
    const { data, info } = await upright
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: threeChannels(data, info.channels) };
  } catch (error) {
    const name = typeof source === 'string' ? `"${source}"` : `${source.length} bytes`;
    throw new DataError(
      `decodePixels: the file must be an intact PNG, JPEG, WebP or GIF of at most ${maxPixels} pixels, but ${name} is not: ${(error as Error).message.trim().replace(/\.$/, '')}. Mend or remove it.`,
      typeof source === 'string' ? { file: source } : {},
      { cause: error },
    );
  }
}

function checkLimit(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new ConfigError(
    `decodePixels: ${name} must be a positive whole number, but got ${value}. Leave it out for the default.`,
  );
}

function threeChannels(data: Uint8Array, given: number): Uint8Array {
  if (given === 3) return data;
  const pixels = data.length / given;
  const result = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) result[i * 3 + c] = data[i * given + (given > 2 ? c : 0)];
  return result;
}
