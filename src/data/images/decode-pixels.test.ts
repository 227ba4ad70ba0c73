import sharp from 'sharp';
import { expect, it } from 'vitest';
import { DataError } from '#core';
import { decodePixels } from './decode-pixels.ts';

const red = { width: 4, height: 2, channels: 3, background: '#ff0000' } as const;

it('decodes PNG, WebP and GIF to the same RGB pixels', async () => {
  for (const bytes of [
    await sharp({ create: red }).png().toBuffer(),
    await sharp({ create: red }).webp({ lossless: true }).toBuffer(),
    await sharp({ create: red }).gif().toBuffer(),
  ]) {
    const { width, height, data } = await decodePixels(bytes);
    expect([width, height, ...data.subarray(0, 3), data.length]).toEqual([4, 2, 255, 0, 0, 24]);
  }
});

it('puts transparent places on white', async () => {
  const clear = { width: 1, height: 1, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } } as const;
  const { data } = await decodePixels(await sharp({ create: clear }).png().toBuffer());
  expect([...data]).toEqual([255, 255, 255]);
});

it('turns pictures upright by their EXIF data', async () => {
  const bytes = await sharp({ create: red }).jpeg().withMetadata({ orientation: 6 }).toBuffer();
  expect(await decodePixels(bytes)).toMatchObject({ width: 2, height: 4 });
});

it('brings CMYK, 16 bits and grey to three channels of 8 bits', async () => {
  const cmyk = await sharp({ create: red }).toColourspace('cmyk').jpeg().toBuffer();
  const deep = await sharp({ create: red }).toColourspace('rgb16').png().toBuffer();
  const grey = await sharp({ create: red }).toColourspace('b-w').png().toBuffer();
  for (const bytes of [cmyk, deep, grey]) expect((await decodePixels(bytes)).data).toHaveLength(24);
  expect([...(await decodePixels(deep)).data.subarray(0, 3)]).toEqual([255, 0, 0]);
});

it('refuses text, SVG and truncated files with a sentence', async () => {
  const jpeg = await sharp({ create: { ...red, width: 200, height: 200 } })
    .jpeg()
    .toBuffer();
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>';
  for (const bytes of [Buffer.from('not a picture'), Buffer.from(svg), jpeg.subarray(0, jpeg.length / 2)])
    await expect(decodePixels(bytes)).rejects.toThrow(DataError);
});

it('keeps to maxSide and maxPixels', async () => {
  const bytes = await sharp({ create: { ...red, width: 400, height: 100 } })
    .png()
    .toBuffer();
  expect(await decodePixels(bytes, { maxSide: 40 })).toMatchObject({ width: 40, height: 10 });
  await expect(decodePixels(bytes, { maxPixels: 39_999 })).rejects.toThrow(/at most 39999 pixels/);
});
