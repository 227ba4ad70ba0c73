import { choice, wholeNumber } from './fields.ts';
import { defineTransform } from './transform.ts';

/** OpenCV's `INTER_*` modes. */
export const interpolation = choice('linear', 'nearest', 'cubic', 'area', 'lanczos4');
const size = (initial?: number) => wholeNumber(initial, { min: 1, max: 65_536 });

/** Nearest whole number, halves to the even one, at least 1. */
function roundedSize(value: number): number {
  const floor = Math.floor(value);
  const up = value - floor > 0.5 || (value - floor === 0.5 && floor % 2 === 1);
  return Math.max(1, up ? floor + 1 : floor);
}

/** `height × width` pixels. */
export const Resize = defineTransform(
  'Resize',
  1,
  { height: size(), width: size(), interpolation },
  (picture, _rng, { height, width, interpolation }) => picture.resize(width, height, interpolation),
);

/** The shorter side becomes `maxSize` pixels, the other follows. */
export const SmallestMaxSize = defineTransform(
  'SmallestMaxSize',
  1,
  { maxSize: size(1024), interpolation },
  (picture, _rng, { maxSize, interpolation }) => {
    const scale = maxSize / Math.min(picture.width, picture.height);
    picture.resize(roundedSize(picture.width * scale), roundedSize(picture.height * scale), interpolation);
  },
);

/** The longer side becomes `maxSize` pixels, the other follows, at least 1. */
export const LongestMaxSize = defineTransform(
  'LongestMaxSize',
  1,
  { maxSize: size(1024), interpolation },
  (picture, _rng, { maxSize, interpolation }) => {
    const scale = maxSize / Math.max(picture.width, picture.height);
    picture.resize(roundedSize(picture.width * scale), roundedSize(picture.height * scale), interpolation);
  },
);
