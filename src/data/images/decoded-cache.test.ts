import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { checkImages } from './check-images.ts';
import { DecodedCache } from './decoded-cache.ts';

async function picture(folder: string, name: string, width: number, background: string): Promise<string> {
  const path = join(folder, name);
  await sharp({ create: { width, height: 2, channels: 3, background } })
    .png()
    .toFile(path);
  return path;
}

it('gives decoded pictures by index, from one file that two builders may race for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decoded-cache-'));
  const paths = [await picture(folder, 'a.png', 3, '#ff0000'), await picture(folder, 'b.png', 5, '#0000ff')];
  const options = { folder: join(folder, 'cache') };
  const caches = await Promise.all([DecodedCache.open(paths, options), DecodedCache.open(paths, options)]);
  for (const cache of caches) {
    const { width, height, data } = await cache.get(1);
    expect([cache.length, width, height, ...data.subarray(0, 3)]).toEqual([2, 5, 2, 0, 0, 255]);
    await cache.close();
  }
  expect(readdirSync(options.folder)).toHaveLength(1);
  await picture(folder, 'a.png', 9, '#00ff00');
  const changed = await DecodedCache.open(paths, options);
  expect((await changed.get(0)).width).toBe(9);
  await changed.close();
});

it('says which file is torn, wherever it was cut or overwritten', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decoded-cache-'));
  const paths = [await picture(folder, 'a.png', 3, '#ff0000')];
  const options = { folder: join(folder, 'cache') };
  const cache = await DecodedCache.open(paths, options);
  const { path } = cache;
  await cache.close();
  const bytes = readFileSync(path);
  const noise = Buffer.from(bytes);
  noise.fill(1, noise.length - 12, noise.length - 8);
  for (const damaged of [Buffer.alloc(0), bytes.subarray(0, 4), bytes.subarray(0, 18), noise]) {
    writeFileSync(path, damaged);
    await expect(DecodedCache.open(paths, options)).rejects.toThrow('the file must be whole');
  }
});

it('leaves no file behind when a picture is broken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decoded-cache-'));
  writeFileSync(join(folder, 'x.png'), 'text');
  await expect(DecodedCache.open([join(folder, 'x.png')], { folder: join(folder, 'c') })).rejects.toThrow(
    /x\.png/,
  );
  expect(readdirSync(join(folder, 'c'))).toEqual([]);
});

it('lists missing and broken pictures, and skips them when told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'check-images-'));
  writeFileSync(join(folder, 'x.png'), 'text');
  const good = await picture(folder, 'a.png', 1, '#ff0000');
  const items = [join(folder, 'x.png'), good, join(folder, 'gone.png')].map((path) => ({ path }));
  await expect(checkImages(items)).rejects.toThrow(/2 of 3/);
  const { items: kept, broken } = await checkImages(items, { onBroken: 'skip' });
  expect(kept).toEqual([{ path: good }]);
  expect(broken.map(({ path }) => path)).toEqual([items[0].path, items[2].path]);
});
