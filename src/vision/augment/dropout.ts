import { type Field, number, triple, wholeNumber } from './fields.ts';
import { drawWhole } from './random-draws.ts';
import { defineTransform } from './transform.ts';

const count = (initial: number): Field<number, number> => wholeNumber(initial, { min: 0, max: 10_000 });
/** Whole pixels from 1, or a share of the side below 1. */
const extent = (initial: number): Field<number, number> => number(initial, { min: 0 });
const fillValue = triple([0, 0, 0], { min: 0, max: 255 });

/** `numHoles` rectangles of up to `maxHSize × maxWSize` pixels around random places, cut off at the border. */
export const Cutout = defineTransform(
  'Cutout',
  0.5,
  { numHoles: count(8), maxHSize: count(8), maxWSize: count(8), fillValue },
  ({ canvas, width, height }, rng, { numHoles, maxHSize, maxWSize, fillValue }) => {
    for (let hole = 0; hole < numHoles; hole++) {
      const y = Math.max(0, drawWhole(rng, 0, height) - Math.floor(maxHSize / 2));
      const x = Math.max(0, drawWhole(rng, 0, width) - Math.floor(maxWSize / 2));
      const rows = Math.min(y + maxHSize, height) - y;
      const columns = Math.min(x + maxWSize, width) - x;
      if (rows > 0 && columns > 0) canvas.fillRectangle(x, y, columns, rows, fillValue);
    }
  },
);

/**
 * Whole rectangles inside the picture. The number and size of holes are drawn from the minimum to the maximum; a
 * minimum of −1 means the maximum. Sizes below 1 are shares of the picture's side.
 */
export const CoarseDropout = defineTransform(
  'CoarseDropout',
  0.5,
  {
    maxHoles: count(8),
    maxHeight: extent(8),
    maxWidth: extent(8),
    minHoles: wholeNumber(-1, { min: -1 }),
    minHeight: number(-1, { min: -1 }),
    minWidth: number(-1, { min: -1 }),
    fillValue,
  },
  ({ canvas, width, height }, rng, options) => {
    const { maxHoles, maxHeight, maxWidth, minHoles, minHeight, minWidth, fillValue } = options;
    const holes = drawWhole(rng, minHoles < 0 ? maxHoles : minHoles, maxHoles);
    for (let hole = 0; hole < holes; hole++) {
      const rows = drawExtent(minHeight, maxHeight, height);
      const columns = drawExtent(minWidth, maxWidth, width);
      const y = drawWhole(rng, 0, height - rows);
      const x = drawWhole(rng, 0, width - columns);
      if (rows > 0 && columns > 0) canvas.fillRectangle(x, y, columns, rows, fillValue);
    }
    function drawExtent(least: number, most: number, side: number): number {
      const pixels = (value: number) =>
        Math.min(side, value < 1 ? Math.floor(value * side) : Math.floor(value));
      return drawWhole(rng, pixels(least < 0 ? most : least), pixels(most));
    }
  },
);
