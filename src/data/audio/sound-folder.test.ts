import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, DataError, distFile } from '#core';
import { DataLoader } from '../samples/data-loader.ts';
import { convertSounds } from './convert-sounds.ts';
import { SoundFolderDataset } from './sound-folder.ts';
import { specAugmentBatches } from './spec-augment.ts';
import { writeWav } from './write-wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-sounds-'));
afterAll(() => rmSync(folder, { recursive: true }));
const options = { sampleRate: 8000, windowSeconds: 0.5, nFft: 512, hopLength: 200, nMels: 24 };
const sine = (hz: number, seconds: number) =>
  Float32Array.from({ length: 8000 * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / 8000));

beforeAll(async () => {
  mkdirSync(join(folder, 'in/low'), { recursive: true });
  mkdirSync(join(folder, 'in/high/sub'), { recursive: true });
  await writeWav(join(folder, 'in/low/a.wav'), { sampleRate: 8000, channels: [sine(400, 1)] });
  await writeWav(join(folder, 'in/low/b.wav'), { sampleRate: 8000, channels: [sine(500, 0.5)] });
  await writeWav(join(folder, 'in/high/sub/c.wav'), { sampleRate: 8000, channels: [sine(2500, 1.5)] });
});

describe('SoundFolderDataset', () => {
  it('has a sample for each window, with its class and recording', async () => {
    const sounds = await SoundFolderDataset.open(join(folder, 'in'), options);
    expect(sounds.classes).toEqual(['high', 'low']);
    expect(sounds.recordings).toEqual(['high/sub/c', 'low/a', 'low/b']);
    expect([...sounds.labels]).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...sounds.groups]).toEqual([0, 0, 0, 1, 1, 2]);
    const [picture, label] = sounds.get(5);
    expect(picture).toMatchObject({ dtype: 'uint8', shape: [3, 24, 21] });
    expect(label).toEqual({ dtype: 'int64', shape: [], data: BigInt64Array.of(1n) });
  });

  it('gives the pixels that are written as pictures', async () => {
    const written = await convertSounds([join(folder, 'in')], join(folder, 'out'), options);
    expect(written).toMatchObject({ sounds: 3, spectrograms: 6, classes: ['high', 'low'] });
    const sounds = await SoundFolderDataset.open(join(folder, 'in'), { ...options, channels: 1 });
    const pixels = await sharp(join(folder, 'out/high/sub/c_1.png')).toColourspace('b-w').raw().toBuffer();
    expect([...sounds.get(1)[0].data]).toEqual([...pixels]);
  });

  it.skipIf(!existsSync(distFile('data', 'audio', 'sound-folder.js')))(
    'is read by workers as by this thread (needs a build)',
    async () => {
      const sounds = await SoundFolderDataset.open(join(folder, 'in'), options);
      const read = async (workers: number) => {
        const batches = [];
        for await (const [pictures, labels] of new DataLoader(sounds, { batchSize: 4, workers })) {
          batches.push([...pictures.data], [...labels.data]);
        }
        return batches;
      };
      expect(await read(1)).toEqual(await read(0));
    },
  );

  it('lists broken sounds, or stops at them', async () => {
    mkdirSync(join(folder, 'mixed/low'), { recursive: true });
    writeFileSync(join(folder, 'mixed/low/notes.wav'), 'no sound');
    await writeWav(join(folder, 'mixed/low/a.wav'), { sampleRate: 8000, channels: [sine(400, 1)] });
    await expect(SoundFolderDataset.open(join(folder, 'mixed'), options)).rejects.toThrow(/notes.wav/);
    const sounds = await SoundFolderDataset.open(join(folder, 'mixed'), { ...options, onBroken: 'skip' });
    expect(sounds.length).toBe(2);
    expect(sounds.broken.map(({ path }) => path)).toEqual([join(folder, 'mixed/low/notes.wav')]);
  });

  it('refuses sounds outside a class folder and indices outside the set', async () => {
    await expect(SoundFolderDataset.open(join(folder, 'in/low'), options)).rejects.toThrow(DataError);
    const sounds = await SoundFolderDataset.open(join(folder, 'in'), options);
    expect(() => sounds.get(6)).toThrow(DataError);
  });
});

describe('specAugmentBatches', () => {
  const load = async (batchSize: number, epoch: number) => {
    const sounds = await SoundFolderDataset.open(join(folder, 'in'), { ...options, channels: 1 });
    const transform = specAugmentBatches({ frequencyWidth: 6, timeWidth: 5, fill: 7 });
    const pixels: number[] = [];
    const loader = new DataLoader(sounds, { batchSize, transform, seed: 3 });
    for await (const [pictures] of loader.epoch(epoch))
      for (const value of pictures.data) pixels.push(Number(value));
    return pixels;
  };

  it('depends on seed, epoch and index, not on the size of batches', async () => {
    const whole = await load(6, 0);
    expect(await load(2, 0)).toEqual(whole);
    expect(await load(6, 1)).not.toEqual(whole);
    const size = 24 * 21;
    const masks = [0, 1].map((n) => whole.slice(n * size, (n + 1) * size).map((value) => value === 7));
    expect(masks[0]).not.toEqual(masks[1]);
  });

  it('masks every channel alike and leaves the batch that it was given alone', () => {
    const picture = { dtype: 'float32', shape: [1, 2, 8, 8], data: new Float32Array(128).fill(1) } as const;
    const context = { seed: 1, epoch: 0, indices: Uint32Array.of(4) };
    const [{ data }] = specAugmentBatches({ frequencyMasks: 3, fill: 0 })([picture], context);
    expect([...data.subarray(0, 64)]).toEqual([...data.subarray(64)]);
    expect([...data]).toContain(0);
    expect(picture.data.every((value) => value === 1)).toBe(true);
  });

  it('refuses batches that are no pictures', () => {
    const context = { seed: 1, epoch: 0, indices: Uint32Array.of(0) };
    const flat = { dtype: 'float32', shape: [1, 4], data: new Float32Array(4) } as const;
    expect(() => specAugmentBatches()([flat], context)).toThrow(ConfigError);
    expect(() => specAugmentBatches({ timeShare: 2 })).toThrow(ConfigError);
  });
});
