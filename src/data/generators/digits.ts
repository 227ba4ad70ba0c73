import { ConfigError, type HostTensor, Rng } from '#core';
import type { LabelledImages } from '../samples/mnist.ts';
import { checkGeneratorOptions } from './draw.ts';

type Point = readonly [x: number, y: number];
/** A stroke is a line through points; coordinates in a unit square, y downwards. */
type Stroke = readonly Point[];

/** Points on an ellipse from one angle to another, in degrees clockwise from the right. */
function arc(x: number, y: number, rx: number, ry: number, from: number, to: number): Stroke {
  const steps = Math.max(4, Math.round(Math.abs(to - from) / 20));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / steps) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)] as const;
  });
}

/** Ways to write each digit; one is chosen at random. */
const shapes: readonly (readonly (readonly Stroke[])[])[] = [
  [[arc(0.5, 0.5, 0.24, 0.36, -90, 270)], [arc(0.5, 0.5, 0.3, 0.33, -70, 290)]],
  [[[[0.5, 0.14], [0.5, 0.86]]], [[[0.36, 0.28], [0.52, 0.14], [0.52, 0.86]]], [[[0.38, 0.26], [0.52, 0.14], [0.52, 0.86]], [[0.34, 0.86], [0.7, 0.86]]]], // biome-ignore format: one digit a line
  [[[...arc(0.5, 0.34, 0.22, 0.2, -170, 30), [0.28, 0.85]], [[0.28, 0.85], [0.74, 0.85]]], [[...arc(0.5, 0.33, 0.2, 0.19, -150, 60), ...arc(0.36, 0.76, 0.1, 0.09, -60, -300), [0.76, 0.86]]]], // biome-ignore format: one digit a line
  [[arc(0.47, 0.32, 0.2, 0.18, -150, 90), arc(0.47, 0.67, 0.23, 0.18, -90, 150)], [[[0.3, 0.15], [0.68, 0.15], [0.48, 0.42]], arc(0.47, 0.64, 0.22, 0.22, -80, 150)]], // biome-ignore format: one digit a line
  [[[[0.58, 0.14], [0.24, 0.6], [0.78, 0.6]], [[0.6, 0.36], [0.6, 0.88]]], [[[0.3, 0.14], [0.28, 0.5], [0.68, 0.5]], [[0.68, 0.14], [0.66, 0.88]]]], // biome-ignore format: one digit a line
  [[[[0.7, 0.15], [0.34, 0.15], [0.31, 0.45]], arc(0.47, 0.64, 0.23, 0.22, -125, 140)], [[[0.36, 0.15], [0.34, 0.47], [0.55, 0.44]], arc(0.48, 0.65, 0.2, 0.21, -70, 140), [[0.36, 0.15], [0.7, 0.14]]]], // biome-ignore format: one digit a line
  [[[[0.62, 0.12], [0.38, 0.42], [0.29, 0.66]], arc(0.5, 0.67, 0.21, 0.19, 180, 540)], [[...arc(0.62, 0.5, 0.34, 0.38, -90, -190)], arc(0.49, 0.69, 0.2, 0.17, 190, 540)]], // biome-ignore format: one digit a line
  [[[[0.26, 0.16], [0.74, 0.16], [0.44, 0.88]]], [[[0.26, 0.18], [0.72, 0.15], [0.46, 0.88]], [[0.38, 0.5], [0.7, 0.5]]]], // biome-ignore format: one digit a line
  [[arc(0.5, 0.32, 0.18, 0.18, 90, 450), arc(0.5, 0.68, 0.22, 0.18, -90, 270)], [[...arc(0.52, 0.31, 0.17, 0.17, -20, -250), ...arc(0.48, 0.68, 0.2, 0.18, -60, 250), [0.66, 0.22]]]], // biome-ignore format: one digit a line
  [[arc(0.49, 0.34, 0.2, 0.2, 0, 360), [[0.69, 0.34], [0.66, 0.62], [0.56, 0.88]]], [arc(0.47, 0.35, 0.2, 0.19, 20, 380), [[0.67, 0.36], [0.66, 0.88]]]], // biome-ignore format: one digit a line
];

export interface DigitOptions {
  readonly count: number;
  readonly seed: number;
  /** Height and width in pixels, at least 8; 28 by default. */
  readonly size?: number;
}

