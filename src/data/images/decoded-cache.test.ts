import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { ConfigError, DataError, RuntimeFailure } from '#core';
import { checkImages } from './check-images.ts';
import { DecodedCache } from './decoded-cache.ts';

async function picture(folder: string, name: string, width: number, background: string): Promise<string> {
  const path = join(folder, name);
  await sharp({ create: { width, height: 2, channels: 3, background } })
    .png()
    .toFile(path);
  return path;
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'decoded-cache-'));
const cacheFiles = (folder: string) => readdirSync(folder).filter((name) => name !== 'contents.json');

it('gives decoded pictures by index, from one file that two builders may race for', async () => {
  const folder = newFolder();
  const paths = [await picture(folder, 'a.png', 3, '#ff0000'), await picture(folder, 'b.png', 5, '#0000ff')];
  const options = { folder: join(folder, 'cache') };
  const caches = await Promise.all([DecodedCache.open(paths, options), DecodedCache.open(paths, options)]);
  for (const cache of caches) {
    const { width, height, data } = await cache.get(1);
    expect([cache.length, width, height, ...data.subarray(0, 3)]).toEqual([2, 5, 2, 0, 0, 255]);
    await cache.close();
  }
  expect(cacheFiles(options.folder)).toHaveLength(1);
  await picture(folder, 'a.png', 9, '#00ff00');
  const changed = await DecodedCache.open(paths, options);
  expect((await changed.get(0)).width).toBe(9);
  await changed.close();
});

it('goes by content: a touched, moved or copied picture decodes nothing, a changed one alone is decoded', async () => {
  const folder = newFolder();
  const paths = [await picture(folder, 'a.png', 3, '#ff0000'), await picture(folder, 'b.png', 5, '#0000ff')];
  const options = { folder: join(folder, 'cache') };
  const first = await DecodedCache.open(paths, options);
  await first.close();
  let builds = 0;
  const open = async (list: readonly string[]) => {
    const cache = await DecodedCache.open(list, { ...options, onProgress: () => builds++ });
    await cache.close();
    return cache.path;
  };
  utimesSync(paths[0], 1e9, 1e9);
  mkdirSync(join(folder, 'moved'));
  renameSync(paths[1], join(folder, 'moved', 'c.jpg'));
  expect(await open([paths[0], join(folder, 'moved', 'c.jpg')])).toBe(first.path);
  expect(builds).toBe(0);

  // Marks in the file show which pictures are copied from it.
  const marked = readFileSync(first.path);
  marked[18] = 7;
  writeFileSync(first.path, marked);
  await picture(folder, 'a.png', 4, '#00ff00');
  copyFileSync(join(folder, 'moved', 'c.jpg'), paths[1]);
  const path = await open([...paths, paths[1]]);
  const cache = await DecodedCache.open([...paths, paths[1]], options);
  expect([...(await cache.get(0)).data.subarray(0, 3)]).toEqual([0, 255, 0]);
  expect([...(await cache.get(1)).data.subarray(0, 3)]).toEqual([7, 0, 255]);
  expect(await cache.get(2)).toEqual(await cache.get(1));
  await cache.close();
  // Equal pictures are there once: 4 · 2 and 5 · 2 pixels.
  expect(statSync(path).size).toBeLessThan(18 * 3 + 8 + 3 * 100);
});

it('remembers hashes, and sees a change behind an equal size and time of change', async () => {
  const folder = newFolder();
  const path = join(folder, 'a.png');
  // Both 200 bytes: what follows the end of a PNG is passed over.
  const [red, blue] = await Promise.all(
    ['#ff0000', '#0000ff'].map(async (background) => {
      const flat = sharp({ create: { width: 3, height: 2, channels: 3, background } });
      return Buffer.concat([await flat.png().toBuffer(), Buffer.alloc(200)]).subarray(0, 200);
    }),
  );
  const options = { folder: join(folder, 'cache') };
  const firstPixel = async () => {
    const cache = await DecodedCache.open([path], options);
    await cache.close();
    return [...readFileSync(cache.path).subarray(0, 3)];
  };
  writeFileSync(path, red);
  utimesSync(path, 1e9, 1e9);
  expect(await firstPixel()).toEqual([255, 0, 0]);
  const known = statSync(join(options.folder, 'contents.json'));
  expect(await firstPixel()).toEqual([255, 0, 0]);
  expect(statSync(join(options.folder, 'contents.json')).ino).toBe(known.ino);
  writeFileSync(path, blue);
  utimesSync(path, 1e9, 1e9);
  expect(await firstPixel()).toEqual([0, 0, 255]);
  for (const noise of ['', 'null', '{"a":5}', '{']) {
    writeFileSync(join(options.folder, 'contents.json'), noise);
    expect(await firstPixel()).toEqual([0, 0, 255]);
  }
});

