import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32, createDeflate, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { ConfigError, DataError, packageRoot } from '#core';
import { decodePixels } from './decode-pixels.ts';

const red = { width: 4, height: 2, channels: 3, background: '#ff0000' } as const;

/** A chunk of a PNG file: its length, its name and data, and their checksum. */
function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** What comes before the pixels. @param kind 0 grey, 2 RGB, 4 grey with alpha */
function pngStart(width: number, height: number, bits: number, kind: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([bits, kind], 8);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header)]);
}

/** One row of pixels. */
function png(width: number, bits: number, kind: number, bytes: readonly number[]): Buffer {
  const pixels = deflateSync(Uint8Array.from([0, ...bytes]));
  return Buffer.concat([
    pngStart(width, 1, bits, kind),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Bytes of an encoded picture whose upper half is red and lower half blue. */
function halves(format: 'png' | 'jpeg' | 'webp' | 'gif', orientation?: number): Promise<Buffer> {
  const [width, height] = [32, 64];
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) data[i * 3 + (i < (width * height) / 2 ? 0 : 2)] = 255;
  const image = sharp(data, { raw: { width, height, channels: 3 } }).toFormat(format);
  return (orientation === undefined ? image : image.withMetadata({ orientation })).toBuffer();
}

/** Colour in the middle of each quarter: upper left, upper right, lower left, lower right; r, b or ?. */
async function quarters(bytes: Uint8Array): Promise<string> {
  const { width, height, data } = await decodePixels(bytes);
  const at = (x: number, y: number) => {
    const place = 3 * (Math.floor(y * height) * width + Math.floor(x * width));
    const [r, , b] = data.subarray(place, place + 3);
    return r > 200 && b < 60 ? 'r' : b > 200 && r < 60 ? 'b' : '?';
  };
  return `${width}x${height} ${at(0.25, 0.25)}${at(0.75, 0.25)}${at(0.25, 0.75)}${at(0.75, 0.75)}`;
}

it('decodes PNG, WebP and GIF to the same RGB pixels', async () => {
  for (const bytes of [
    await sharp({ create: red }).png().toBuffer(),
    await sharp({ create: red }).webp({ lossless: true }).toBuffer(),
    await sharp({ create: red }).gif().toBuffer(),
  ]) {
    const { width, height, data } = await decodePixels(bytes);
    expect([width, height, ...data.subarray(0, 3), data.length]).toEqual([4, 2, 255, 0, 0, 24]);
    expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
  }
});

it('puts transparent places on white', async () => {
  const clear = { width: 1, height: 1, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } } as const;
  const { data } = await decodePixels(await sharp({ create: clear }).png().toBuffer());
  expect([...data]).toEqual([255, 255, 255]);
});

it.each(['jpeg', 'png', 'webp'] as const)('turns a %s upright by its EXIF data', async (format) => {
  const upright = ['rrbb', 'rrbb', 'bbrr', 'bbrr', 'rbrb', 'brbr', 'brbr', 'rbrb'];
  for (const [i, colours] of upright.entries()) {
    const size = i < 4 ? '32x64' : '64x32';
    expect(await quarters(await halves(format, i + 1))).toBe(`${size} ${colours}`);
  }
});

it('brings 16 bits and grey to three channels of 8 bits, value by value', async () => {
  const grey = await decodePixels(png(3, 16, 0, [0xff, 0xff, 0x80, 0x00, 0, 0]));
  expect([...grey.data]).toEqual([255, 255, 255, 128, 128, 128, 0, 0, 0]);
  const deep = await decodePixels(png(2, 16, 2, [0xff, 0xff, 0x40, 0, 0, 0, 0, 0, 0x80, 0, 0xff, 0xff]));
  expect([...deep.data]).toEqual([255, 64, 0, 0, 128, 255]);
  const half = await decodePixels(png(2, 16, 4, [0, 0, 0xff, 0xff, 0, 0, 0x80, 0]));
  expect(half.data.subarray(0, 3)).toEqual(Uint8Array.of(0, 0, 0));
  for (const value of half.data.subarray(3)) expect(Math.abs(value - 127)).toBeLessThanOrEqual(1);
  expect([...(await decodePixels(png(2, 8, 0, [7, 200]))).data]).toEqual([7, 7, 7, 200, 200, 200]);
});

it('brings CMYK to the colours that are meant', async () => {
  // Printed colours lie near, not at the ones of a screen.
  for (const background of ['#ffffff', '#000000', '#808080', '#e01010', '#ffe000', '#604020']) {
    const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background } })
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe('cmyk');
    const { data } = await decodePixels(bytes);
    for (let c = 0; c < 3; c++) {
      const meant = Number.parseInt(background.slice(1 + 2 * c, 3 + 2 * c), 16);
      expect(Math.abs(data[c] - meant), `${background} ${data.subarray(0, 3)}`).toBeLessThan(32);
    }
  }
});