/**
 * Drawn digits, like MNIST in form: strokes of random thickness, turned, slanted, stretched and shifted, with noise.
 *
 * @returns images uint8 `[count, size, size]`, white on black, and labels uint8 `[count]`; the same for the same seed
 * @throws ConfigError for no digits, or images too small for them
 */
export function drawDigits({ count, seed, size = 28 }: DigitOptions): LabelledImages {
  checkGeneratorOptions('drawDigits', count, 0);
  if (!Number.isInteger(size) || size < 8) {
    throw new ConfigError(
      `drawDigits: size must be a whole number of at least 8, but got ${size}. Draw larger images.`,
      { size },
    );
  }
  const images = new Uint8Array(count * size * size);
  const labels = new Uint8Array(count);
  const base = new Rng(seed).fork('digits');
  for (let n = 0; n < count; n++) {
    const rng = base.fork(n);
    labels[n] = rng.integer(10);
    const ways = shapes[labels[n]];
    drawStrokes(
      ways[rng.integer(ways.length)],
      rng,
      images.subarray(n * size * size, (n + 1) * size * size),
      size,
    );
  }
  const pixels: HostTensor<'uint8'> = { dtype: 'uint8', shape: [count, size, size], data: images };
  return { images: pixels, labels: { dtype: 'uint8', shape: [count], data: labels } };
}

function drawStrokes(strokes: readonly Stroke[], rng: Rng, image: Uint8Array, size: number): void {
  const between = (low: number, high: number) => low + (high - low) * rng.uniform();
  const angle = between(-0.26, 0.26);
  const slant = between(-0.35, 0.25);
  const [scaleX, scaleY] = [between(0.7, 1.05), between(0.75, 1.02)];
  const [shiftX, shiftY] = [between(-0.08, 0.08), between(-0.08, 0.08)];
  const thickness = between(0.028, 0.062);
  const strength = between(190, 255);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const moved = strokes.map((stroke) =>
    stroke.map(([x, y]): Point => {
      const dx = (x - 0.5 + slant * (0.5 - y) * 0.5) * scaleX + between(-0.022, 0.022);
      const dy = (y - 0.5) * scaleY + between(-0.022, 0.022);
      return [0.5 + shiftX + cos * dx - sin * dy, 0.5 + shiftY + sin * dx + cos * dy];
    }),
  );
  const edge = 0.7 / size;
  const squares = squaredDistances(moved, thickness + edge / 2, size);
  for (let i = 0; i < image.length; i++) {
    // Full inside the stroke, fading over about a pixel at its edge.
    const cover = Math.min(1, Math.max(0, (thickness - Math.sqrt(squares[i])) / edge + 0.5));
    const noise = cover > 0 ? rng.normal() * 14 : 0;
    image[i] = Math.max(0, Math.min(255, Math.round(cover * strength + noise)));
  }
}

/** Of every pixel's middle to the nearest stroke, as far as it is within `reach`; infinite elsewhere. */
function squaredDistances(strokes: readonly Stroke[], reach: number, size: number): Float64Array {
  const squares = new Float64Array(size * size).fill(Number.POSITIVE_INFINITY);
  const first = (low: number) => Math.max(0, Math.floor((low - reach) * size));
  const last = (high: number) => Math.min(size - 1, Math.ceil((high + reach) * size));
  for (const stroke of strokes) {
    for (let i = 0; i + 1 < stroke.length; i++) {
      const [ax, ay] = stroke[i];
      const [bx, by] = stroke[i + 1];
      const [dx, dy] = [bx - ax, by - ay];
      const length = dx * dx + dy * dy;
      const [left, right] = [first(Math.min(ax, bx)), last(Math.max(ax, bx))];
      const bottom = last(Math.max(ay, by));
      for (let row = first(Math.min(ay, by)); row <= bottom; row++) {
        const y = (row + 0.5) / size - ay;
        for (let column = left; column <= right; column++) {
          const x = (column + 0.5) / size - ax;
          const t = length === 0 ? 0 : Math.min(1, Math.max(0, (x * dx + y * dy) / length));
          const square = (x - t * dx) ** 2 + (y - t * dy) ** 2;
          if (square < squares[row * size + column]) squares[row * size + column] = square;
        }
      }
    }
  }
  return squares;
}
