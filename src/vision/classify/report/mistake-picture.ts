import { ConfigError } from '#core';
import { encodePng, type Pixels } from '#data';

/**
 * A small picture as a `data:` URI of a PNG: the longer side is scaled down to `side` by the mean of the area under
 * each pixel, the shape kept. Pictures that are small already stay as they are.
 *
 * @param pixels RGB, `[height, width, 3]`
 * @param side 96 when absent
 * @throws ConfigError for a side that is no whole number from 1
 */
export function mistakePicture(pixels: Pixels, side = 96): string {
  if (!(Number.isInteger(side) && side >= 1)) {
    throw new ConfigError(
      `mistakePicture: side must be a whole number from 1, but got ${side}. Give one such as 96.`,
    );
  }
  const { width, height, data } = shrink(pixels, side);
  return `data:image/png;base64,${encodePng(width, height, data).toString('base64')}`;
}

function shrink(pixels: Pixels, side: number): Pixels {
  const scale = side / Math.max(pixels.width, pixels.height);
  if (scale >= 1) return pixels;
  const width = Math.max(1, Math.round(pixels.width * scale));
  const height = Math.max(1, Math.round(pixels.height * scale));
  const narrow = averageAlong(pixels.data, pixels.height, pixels.width, 3, width);
  const data = averageAlong(narrow, 1, pixels.height, width * 3, height);
  return { width, height, data: Uint8Array.from(data, Math.round) };
}

/**
 * [outer, from, inner] → [outer, to, inner], each of the `to` cells the mean of the `from` cells under it, those at its
 * ends by the part that it covers.
 */
function averageAlong(
  values: ArrayLike<number>,
  outer: number,
  from: number,
  inner: number,
  to: number,
): Float64Array {
  const result = new Float64Array(outer * to * inner);
  const ratio = from / to;
  for (let cell = 0; cell < to; cell++) {
    const start = cell * ratio;
    const end = Math.min(from, start + ratio);
    for (let source = Math.floor(start); source < end; source++) {
      const share = (Math.min(end, source + 1) - Math.max(start, source)) / ratio;
      for (let o = 0; o < outer; o++) {
        const read = (o * from + source) * inner;
        const write = (o * to + cell) * inner;
        for (let i = 0; i < inner; i++) result[write + i] += share * values[read + i];
      }
    }
  }
  return result;
}
