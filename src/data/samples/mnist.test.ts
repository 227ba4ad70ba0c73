import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError, type HostTensor } from '#core';
import { drawDigits } from '../generators/digits.ts';
import { checkLabels } from './check-labels.ts';
import { writeIdx } from './idx.ts';
import { loadMnist } from './mnist.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mnist-'));
});
afterEach(() => rm(folder, { recursive: true }));

const train = drawDigits({ count: 12, seed: 1 });
const test = drawDigits({ count: 5, seed: 2 });

async function writeFiles(files: Readonly<Record<string, HostTensor>>): Promise<void> {
  for (const [name, tensor] of Object.entries(files)) await writeIdx(join(folder, name), tensor);
}

describe('loadMnist', () => {
  it('reads the four files under any of their names', async () => {
    await writeFiles({
      'train-images-idx3-ubyte': train.images,
      'train-labels-idx1-ubyte.gz': train.labels,
      't10k-images.idx3-ubyte': test.images,
      't10k-labels.idx1-ubyte.gz': test.labels,
    });
    expect(await loadMnist(folder)).toEqual({ train, test });
  });

  it('names all missing files and the folder', async () => {
    await writeFiles({ 'train-images-idx3-ubyte': train.images, 't10k-labels-idx1-ubyte': test.labels });
    const error = await loadMnist(folder).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toContain(folder);
    expect((error as Error).message).toContain('train-labels-idx1-ubyte, t10k-images-idx3-ubyte');
    await expect(loadMnist(join(folder, 'none'))).rejects.toThrow('none');
  });

  it('refuses images and labels that do not belong together', async () => {
    await writeFiles({
      'train-images-idx3-ubyte': train.images,
      'train-labels-idx1-ubyte': test.labels,
      't10k-images-idx3-ubyte': test.images,
      't10k-labels-idx1-ubyte': test.labels,
    });
    await expect(loadMnist(folder)).rejects.toThrow('[12, 28, 28]');
    await writeFiles({ 'train-labels-idx1-ubyte': train.images });
    await expect(loadMnist(folder)).rejects.toThrow('as many labels');
  });

  it('says which file is damaged', async () => {
    await mkdir(join(folder, 'train-images-idx3-ubyte'));
    await writeFiles({
      'train-labels-idx1-ubyte': train.labels,
      't10k-images-idx3-ubyte': test.images,
      't10k-labels-idx1-ubyte': test.labels,
    });
    await expect(loadMnist(folder)).rejects.toThrow(join(folder, 'train-images-idx3-ubyte'));
  });
});

const real = resolve(process.env['TRAINYARD_DATA'] ?? '../shared/data', 'mnist');

describe.skipIf(!existsSync(real))('the MNIST files (needs TRAINYARD_DATA)', () => {
  it('have 60,000 and 10,000 images whose classes and pixels are as published', async () => {
    const mnist = await loadMnist(real);
    expect(mnist.train.images.shape).toEqual([60_000, 28, 28]);
    expect(mnist.test.images.shape).toEqual([10_000, 28, 28]);
    checkLabels(mnist.train.labels, 10);
    checkLabels(mnist.test.labels, 10);
    const counts = Array<number>(10).fill(0);
    for (const label of mnist.train.labels.data as Uint8Array) counts[label]++;
    expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    // 0.1307, the mean of the lecture's normalisation.
    let sum = 0;
    const pixels = mnist.train.images.data as Uint8Array;
    for (let i = 0; i < pixels.length; i++) sum += pixels[i];
    expect(sum / pixels.length / 255).toBeCloseTo(0.1307, 4);
  });
});