it('shrinks to the longest or the shorter side, tells sizes and reads into given memory', async () => {
  const folder = newFolder();
  const path = join(folder, 'wide.png');
  await sharp({ create: { width: 300, height: 100, channels: 3, background: '#ff0000' } })
    .png()
    .toFile(path);
  const small = await picture(folder, 'small.png', 5, '#0000ff');
  const cache = await DecodedCache.open([path, small], { folder: join(folder, 'cache'), smallestSide: 50 });
  expect([cache.size(0), cache.size(1)]).toEqual([
    { width: 150, height: 50 },
    { width: 5, height: 2 },
  ]);
  const memory = new Uint8Array(150 * 50 * 3);
  for (const { data } of [await cache.get(1, memory), cache.getSync(1, memory)]) {
    expect([data.buffer === memory.buffer, data.length]).toEqual([true, 30]);
    expect([...data.subarray(27)]).toEqual([0, 0, 255]);
  }
  expect((await cache.get(0, memory)).data).toEqual(memory);
  for (const { data } of [await cache.get(0, new Uint8Array(8)), cache.getSync(0)])
    expect([data.length, data[0]]).toEqual([150 * 50 * 3, 255]);
  for (const index of [-1, 2, 0.5]) {
    expect(() => cache.size(index)).toThrow(DataError);
    await expect(cache.get(index)).rejects.toThrow('from 0 to 1');
  }
  const longest = await DecodedCache.open([path, small], { folder: join(folder, 'cache'), maxSide: 50 });
  expect(longest.size(0)).toEqual({ width: 50, height: 17 });
  await expect(DecodedCache.open([path], { folder, maxSide: 5, smallestSide: 5 })).rejects.toThrow(
    ConfigError,
  );
  await cache.close();
  await longest.close();
});

it('says which file is torn, wherever it was cut or overwritten', async () => {
  const folder = newFolder();
  const paths = [await picture(folder, 'a.png', 3, '#ff0000')];
  const options = { folder: join(folder, 'cache') };
  const cache = await DecodedCache.open(paths, options);
  const { path } = cache;
  await cache.close();
  const bytes = readFileSync(path);
  const noise = Buffer.from(bytes);
  noise.fill(1, noise.length - 12, noise.length - 8);
  for (const damaged of [
    Buffer.alloc(0),
    bytes.subarray(0, 4),
    bytes.subarray(0, 18),
    noise,
    bytes.subarray(3),
  ]) {
    writeFileSync(path, damaged);
    await expect(DecodedCache.open(paths, options)).rejects.toThrow('the file must be whole');
    // Other sets of pictures do without it.
    const other = await DecodedCache.open([paths[0], paths[0]], options);
    expect([...(await other.get(1)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
    await other.close();
    rmSync(other.path);
  }
});

it('leaves no file behind when a picture is broken, and names one that is missing', async () => {
  const folder = newFolder();
  const options = { folder: join(folder, 'c') };
  writeFileSync(join(folder, 'x.png'), 'text');
  await expect(DecodedCache.open([join(folder, 'x.png')], options)).rejects.toThrow(/x\.png/);
  await expect(DecodedCache.open([join(folder, 'gone.png')], options)).rejects.toThrow(/gone\.png/);
  expect(readdirSync(options.folder)).toEqual(['contents.json']);
  // A file is no folder for the cache.
  await expect(DecodedCache.open([], { folder: join(folder, 'x.png') })).rejects.toThrow(RuntimeFailure);
});

it('removes what builders that ended left, but not the files of living or unknown ones', async () => {
  const folder = newFolder();
  const cache = join(folder, 'cache');
  mkdirSync(cache);
  const path = await picture(folder, 'a.png', 3, '#ff0000');
  const stay = [
    `whole-1.pixels~${process.pid}~~${hostname()}~u.partial`,
    'whole-1.pixels~1~1~another-host~young.partial',
    'download.partial',
    'theirs~4194304~1~x~y.partial',
  ];
  const go = [
    `whole-1.pixels~4194304~1~${hostname()}~u.partial`,
    `contents.json~${process.pid}~1~${hostname()}~u.partial`,
    'whole-1.pixels~1~1~another-host~old.partial',
    'whole-1.pixels~1~%~%~old.partial',
  ];
  const longAgo = 1e9;
  for (const name of [...stay, ...go]) {
    writeFileSync(join(cache, name), '');
    if (!name.includes('young')) utimesSync(join(cache, name), longAgo, longAgo);
  }
  await (await DecodedCache.open([path], { folder: cache })).close();
  expect(readdirSync(cache).filter((name) => name.endsWith('.partial'))).toEqual(stay.sort());
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
