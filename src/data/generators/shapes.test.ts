import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ConfigError, RuntimeFailure } from '#core';
import { decodePixels } from '../images/decode-pixels.ts';
import { readImageIndex } from '../images/image-index.ts';
import { type DrawnShape, drawShapes, shapeClasses } from './shapes.ts';
import { writeShapes } from './write-shapes.ts';

it('draws every class in turn, the same for one seed and others for another', () => {
  const shapes = drawShapes({ count: 10, seed: 1, size: 32 });
  expect(shapes.map(({ label }) => label)).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3]);
  expect(shapeClasses).toEqual(['circle', 'cross', 'ring', 'square', 'star', 'triangle']);
  expect(drawShapes({ count: 10, seed: 1, size: 32 })).toEqual(shapes);
  expect(drawShapes({ count: 10, seed: 2, size: 32 })).not.toEqual(shapes);
  expect(shapes[0].pixels.data).toHaveLength(32 * 32 * 3);
});

it('refuses sizes and counts that cannot be drawn', () => {
  for (const size of [7, 4097, 32.5, Number.NaN])
    expect(() => drawShapes({ count: 1, seed: 1, size })).toThrow(/from 8 to 4096/);
  expect(() => drawShapes({ count: 0, seed: 1 })).toThrow(ConfigError);
  expect(drawShapes({ count: 6, seed: 1, size: 8 })).toHaveLength(6);
});

/** Share of the second half that is nearest to its class's mean over the first half, by some features. */
function nearestMeanAccuracy(
  shapes: readonly DrawnShape[],
  features: (shape: DrawnShape) => number[],
): number {
  const half = shapes.length / 2;
  const rows = shapes.map(features);
  const means = shapeClasses.map((_, k) => {
    const own = rows.slice(0, half).filter((_row, i) => shapes[i].label === k);
    return own[0].map((_value, j) => own.reduce((sum, row) => sum + row[j], 0) / own.length);
  });
  const distance = (row: number[], mean: number[]) => row.reduce((sum, x, j) => sum + (x - mean[j]) ** 2, 0);
  const nearest = rows.slice(half).map((row) => {
    const distances = means.map((mean) => distance(row, mean));
    return distances.indexOf(Math.min(...distances));
  });
  return nearest.filter((k, i) => k === shapes[half + i].label).length / half;
}

it('tells no class by its mean colour and hardly by its pixels, but well by the outline', () => {
  const shapes = drawShapes({ count: 600, seed: 5, size: 32 });
  const colour = ({ pixels: { data } }: DrawnShape) => {
    const sums = [0, 0, 0];
    for (let i = 0; i < data.length; i++) sums[i % 3] += data[i];
    return sums;
  };
  expect(nearestMeanAccuracy(shapes, colour)).toBeLessThan(0.3);
  expect(nearestMeanAccuracy(shapes, ({ pixels: { data } }) => [...data])).toBeLessThan(0.45);
  // Shape against ground by the corner's brightness; its share of its own box and how it is spread there.
  expect(nearestMeanAccuracy(shapes, outline)).toBeGreaterThan(0.8);
});

/** Share of the bounding box that is inside, by nine parts of the box. */
function outline({ pixels: { width, data } }: DrawnShape): number[] {
  const grey = Array.from(
    { length: width * width },
    (_, i) => data[3 * i] + data[3 * i + 1] + data[3 * i + 2],
  );
  const middle = (Math.min(...grey) + Math.max(...grey)) / 2;
  const bright = grey.filter((value) => value > middle).length;
  const inside = grey.map((value) => value > middle === bright < grey.length / 2);
  const places = inside.flatMap((isIn, i) => (isIn ? [[i % width, Math.floor(i / width)]] : []));
  const [left, top] = [0, 1].map((axis) => Math.min(...places.map((place) => place[axis])));
  const [right, bottom] = [0, 1].map((axis) => Math.max(...places.map((place) => place[axis])) + 1);
  const parts: number[] = new Array(9).fill(0);
  for (const [x, y] of places) {
    const [column, row] = [(3 * (x - left)) / (right - left), (3 * (y - top)) / (bottom - top)];
    parts[3 * Math.floor(row) + Math.floor(column)] += 9 / ((right - left) * (bottom - top));
  }
  return parts;
}

it('writes one folder per class and a table with the columns of the bird notebook', async () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'shapes-')), 'new');
  const { csv, classes } = await writeShapes(folder, { count: 61, seed: 3, size: 16 });
  const lines = readFileSync(csv, 'utf8').trim().split('\n');
  expect(lines.slice(0, 1)).toEqual(['image_path,label,label_name,group,fold']);
  expect(lines[1]).toMatch(/^circle\/00000\.png,0,circle,shape-00000,[0-4]$/);
  expect(lines).toHaveLength(62);
  const index = await readImageIndex(csv);
  expect([index.classes, classes]).toEqual([shapeClasses, shapeClasses]);
  const shapes = drawShapes({ count: 61, seed: 3, size: 16 });
  for (const i of [0, 7, 60]) expect(await decodePixels(index.items[i].path)).toEqual(shapes[i].pixels);
  // Ten pictures of this class: two in every fold.
  for (let fold = 0; fold < 5; fold++)
    expect(index.items.filter((item) => item.label === 5 && item.fold === fold)).toHaveLength(2);
  expect((await readImageIndex(folder)).items).toHaveLength(61);
});

it('writes JPEG when told, and says why a folder or a format cannot be', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shapes-'));
  const { csv } = await writeShapes(folder, { count: 6, seed: 3, size: 16, format: 'jpeg' });
  expect(readdirSync(join(folder, 'star'))).toEqual(['00004.jpg']);
  await expect(writeShapes(join(csv, 'x'), { count: 6, seed: 3 })).rejects.toThrow(RuntimeFailure);
  const format = 'bmp' as 'png';
  await expect(writeShapes(folder, { count: 6, seed: 3, format })).rejects.toThrow('png or jpeg');
  await expect(writeShapes(folder, { count: 6, seed: 3, size: 5 })).rejects.toThrow('writeShapes: size');
});
