import { Rng } from '#core';
import type { Pixels } from '../images/pixels.ts';
import { checkGeneratorOptions } from './draw.ts';

/** Whether a point is inside a shape; coordinates from −1 to 1. */
const insides: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  circle: (x, y) => x * x + y * y < 1,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.3,
  ring: (x, y) => x * x + y * y < 1 && x * x + y * y > 0.36,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.85,
  triangle: (x, y) => y > -1 && Math.abs(x) < (y + 1) / 2,
};

/** Names of the shapes, by label. */
export const shapeClasses: readonly string[] = Object.keys(insides);

export interface DrawShapesOptions {
  readonly count: number;
  readonly seed: number;
  /** Width and height in pixels; 64 when absent. */
  readonly size?: number;
}

/**
 * Drawn shapes of known class, with random colours, place, scale and noise; labels take turns. The same for one seed.
 * @throws ConfigError for no shapes
 */
export function drawShapes({
  count,
  seed,
  size = 64,
}: DrawShapesOptions): { pixels: Pixels; label: number }[] {
  checkGeneratorOptions('drawShapes', count, 0);
  const base = new Rng(seed).fork('shapes');
  return Array.from({ length: count }, (_, n) => {
    const label = n % shapeClasses.length;
    return { pixels: drawShape(insides[shapeClasses[label]], base.fork(n), size), label };
  });
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
