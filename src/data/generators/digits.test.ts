import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { readIdx, writeIdx } from '../samples/idx.ts';
import type { LabelledImages } from '../samples/mnist.ts';
import { drawDigits } from './digits.ts';

const AREA = 28 * 28;
const pixelsOf = ({ images }: LabelledImages) => images.data as Uint8Array;
const labelsOf = ({ labels }: LabelledImages) => labels.data as Uint8Array;

describe('drawDigits', () => {
  const digits = drawDigits({ count: 3000, seed: 1 });

  it('gives images and labels in the form of MNIST', () => {
    expect([digits.images.dtype, digits.images.shape]).toEqual(['uint8', [3000, 28, 28]]);
    expect([digits.labels.dtype, digits.labels.shape]).toEqual(['uint8', [3000]]);
    const counts = new Array(10).fill(0);
    for (const label of labelsOf(digits)) counts[label]++;
    // 300 of each expected; four standard deviations are 66.
    for (const count of counts) expect(Math.abs(count - 300)).toBeLessThan(66);
  });

  it('draws white strokes with soft edges on black, about as much ink as MNIST', () => {
    const pixels = pixelsOf(digits);
    const share = (test: (value: number) => boolean) => pixels.filter(test).length / pixels.length;
    const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length / 255;
    expect(mean).toBeGreaterThan(0.08);
    expect(mean).toBeLessThan(0.18);
    expect(share((value) => value === 0)).toBeGreaterThan(0.7);
    expect(share((value) => value > 0 && value < 150)).toBeGreaterThan(0.02);
  });

  it('keeps the strokes off the border', () => {
    const pixels = pixelsOf(digits);
    let border = 0;
    let ink = 0;
    pixels.forEach((value, i) => {
      const [row, column] = [Math.floor((i % AREA) / 28), i % 28];
      ink += value;
      if (row === 0 || row === 27 || column === 0 || column === 27) border += value;
    });
    expect(border / ink).toBeLessThan(0.01);
  });

  it('depends on the seed alone, image by image', () => {
    const few = drawDigits({ count: 20, seed: 1 });
    expect(pixelsOf(few)).toEqual(pixelsOf(digits).slice(0, 20 * AREA));
    expect(labelsOf(few)).toEqual(labelsOf(digits).slice(0, 20));
    expect(pixelsOf(drawDigits({ count: 20, seed: 2 }))).not.toEqual(pixelsOf(few));
  });

  it('can be told apart by their pixels, but not by their mean images alone', () => {
    const test = drawDigits({ count: 400, seed: 2 });
    const means = Array.from({ length: 10 }, () => new Float64Array(AREA));
    const counts = new Array(10).fill(0);
    labelsOf(digits).forEach((label, n) => {
      counts[label]++;
      for (let i = 0; i < AREA; i++) means[label][i] += pixelsOf(digits)[n * AREA + i];
    });
    const distance = (mean: Float64Array, count: number, image: Uint8Array) =>
      image.reduce((sum, value, i) => sum + (value - mean[i] / count) ** 2, 0);
    const nearest = (image: Uint8Array) => {
      const distances = means.map((mean, label) => distance(mean, counts[label], image));
      return distances.indexOf(Math.min(...distances));
    };
    let right = 0;
    labelsOf(test).forEach((label, n) => {
      right += Number(nearest(pixelsOf(test).subarray(n * AREA, (n + 1) * AREA)) === label);
    });
    expect(right / 400).toBeGreaterThan(0.5);
    expect(right / 400).toBeLessThan(0.95);
  });

  it('draws other sizes', () => {
    const { images } = drawDigits({ count: 2, seed: 1, size: 64 });
    expect(images.shape).toEqual([2, 64, 64]);
    expect((images.data as Uint8Array).some((value) => value > 150)).toBe(true);
  });

  it('is written and read as idx files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trainyard-digits-'));
    try {
      const path = join(folder, 'train-images-idx3-ubyte.gz');
      const { images } = drawDigits({ count: 3, seed: 1 });
      await writeIdx(path, images);
      expect(await readIdx(path)).toEqual(images);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([0, -3, 1.5])('refuses to draw %s digits', (count) => {
    expect(() => drawDigits({ count, seed: 1 })).toThrow(ConfigError);
  });

  it.each([0, 7, 28.5, Number.NaN])('refuses images of %s pixels', (size) => {
    expect(() => drawDigits({ count: 1, seed: 1, size })).toThrow(ConfigError);
  });
});
