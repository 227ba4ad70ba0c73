import assert from 'node:assert/strict';
import type { Pixels } from '#data';
import { type Augmented, mapPoint } from '#vision';

/** Levels of red for a step to the right and of green for a step down. */
const SLOPE = 3;

/** Red says how far right a pixel is, green how far down. */
export function ramp(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    data[3 * i] = 20 + SLOPE * (i % width);
    data[3 * i + 1] = 20 + SLOPE * Math.floor(i / width);
  }
  return { width, height, data };
}

/**
 * Compares colours of the ramp, where the matrix takes them, with the result; places near its sides, which borders
 * may colour, are left out.
 * @returns how many places were compared
 */
export function compareWithRamp(pixels: Pixels, matrix: Augmented['matrix']): number {
  let count = 0;
  for (let y = 4; y < 45; y += 4) {
    for (let x = 4; x < 61; x += 4) {
      const [u, v] = mapPoint(matrix, x, y);
      if (!(u >= 0 && v >= 0 && u <= pixels.width - 1 && v <= pixels.height - 1)) continue;
      const found = [0, 1].map((channel) => (levelAt(pixels, u, v, channel) - 20) / SLOPE);
      const error = Math.hypot(found[0] - x, found[1] - y);
      assert.ok(error < 0.75, `the matrix takes (${x}, ${y}) where (${found.join(', ')}) has gone`);
      count++;
    }
  }
  return count;
}

/** Between the four pixels around a place. */
function levelAt({ width, height, data }: Pixels, x: number, y: number, channel: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [Math.min(width - 1, left + 1), Math.min(height - 1, top + 1)];
  const at = (column: number, row: number) => data[3 * (row * width + column) + channel];
  const upper = at(left, top) + (x - left) * (at(right, top) - at(left, top));
  const lower = at(left, bottom) + (x - left) * (at(right, bottom) - at(left, bottom));
  return upper + (y - top) * (lower - upper);
}
