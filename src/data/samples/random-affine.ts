import { ConfigError, type HostTensor, Rng, ShapeError } from '#core';

export interface AffineRange {
  /** Largest angle in degrees, both ways; 0 by default. */
  readonly degrees?: number;
  /** Largest shift as a share of the size, both ways; 0 by default. */
  readonly translate?: number;
  /** Smallest and largest factor; [1, 1] by default. */
  readonly scale?: readonly [number, number];
  /** Largest shear in degrees, both ways, below 90; 0 by default. */
  readonly shear?: number;
  /** What comes in from outside; 0 by default. */
  readonly fill?: number;
}

/** Output point − shift − middle → input point − middle: `[[a, b], [c, d]]`. */
type Matrix = readonly [a: number, b: number, c: number, d: number];

/**
 * Turns, shifts, scales and shears every image of a batch by random amounts, with bilinear interpolation. What an image
 * gets depends on seed, epoch and its index alone, not on the batch it is in.
 *
 * @param batch float32 `[N, C, H, W]`
 * @throws ConfigError for ranges that no image can have
 * @throws ShapeError for other shapes, or fewer indices than images
 * @example
 * new DataLoader(digits, { transform: ([x, y], context) => [randomAffine(x, { degrees: 10 }, context), y] });
 */
export function randomAffine(
  batch: HostTensor<'float32'>,
  range: AffineRange,
  { seed, epoch, indices }: { seed: number; epoch: number; indices: ArrayLike<number> },
): HostTensor<'float32'> {
  checkRange(range);
  const [count, channels, height, width] = batch.shape;
  if (batch.shape.length !== 4 || indices.length !== count) {
    throw new ShapeError(
      `randomAffine: images must be [N, C, H, W] with an index each, but got [${batch.shape.join(', ')}] and ${indices.length} indices. Reshape them.`,
      { shape: [...batch.shape], indices: indices.length },
    );
  }
  const result = new Float32Array(batch.data.length);
  const base = new Rng(seed).fork(`affine ${epoch}`);
  for (let n = 0; n < count; n++) {
    const { matrix, shift } = drawMap(base.fork(indices[n]), range, [height, width]);
    for (let c = 0; c < channels; c++) {
      const start = (n * channels + c) * height * width;
      warp(batch.data, result, start, [height, width], matrix, shift, range.fill ?? 0);
    }
  }
  return { dtype: 'float32', shape: batch.shape, data: result };
}

function checkRange({ degrees = 0, translate = 0, scale = [1, 1], shear = 0 }: AffineRange): void {
  const isGood = degrees >= 0 && translate >= 0 && scale[0] > 0 && scale[1] >= scale[0] && shear >= 0;
  if (isGood && shear < 90) return;
  throw new ConfigError(
    `randomAffine: degrees and translate must be 0 or more, scale ascending above 0 and shear in [0, 90), but got ${degrees}, ${translate}, [${scale.join(', ')}] and ${shear}. Change them.`,
    { degrees, translate, scale: [...scale], shear },
  );
}

function drawMap(
  rng: Rng,
  { degrees = 0, translate = 0, scale = [1, 1], shear = 0 }: AffineRange,
  [height, width]: readonly [number, number],
): { matrix: Matrix; shift: readonly [number, number] } {
  const between = (limit: number) => (2 * rng.uniform() - 1) * limit;
  const angle = (between(degrees) * Math.PI) / 180;
  const factor = scale[0] + (scale[1] - scale[0]) * rng.uniform();
  const slant = Math.tan((between(shear) * Math.PI) / 180);
  const shift = [between(translate) * width, between(translate) * height] as const;
  // The image is sheared, then turned, then scaled: factor · R(angle) · [[1, slant], [0, 1]]. This is the inverse.
  const [cos, sin] = [Math.cos(angle) / factor, Math.sin(angle) / factor];
  return { matrix: [cos + slant * sin, sin - slant * cos, -sin, cos], shift };
}

function warp(
  source: Float32Array,
  target: Float32Array,
  start: number,
  [height, width]: readonly [number, number],
  [a, b, c, d]: Matrix,
  [shiftX, shiftY]: readonly [number, number],
  fill: number,
): void {
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const at = (row: number, column: number) =>
    row >= 0 && row < height && column >= 0 && column < width ? source[start + row * width + column] : fill;
  for (let y = 0; y < height; y++) {
    const dy = y - middleY - shiftY;
    for (let x = 0; x < width; x++) {
      const dx = x - middleX - shiftX;
      const fromX = a * dx + b * dy + middleX;
      const fromY = c * dx + d * dy + middleY;
      const left = Math.floor(fromX);
      const top = Math.floor(fromY);
      const right = fromX - left;
      const down = fromY - top;
      const corner = start + top * width + left;
      const isInside = left >= 0 && top >= 0 && left < width - 1 && top < height - 1;
      const topLeft = isInside ? source[corner] : at(top, left);
      const topRight = isInside ? source[corner + 1] : at(top, left + 1);
      const lowLeft = isInside ? source[corner + width] : at(top + 1, left);
      const lowRight = isInside ? source[corner + width + 1] : at(top + 1, left + 1);
      const upper = topLeft + right * (topRight - topLeft);
      const lower = lowLeft + right * (lowRight - lowLeft);
      target[start + y * width + x] = upper + down * (lower - upper);
    }
  }
}
