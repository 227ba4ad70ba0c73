import type { Matrix3 } from '#kernels';
import { borderMode, borderValue } from './borders.ts';
import { choice, flag, number, range } from './fields.ts';
import { around, chain, invert, quadrilateral, rotation, scaling, shearing, translation } from './matrix.ts';
import { drawFrom } from './random-draws.ts';
import { interpolation } from './resizing.ts';
import { defineTransform } from './transform.ts';

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

/**
 * Scales, shears and rotates around the middle, then shifts by a share of the sides; each is the identity unless
 * given. Angles in degrees; with `keepRatio` both axes are scaled alike. A `scale` of one number `s` means [s, s].
 */
export const Affine = defineTransform(
  'Affine',
  0.5,
  {
    scale: range([1, 1], { min: 0.01, from: 'same' }),
    translatePercent: range([0, 0]),
    rotate: range([0, 0]),
    shear: range([0, 0], { min: -89, max: 89 }),
    keepRatio: flag(false),
    interpolation,
    borderMode: choice('constant', 'reflect101', 'replicate', 'reflect', 'wrap'),
    value: borderValue,
  },
  (picture, rng, { scale, translatePercent, rotate, shear, keepRatio, interpolation, borderMode, value }) => {
    const { width, height } = picture;
    const x = drawFrom(rng, scale);
    const y = keepRatio ? x : drawFrom(rng, scale);
    const sheared = shearing(drawFrom(rng, shear), drawFrom(rng, shear));
    const turn = chain(chain(scaling(x, y), sheared), rotation(drawFrom(rng, rotate)));
    const shift = translation(
      drawFrom(rng, translatePercent) * width,
      drawFrom(rng, translatePercent) * height,
    );
    const matrix = chain(around((width - 1) / 2, (height - 1) / 2, turn), shift);
    picture.warp(matrix, width, height, { interpolation, border: borderMode, fill: value });
  },
);

/**
 * Looks at the picture from another place: each corner moves inwards by a normal share of the sides, whose standard
 * deviation is drawn from `scale`, and the quadrilateral fills the picture. `limit` keeps corners apart.
 */
export const Perspective = defineTransform(
  'Perspective',
  0.5,
  {
    scale: range([0.05, 0.1], { min: 0, max: 1, from: 0 }),
    limit: number(0.45, { min: 0, max: 0.49 }),
    interpolation,
    borderMode: choice('constant', 'reflect101', 'replicate', 'reflect', 'wrap'),
    value: borderValue,
  },
  (picture, rng, { scale, limit, interpolation, borderMode, value }) => {
    const { width, height } = picture;
    const deviation = drawFrom(rng, scale);
    const inwards = () => Math.min(limit, Math.abs(rng.normal()) * deviation);
    const corner = (right: boolean, bottom: boolean): [number, number] => {
      const [x, y] = [inwards(), inwards()];
      return [(right ? 1 - x : x) * width - 0.5, (bottom ? 1 - y : y) * height - 0.5];
    };
    const corners = [
      corner(false, false),
      corner(true, false),
      corner(true, true),
      corner(false, true),
    ] as const;
    const toSquare = invert(quadrilateral(...corners));
    const toPicture: Matrix3 = [width, 0, -0.5, 0, height, -0.5, 0, 0, 1];
    picture.warp(chain(toSquare, toPicture), width, height, {
      interpolation,
      border: borderMode,
      fill: value,
    });
  },
);
