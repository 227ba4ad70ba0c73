import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from '#core';
import { DataLoader } from './data-loader.ts';
import { decodeImage } from './decode-image.ts';
import { ImageFolderDataset } from './image-folder.ts';
import { randomSplit } from './subset.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trainyard-images-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An image of raw pixels, row by row. */
function raw(width: number, height: number, channels: 1 | 3 | 4, pixels: readonly number[]): Sharp {
  return sharp(Uint8Array.from(pixels), { raw: { width, height, channels } });
}

async function save(name: string, image: Sharp): Promise<string> {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  await image.toFile(path);
  return path;
}

const red = [255, 0, 0];
const blue = [0, 0, 255];
const wide = () => raw(2, 1, 3, [...red, ...blue]);

describe('decodeImage', () => {
  it('gives the channels one after another', async () => {
    const path = await save('a.png', raw(2, 2, 3, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    expect(await decodeImage(path)).toEqual({
      dtype: 'uint8',
      shape: [3, 2, 2],
      data: Uint8Array.of(1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12),
    });
  });

  it('repeats grey in three channels, and leaves transparency out', async () => {
    const grey = await save('grey.png', raw(2, 1, 1, [7, 9]).toColourspace('b-w'));
    expect((await decodeImage(grey)).data).toEqual(Uint8Array.of(7, 9, 7, 9, 7, 9));
    const clear = await save('clear.png', raw(1, 1, 4, [10, 20, 30, 0]));
    expect((await decodeImage(clear)).data).toEqual(Uint8Array.of(10, 20, 30));
  });

  it('gives one channel of grey when asked', async () => {
    const path = await save('grey.png', raw(2, 1, 3, [0, 0, 0, 90, 90, 90]));
    expect(await decodeImage(path, { channels: 1 })).toEqual({
      dtype: 'uint8',
      shape: [1, 1, 2],
      data: Uint8Array.of(0, 90),
    });
  });

  it('brings 16-bit images to 8 bits', async () => {
    const pixels = Uint16Array.of(0, 0x8080, 0xffff);
    const image = sharp(pixels, { raw: { width: 1, height: 1, channels: 3 } }).toColourspace('rgb16');
    const path = await save('deep.png', image.png());
    expect((await sharp(path).metadata()).depth).toBe('ushort');
    expect((await decodeImage(path)).data).toEqual(Uint8Array.of(0, 0x80, 0xff));
  });

  it.each([
    [1, [1, 2], 'RB'],
    [3, [1, 2], 'BR'],
    [6, [2, 1], 'RB'],
    [8, [2, 1], 'BR'],
  ])('turns an image of EXIF orientation %i upright', async (orientation, size, order) => {
    const path = await save('turned.png', wide().withMetadata({ orientation }));
    const { shape, data } = await decodeImage(path);
    expect(shape).toEqual([3, ...size]);
    expect(data[0] === 255 ? 'RB' : 'BR').toBe(order);
  });

  it('resizes to height and width', async () => {
    const path = await save('a.jpg', raw(4, 2, 3, new Array(24).fill(77)));
    const { shape, data } = await decodeImage(path, { size: [5, 3] });
    expect(shape).toEqual([3, 5, 3]);
    expect(data.every((value) => Math.abs(value - 77) <= 1)).toBe(true);
  });

  it.each(['png', 'jpg', 'webp', 'gif'])('reads %s', async (extension) => {
    const path = await save(`a.${extension}`, raw(8, 8, 3, new Array(64).fill([200, 100, 40]).flat()));
    const { shape, data } = await decodeImage(path);
    expect(shape).toEqual([3, 8, 8]);
    for (const [channel, value] of [200, 100, 40].entries()) {
      expect(Math.abs(data[channel * 64] - value)).toBeLessThanOrEqual(6);
    }
  });

  it('names a file that is missing, cut or no image', async () => {
    const noise = Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i) % 251);
    const whole = await raw(64, 64, 3, noise).jpeg().toBuffer();
    const files = { 'cut.jpg': whole.subarray(0, whole.length / 2), 'text.png': 'no image', 'empty.gif': '' };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    for (const name of [...Object.keys(files), 'missing.webp']) {
      const path = join(folder, name);
      const error = await decodeImage(path).catch((reason: unknown) => reason as DataError);
      expect(error).toBeInstanceOf(DataError);
      expect((error as DataError).message).toContain(`"${path}" is not`);
      expect((error as DataError).details['file']).toBe(path);
    }
  });
});

