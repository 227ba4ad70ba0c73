import { ConfigError, Rng } from '#core';
import type { Pixels } from '../images/pixels.ts';
import { checkGeneratorOptions } from './draw.ts';

/** Whether a point is inside a shape; coordinates from −1 to 1. */
const insides: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  circle: (x, y) => x * x + y * y < 1,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.3,
  ring: (x, y) => x * x + y * y < 1 && x * x + y * y > 0.36,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.85,
  star: isInStar,
  triangle: (x, y) => y > -1 && Math.abs(x) < (y + 1) / 2,
};

/** Five tips on the unit circle, one of them up. */
function isInStar(x: number, y: number): boolean {
  const part = (2 * Math.PI) / 5;
  // The angle from the nearest tip; between tip and notch the edge is a straight line.
  const around = Math.atan2(x, -y);
  const angle = Math.abs(around - part * Math.round(around / part));
  const radius = Math.hypot(x, y);
  const notch = 0.4;
  const [u, v] = [radius * Math.cos(angle), radius * Math.sin(angle)];
  const [nu, nv] = [notch * Math.cos(part / 2), notch * Math.sin(part / 2)];
  return (u - 1) * nv - (nu - 1) * v < 0;
}

/** Names of the shapes, by label. */
export const shapeClasses: readonly string[] = Object.keys(insides);

export interface DrawShapesOptions {
  readonly count: number;
  readonly seed: number;
  /** Width and height in pixels, 8 … 4096; 64 when absent. */
  readonly size?: number;
}

export interface DrawnShape {
  readonly pixels: Pixels;
  readonly label: number;
}

/**
 * Drawn shapes of known class, with random colours, place, scale and noise; labels take turns. The same for one seed.
 * @throws ConfigError for no shapes, or a size out of range
 */
export function drawShapes(options: DrawShapesOptions): DrawnShape[] {
  return [...eachShape('drawShapes', options)];
}

/** As `drawShapes`, one after the other. */
export function* eachShape(
  where: string,
  { count, seed, size = 64 }: DrawShapesOptions,
): Generator<DrawnShape> {
  checkGeneratorOptions(where, count, 0);
  if (!Number.isInteger(size) || size < 8 || size > 4096)
    throw new ConfigError(`${where}: size must be a whole number from 8 to 4096, but got ${size}. Try 64.`);
  const base = new Rng(seed).fork('shapes');
  for (let n = 0; n < count; n++) {
    const label = n % shapeClasses.length;
    yield { pixels: drawShape(insides[shapeClasses[label]], base.fork(n), size), label };
  }
}

function drawShape(inside: (x: number, y: number) => boolean, rng: Rng, size: number): Pixels {
  const radius = size * (0.2 + 0.2 * rng.uniform());
  const [cx, cy] = [0, 0].map(() => radius + rng.uniform() * (size - 2 * radius));
  // Dark behind bright, or the other way round: brightness alone tells no class.
  const [low, high] = rng.uniform() < 0.5 ? [20, 150] : [150, 20];
  const back = [0, 0, 0].map(() => low + 80 * rng.uniform());
  const front = [0, 0, 0].map(() => high + 80 * rng.uniform());
  const data = new Uint8Array(size * size * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    const x = ((pixel % size) + 0.5 - cx) / radius;
    const y = (Math.floor(pixel / size) + 0.5 - cy) / radius;
    const isIn = Math.max(Math.abs(x), Math.abs(y)) < 1 && inside(x, y);
    data[i] = Math.max(0, Math.min(255, Math.round((isIn ? front : back)[i % 3] + 8 * rng.normal())));
  }
  return { width: size, height: size, data };
}
