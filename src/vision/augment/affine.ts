import { choice, range, triple } from './fields.ts';
import { around, chain, rotation, scaling, translation } from './matrix.ts';
import { drawFrom } from './random-draws.ts';
import { interpolation } from './resizing.ts';
import { defineTransform } from './transform.ts';

/** OpenCV's `BORDER_*` modes. */
export const borderMode = choice('reflect101', 'constant', 'replicate', 'reflect', 'wrap');
/** Colour of a constant border. */
export const borderValue = triple([0, 0, 0], { min: 0, max: 255 });

/**
 * Rotates and scales around the middle, then shifts by a share of the sides. `scaleLimit` is around 1: 0.1 draws
 * scales from 0.9 to 1.1. Angles in degrees, counter-clockwise.
 */
export const ShiftScaleRotate = defineTransform(
  'ShiftScaleRotate',
  0.5,
  {
    shiftLimit: range([-0.0625, 0.0625]),
    scaleLimit: range([-0.1, 0.1], { min: -0.99 }),
    rotateLimit: range([-45, 45]),
    interpolation,
    borderMode,
    value: borderValue,
  },
  (picture, rng, { shiftLimit, scaleLimit, rotateLimit, interpolation, borderMode, value }) => {
    const { width, height } = picture;
    const angle = drawFrom(rng, rotateLimit);
    const scale = 1 + drawFrom(rng, scaleLimit);
    const dx = drawFrom(rng, shiftLimit) * width;
    const dy = drawFrom(rng, shiftLimit) * height;
    const turn = angle === 0 ? scaling(scale, scale) : chain(rotation(angle), scaling(scale, scale));
    const matrix = chain(around((width - 1) / 2, (height - 1) / 2, turn), translation(dx, dy));
    picture.warp(matrix, width, height, { interpolation, border: borderMode, fill: value });
  },
);