describe('ImageFolderDataset', () => {
  const names = ({ files }: ImageFolderDataset) =>
    files.map(([path, label]) => `${path.slice(folder.length + 1)} ${label}`);

  it('sorts classes and files, and passes over what is no image', async () => {
    await save('wren/b.PNG', wide());
    await save('wren/a.webp', wide());
    await save('owl/deep/c.png', wide());
    await save('Zebra/z.gif', wide());
    writeFileSync(join(folder, 'wren', 'notes.txt'), 'x');
    writeFileSync(join(folder, 'README.md'), 'x');
    mkdirSync(join(folder, '.cache'));
    const dataset = await ImageFolderDataset.open(folder);
    expect(dataset.classes).toEqual(['Zebra', 'owl', 'wren']);
    expect(names(dataset)).toEqual(['Zebra/z.gif 0', 'owl/deep/c.png 1', 'wren/a.webp 2', 'wren/b.PNG 2']);
    expect(dataset.length).toBe(4);
  });

  it('follows a link to a class folder', async () => {
    await save('elsewhere/a.png', wide());
    mkdirSync(join(folder, 'birds'));
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'birds', 'wren'));
    const dataset = await ImageFolderDataset.open(join(folder, 'birds'));
    expect([dataset.classes, dataset.length]).toEqual([['wren'], 1]);
  });

  it('gives image and class', async () => {
    await save('a/1.png', raw(1, 1, 3, red));
    await save('b/1.png', raw(1, 1, 3, blue));
    const dataset = await ImageFolderDataset.open(folder);
    expect(await dataset.get(1)).toEqual([
      { dtype: 'uint8', shape: [3, 1, 1], data: Uint8Array.from(blue) },
      { dtype: 'int64', shape: [], data: BigInt64Array.of(1n) },
    ]);
    await expect(dataset.get(2)).rejects.toThrow(/in \[0, 2\)/);
  });

  it('says what a folder lacks', async () => {
    await expect(ImageFolderDataset.open(folder)).rejects.toThrow(/one folder of images per class/);
    await save('a/1.png', wide());
    mkdirSync(join(folder, 'b'));
    await expect(ImageFolderDataset.open(folder)).rejects.toThrow(/has no image in b/);
    await expect(ImageFolderDataset.open(join(folder, 'none'))).rejects.toThrow(/none" is not: ENOENT/);
  });

  it('gives the same batches from workers, of a part of the images too', async () => {
    for (let i = 0; i < 7; i++) await save(`${i % 2}/${i}.png`, raw(3, 2, 3, new Array(18).fill(30 * i)));
    const dataset = await ImageFolderDataset.open(folder, { size: [4, 4], channels: 1 });
    const [part] = randomSplit(dataset, [5, 2], 3);
    for (const source of [dataset, part]) {
      const read = async (workers: number) => {
        const loader = new DataLoader(source, { batchSize: 2, shuffle: true, seed: 2, workers });
        const batches = [];
        for await (const batch of loader.epoch(1)) batches.push(batch);
        return batches;
      };
      const alone = await read(0);
      expect(alone[0][0].shape).toEqual([2, 1, 4, 4]);
      expect(await read(2)).toEqual(alone);
    }
  });

  it.each([0, 1])('names the broken image with %i workers', async (workers) => {
    await save('a/1.png', wide());
    writeFileSync(join(folder, 'a', '2.png'), 'broken');
    const batches = new DataLoader(await ImageFolderDataset.open(folder), { workers }).epoch(0);
    await batches.next();
    const error = await batches.next().catch((reason: unknown) => reason as DataError);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toContain(join(folder, 'a', '2.png'));
    expect((error as DataError).details).toMatchObject({ index: 1, file: join(folder, 'a', '2.png') });
  });

  it('asks for one size where images of a batch differ', async () => {
    await save('a/1.png', raw(1, 1, 3, red));
    await save('a/2.png', wide());
    const dataset = await ImageFolderDataset.open(folder);
    const loader = new DataLoader(dataset, { batchSize: 2 });
    await expect(loader.epoch(0).next()).rejects.toThrow(/uint8 \[3, 1, 1\].*uint8 \[3, 1, 2\].*Resize/);
  });
});