it('takes the first frame of an animated GIF or WebP', async () => {
  const frames = await Promise.all(
    ['#ff0000', '#0000ff', '#00ff00'].map((background) =>
      sharp({ create: { ...red, width: 8, height: 6, background } })
        .png()
        .toBuffer(),
    ),
  );
  const moving = () => sharp(frames, { join: { animated: true } });
  for (const bytes of [await moving().gif().toBuffer(), await moving().webp({ lossless: true }).toBuffer()]) {
    expect((await sharp(bytes).metadata()).pages).toBe(3);
    const { width, height, data } = await decodePixels(bytes);
    expect([width, height, ...new Set(data)]).toEqual([8, 6, 255, 0]);
    expect([...data.subarray(0, 3)]).toEqual([255, 0, 0]);
  }
});

it('takes one pixel as a picture', async () => {
  for (const limits of [{}, { maxSide: 1 }, { smallestSide: 300 }])
    expect(await decodePixels(png(1, 8, 2, [1, 2, 3]), limits)).toEqual({
      width: 1,
      height: 1,
      data: Uint8Array.of(1, 2, 3),
    });
});

it('refuses text, SVG and truncated files with a sentence, whatever their name and the size asked for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decode-pixels-'));
  const noise = Buffer.from(Uint8Array.from({ length: 300 * 300 * 3 }, (_, i) => (i * 7919) % 251));
  const whole = sharp(noise, { raw: { width: 300, height: 300, channels: 3 } });
  const jpeg = await whole.jpeg().toBuffer();
  const deep = await whole.png().toBuffer();
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>';
  const damaged = [
    Buffer.from('not a picture'),
    Buffer.from(svg),
    Buffer.alloc(0),
    jpeg.subarray(0, jpeg.length / 2),
    jpeg.subarray(0, jpeg.length * 0.95),
    deep.subarray(0, deep.length / 2),
  ];
  for (const bytes of damaged) {
    const path = join(folder, 'text.png');
    writeFileSync(path, bytes);
    for (const limits of [{}, { maxSide: 20 }, { smallestSide: 20 }]) {
      await expect(decodePixels(bytes, limits)).rejects.toThrow(DataError);
      await expect(decodePixels(path, limits)).rejects.toThrow(/must be an intact PNG.*text\.png/);
    }
  }
  await expect(decodePixels(join(folder, 'gone.png'))).rejects.toThrow(/gone\.png.*ENOENT/);
});

it('keeps to maxSide, smallestSide and maxPixels', async () => {
  const bytes = await sharp({ create: { ...red, width: 400, height: 100 } })
    .png()
    .toBuffer();
  for (const [limits, width, height] of [
    [{ maxSide: 40 }, 40, 10],
    [{ smallestSide: 40 }, 160, 40],
    [{ smallestSide: 100 }, 400, 100],
    [{ smallestSide: 101 }, 400, 100],
    [{ maxSide: 3 }, 3, 1],
    [{ maxSide: 1 }, 1, 1],
  ] as const)
    expect(await decodePixels(bytes, limits)).toMatchObject({ width, height });
  await expect(decodePixels(bytes, { maxPixels: 39_999 })).rejects.toThrow(
    /at most 39999 pixels.*it has 400 × 100/,
  );
  await expect(decodePixels(bytes, { maxSide: 9, smallestSide: 9 })).rejects.toThrow(ConfigError);
  await expect(decodePixels(bytes, { smallestSide: 0 })).rejects.toThrow(ConfigError);
});

