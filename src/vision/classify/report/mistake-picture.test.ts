import { expect, test } from 'vitest';
import { ConfigError } from '#core';
import { decodePixels } from '#data';
import { mistakePicture } from './mistake-picture.ts';

/** What a reader of the PNG sees. */
const decode = async (uri: string) => {
  const [head, body] = uri.split(',');
  expect(head).toBe('data:image/png;base64');
  return decodePixels(Buffer.from(body, 'base64'));
};

test('a picture is scaled down by the mean of each area', async () => {
  // 4 × 2 → 2 × 1: each pixel the mean of four.
  const red = [0, 40, 200, 200, 80, 120, 100, 101];
  const data = Uint8Array.from(red.flatMap((value) => [value, 10, 255]));
  const { width, height, data: small } = await decode(mistakePicture({ width: 4, height: 2, data }, 2));
  expect([width, height]).toEqual([2, 1]);
  // (0 + 40 + 80 + 120) / 4 and (200 + 200 + 100 + 101) / 4 = 150.25.
  expect([...small]).toEqual([60, 10, 255, 150, 10, 255]);
});

test('pixels at the ends of an area count by the part it covers', async () => {
  // 3 → 2: (a + b/2) / 1.5 and (b/2 + c) / 1.5.
  const data = Uint8Array.from([30, 0, 0, 60, 0, 0, 90, 0, 0]);
  const { data: small } = await decode(mistakePicture({ width: 3, height: 1, data }, 2));
  expect([small[0], small[3]]).toEqual([40, 80]);
});

test('the longer side becomes 96 unless the picture is smaller', async () => {
  const wide = await decode(mistakePicture({ width: 250, height: 128, data: new Uint8Array(96_000) }));
  expect([wide.width, wide.height]).toEqual([96, 49]);
  const small = await decode(mistakePicture({ width: 28, height: 28, data: new Uint8Array(2352).fill(9) }));
  expect([small.width, small.height, small.data[100]]).toEqual([28, 28, 9]);
});

test('a side below 1 is refused', () => {
  expect(() => mistakePicture({ width: 1, height: 1, data: new Uint8Array(3) }, 0)).toThrow(ConfigError);
});
