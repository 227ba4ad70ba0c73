import { DataError, type HostTensor } from '#core';

export interface DecodeOptions {
  /** `[height, width]` that images are resized to; as they are when absent. */
  readonly size?: readonly [number, number];
  /** 3 for RGB (default), 1 for grey. */
  readonly channels?: 1 | 3;
}

/**
 * Reads an image (PNG, JPEG, WebP, GIF) as uint8 `[C, H, W]`: turned upright by its EXIF data, the first of several
 * pictures, without its alpha channel.
 *
 * @throws DataError naming the file that is missing or damaged
 */
export async function decodeImage(
  path: string,
  { size, channels = 3 }: DecodeOptions = {},
): Promise<HostTensor<'uint8'>> {
  try {
    // Loaded only now: many processes that read tables never need it.
    const { default: sharp } = await import('sharp');
    let image = sharp(path).rotate().removeAlpha();
    if (size !== undefined) image = image.resize({ height: size[0], width: size[1], fit: 'fill' });
    const converted = channels === 1 ? image.greyscale() : image.toColourspace('srgb');
    const { data, info } = await converted.raw().toBuffer({ resolveWithObject: true });
    return {
      dtype: 'uint8',
      shape: [channels, info.height, info.width],
      data: channelsFirst(data, info.channels, channels),
    };
  } catch (error) {
    throw new DataError(
      `decodeImage: the file must be an image, but "${path}" is not: ${(error as Error).message.replace(/\.$/, '')}. Mend or remove it.`,
      { file: path },
      { cause: error },
    );
  }
}

/** `[H, W, given]` to `[wanted, H, W]`; a single channel is repeated. */
function channelsFirst(data: Uint8Array, given: number, wanted: number): Uint8Array {
  const pixels = data.length / given;
  const planes = new Uint8Array(pixels * wanted);
  for (let c = 0; c < wanted; c++) {
    const from = Math.min(c, given - 1);
    for (let i = 0; i < pixels; i++) planes[c * pixels + i] = data[i * given + from];
  }
  return planes;
}