it('shrinks turned pictures of every format to exactly rounded sides', async () => {
  for (const format of ['jpeg', 'png', 'webp'] as const)
    for (const orientation of [1, 6]) {
      const bytes = await sharp({ create: { ...red, width: 1000, height: 333 } })
        .toFormat(format)
        .withMetadata({ orientation })
        .toBuffer();
      const sides = orientation === 1 ? { width: 300, height: 100 } : { width: 100, height: 300 };
      expect(await decodePixels(bytes, { smallestSide: 100 })).toMatchObject(sides);
    }
});

it('shrinks by averaging over areas', async () => {
  // A chessboard of single pixels is even grey, and a step stays a step.
  const [width, height] = [256, 256];
  const board = Buffer.alloc(width * height * 3);
  for (let i = 0; i < board.length; i++) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    board[i] = x < 128 ? ((x + y) % 2 ? 200 : 100) : 250;
  }
  const bytes = await sharp(board, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  const small = await decodePixels(bytes, { smallestSide: 32 });
  const row = Array.from({ length: 32 }, (_, x) => small.data[3 * (16 * 32 + x)]);
  for (const value of row.slice(0, 14)) expect(Math.abs(value - 150)).toBeLessThanOrEqual(2);
  for (const value of row.slice(18)) expect(Math.abs(value - 250)).toBeLessThanOrEqual(2);
});

it('shrinks a picture of 20,000 × 20,000 pixels in bounded memory, and refuses one above maxPixels', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'decode-pixels-'));
  const path = join(folder, 'large.png');
  const side = 20_000;
  const parts: Buffer[] = [];
  const rows = Buffer.alloc(100 * (side + 1), 90);
  for (let y = 0; y < 100; y++) rows[y * (side + 1)] = 0;
  const deflate = Readable.from(Array(side / 100).fill(rows)).pipe(createDeflate({ level: 1 }));
  for await (const part of deflate) parts.push(part);
  const file = createWriteStream(path);
  file.write(pngStart(side, side, 8, 0));
  file.write(chunk('IDAT', Buffer.concat(parts)));
  file.end(chunk('IEND', Buffer.alloc(0)));
  await once(file, 'close');
  const script = `
    import { decodePixels } from 'trainyard/data';
    for (const limits of [{ smallestSide: 256 }, { maxSide: 256 }]) {
      const { width, height, data } = await decodePixels(process.argv[1], limits);
      const { maxRSS } = process.resourceUsage();
      console.log(JSON.stringify({ width, height, colours: [...new Set(data)], mebibytes: maxRSS / 1024 }));
    }`;
  const args = ['--input-type=module', '-e', script, path];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: packageRoot, encoding: 'utf8' });
  expect(stderr).toBe('');
  for (const line of stdout.trim().split('\n')) {
    const { mebibytes, ...rest } = JSON.parse(line);
    expect(rest).toEqual({ width: 256, height: 256, colours: [90] });
    // All pixels at once are 1,144 MiB.
    expect(mebibytes).toBeLessThan(500);
  }
  await expect(decodePixels(path, { maxPixels: 399_999_999, maxSide: 256 })).rejects.toThrow(
    /it has 20000 × 20000/,
  );
  rmSync(folder, { recursive: true });
  const header = Buffer.concat([pngStart(60_000, 60_000, 8, 2), chunk('IDAT', deflateSync(rows))]);
  await expect(decodePixels(header)).rejects.toThrow(/at most 500000000 pixels.*60000 × 60000/);
});
