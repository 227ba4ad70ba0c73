import { ConfigError } from '#core';
import { type Field, type Range, range, wholeNumber } from './fields.ts';
import { drawFrom, drawWhole } from './random-draws.ts';
import { defineTransform } from './transform.ts';

/** Odd sizes in pixels; one number `s` for sizes from 3 to s. */
const oddSizes: Field<number | Range, Range> = {
  initial: [3, 7],
  parse: (where, value) => {
    const sizes = range([3, 7], { min: 1, max: 255, from: 3 }).parse(where, value);
    if (sizes.every((size) => size % 2 === 1)) return sizes;
    throw new ConfigError(`${where}: sizes must be odd, but got ${JSON.stringify(value)}. Add 1.`, { value });
  },
};

/** Means of squares of an odd number of pixels, drawn from `blurLimit`. */
export const Blur = defineTransform(
  'Blur',
  0.5,
  { blurLimit: oddSizes },
  ({ canvas }, rng, { blurLimit }) => {
    const [low, high] = blurLimit;
    canvas.boxBlur(low + 2 * drawWhole(rng, 0, (high - low) / 2));
  },
);

/**
 * Contrast-limited adaptive histogram equalisation of the lightness: each tile of a grid gets its own curve, and
 * between the tiles' middles curves are mixed.
 */
export const CLAHE = defineTransform(
  'CLAHE',
  0.5,
  {
    clipLimit: range([1, 4], { min: 0, from: 1 }),
    tileGridSize: wholeNumber(8, { min: 1, max: 64 }),
  },
  ({ canvas }, rng, { clipLimit, tileGridSize }) => canvas.equalise(tileGridSize, drawFrom(rng, clipLimit)),
);
