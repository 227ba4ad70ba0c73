import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { callTrainyard, temporaryFolder } from './run-trainyard.ts';

const folder = temporaryFolder();
const preview = (...args: string[]) => callTrainyard(folder, ['augment', 'preview', ...args]);

beforeAll(async () => {
  for (const [label, background] of [
    ['red', '#ff0000'],
    ['blue', '#0000ff'],
  ]) {
    mkdirSync(join(folder, 'in', label), { recursive: true });
    for (const name of ['1.png', '2.png']) {
      const image = sharp({ create: { width: 40, height: 30, channels: 3, background } });
      await image.toFile(join(folder, 'in', label, name));
    }
  }
});

describe('augment preview', () => {
  it('draws originals beside their variants, and tells what happened to each', async () => {
    const args = ['--preset', 'spectrogram-train', '--rows', '3', '--columns', '2', '--image-size', '32'];
    const done = await preview('in', ...args, '--out', 'grid.png', '--json');
    expect(done).toMatchObject({ code: 0 });
    const facts = JSON.parse(done.stdout);
    expect(facts).toMatchObject({ out: 'grid.png', images: 4, width: 608 });
    expect(facts.rows).toHaveLength(3);
    for (const { variants } of facts.rows) {
      expect(variants).toHaveLength(2);
      for (const { applied, mix } of variants) {
        expect(applied.slice(0, 2)).toEqual(['MixUp', 'SmallestMaxSize']);
        expect(mix.lambda).toBeGreaterThanOrEqual(0);
      }
    }
    const { data, info } = await sharp(join(folder, 'grid.png')).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: facts.width, height: facts.height, channels: 3 });
    // The upper left pixel is the margin's, the first original begins after it.
    expect([...data.subarray(0, 3)]).toEqual([245, 245, 245]);
    const pixel = (9 * info.width + 9) * 3;
    expect([
      [255, 0, 0],
      [0, 0, 255],
    ]).toContainEqual([...data.subarray(pixel, pixel + 3)]);
  });

  it('draws the same grid for the same seed', async () => {
    await preview('in', '--seed', '3', '--out', 'a.png');
    await preview('in', '--seed', '3', '--out', 'b.png');
    await preview('in', '--seed', '4', '--out', 'c.png');
    const [a, b, c] = ['a.png', 'b.png', 'c.png'].map((name) => readFileSync(join(folder, name)));
    expect(a.equals(b)).toBe(true);
    expect(a.equals(c)).toBe(false);
  });

  it('takes a pipeline from a file', async () => {
    const pipeline = { seed: 1, transforms: [{ transform: 'VerticalFlip', p: 1 }] };
    writeFileSync(join(folder, 'flip.json'), JSON.stringify(pipeline));
    const done = await preview('in/red/1.png', '--config', 'flip.json', '--out', 'one.png', '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({
      pipeline,
      rows: [{ variants: [{ applied: ['VerticalFlip'] }, {}, {}, {}, {}] }],
    });
  });

  it.each([
    [
      ['nothing', '--out', 'x.png'],
      1,
      /must be an image or a folder of images, but "nothing" cannot be read/,
    ],
    [['empty', '--out', 'x.png'], 1, /must hold PNG, JPEG, WebP or GIF images, but "empty" has none/],
    [['in', '--preset', 'photo', '--out', 'x.png'], 2, /Allowed choices are spectrogram-train/],
    [['in', '--config', 'typo.json', '--out', 'x.png'], 2, /Did you mean HorizontalFlip\?/],
    [['in', '--config', 'broken.json', '--out', 'x.png'], 2, /--config must be JSON/],
    [['in', '--out', 'nowhere/x.png'], 1, /nowhere/],
  ])('%j ends with a sentence', async (args, code, message) => {
    mkdirSync(join(folder, 'empty'), { recursive: true });
    writeFileSync(join(folder, 'typo.json'), '{"transforms":[{"transform":"HorizontalFlipp"}]}');
    writeFileSync(join(folder, 'broken.json'), '{');
    const done = await preview(...args);
    expect(done.code).toBe(code);
    expect(done.stderr).toMatch(message);
  });
});
