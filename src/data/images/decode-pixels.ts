import { readFile } from 'node:fs/promises';
import { ConfigError, DataError } from '#core';
import type { Pixels } from './pixels.ts';

export interface DecodePixelsOptions {
  /** Largest width × height that is decoded; 500,000,000 when absent. */
  readonly maxPixels?: number;
  /** Longest side in pixels of the result: larger pictures shrink while they are read, smaller ones stay as they are. */
  readonly maxSide?: number | undefined;
  /** Shorter side in pixels of the result, instead of `maxSide`: larger pictures shrink, smaller ones stay. */
  readonly smallestSide?: number | undefined;
}

const formats = ['png', 'jpeg', 'webp', 'gif'];

/**
 * Decodes a PNG, JPEG, WebP or GIF by its content, whatever its name: the first of several pictures, upright by its
 * EXIF data, 8 bits a channel, grey and CMYK as RGB, transparent places on white. Shrinking averages over the area of
 * a new pixel, keeps the ratio of the sides and rounds them to at least 1; memory then depends on the file and the
 * result, not on the picture's size, unless it is interlaced or progressive.
 *
 * @param source path or bytes of a file
 * @throws DataError naming a file that is missing, damaged, no picture, or has more than `maxPixels`
 * @throws ConfigError for limits that are not positive whole numbers, or both sides at once
 */
export async function decodePixels(
  source: string | Uint8Array,
  options: DecodePixelsOptions = {},
): Promise<Pixels> {
  checkDecodeOptions('decodePixels', options);
  if (typeof source !== 'string') return decodeBytes(source, options);
  // Bytes, not the path: the library caches files by name and would return a replaced one as it was.
  const bytes = await readFile(source).catch((error: unknown) => {
    throw notDecoded(source, options, error);
  });
  return decodeBytes(bytes, options, source);
}

/** @throws ConfigError for limits that are not positive whole numbers, or both sides at once */
export function checkDecodeOptions(where: string, options: DecodePixelsOptions): void {
  const { maxSide, smallestSide } = options;
  for (const name of ['maxPixels', 'maxSide', 'smallestSide'] as const) {
    const value = options[name];
    if (value === undefined || (Number.isSafeInteger(value) && value > 0)) continue;
    throw new ConfigError(
      `${where}: ${name} must be a positive whole number, but got ${value}. Leave it out for the default.`,
    );
  }
  if (maxSide !== undefined && smallestSide !== undefined) {
    throw new ConfigError(
      `${where}: one side must be given, but got maxSide ${maxSide} and smallestSide ${smallestSide}. Leave one out.`,
    );
  }
}

/** As `decodePixels`, for bytes whose file is known. */
export async function decodeBytes(
  bytes: Uint8Array,
  options: DecodePixelsOptions,
  path?: string,
): Promise<Pixels> {
  try {
    // Loaded only now: many processes that read tables never need it.
    const { default: sharp } = await import('sharp');
    const maxPixels = options.maxPixels ?? defaultMaxPixels;
    // The header alone, whatever it says of the size.
    const header = await sharp(bytes, { limitInputPixels: false }).metadata();
    const { format, autoOrient: upright } = header;
    if (!formats.includes(format ?? '')) throw new Error(`its format is ${format}`);
    if (upright.width * upright.height > maxPixels)
      throw new Error(`it has ${upright.width} × ${upright.height}`);
    const size = shrunkSize(upright.width, upright.height, options);
    let pixels = sharp(bytes, { limitInputPixels: maxPixels, sequentialRead: true }).autoOrient();
    // Of the library's filters, this one comes closest to the average over the area.
    if (size !== undefined) pixels = pixels.resize({ ...size, fit: 'fill', kernel: 'cubic' });
    const { data, info } = await pixels
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: threeChannels(data, info.channels) };
  } catch (error) {
    throw notDecoded(path ?? bytes.length, options, error);
  }
}

const defaultMaxPixels = 500_000_000;

function notDecoded(source: string | number, options: DecodePixelsOptions, error: unknown): DataError {
  const name = typeof source === 'string' ? `"${source}"` : `${source} bytes`;
  return new DataError(
    `decodePixels: the file must be an intact PNG, JPEG, WebP or GIF of at most ${options.maxPixels ?? defaultMaxPixels} pixels, but ${name} is not: ${(error as Error).message.trim().replace(/\.$/, '')}. Mend or remove it, or change maxPixels.`,
    typeof source === 'string' ? { file: source } : {},
    { cause: error },
  );
}

/** Width and height after shrinking, `undefined` when the picture stays as it is. */
function shrunkSize(width: number, height: number, { maxSide, smallestSide }: DecodePixelsOptions) {
  const scale =
    maxSide !== undefined
      ? maxSide / Math.max(width, height)
      : (smallestSide ?? Number.POSITIVE_INFINITY) / Math.min(width, height);
  if (scale >= 1) return undefined;
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

function threeChannels(data: Uint8Array, given: number): Uint8Array {
  // Without the methods of a Node buffer, whose slices share their memory.
  if (given === 3) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const pixels = data.length / given;
  const result = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) result[i * 3 + c] = data[i * given + (given > 2 ? c : 0)];
  return result;
}
