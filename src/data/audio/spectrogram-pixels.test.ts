import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, type HostTensor, RuntimeFailure } from '#core';
import { soundSpectrogram, soundWindows, writeSpectrograms } from './sound-spectrogram.ts';
import { specAugment } from './spec-augment.ts';
import { spectrogramPixels, writeSpectrogram } from './spectrogram-pixels.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-pixels-'));
afterAll(() => rmSync(folder, { recursive: true }));
const matrix = (rows: number[][]): HostTensor<'float32'> => ({
  dtype: 'float32',
  shape: [rows.length, rows[0].length],
  data: Float32Array.from(rows.flat()),
});
const reds = ({ data }: { data: Uint8Array }) => [...data].filter((_, i) => i % 3 === 0);

describe('spectrogramPixels', () => {
  it('draws the lowest row at the bottom, from the smallest value to the largest', () => {
    const pixels = spectrogramPixels(matrix([[-80, -40, 0], [-60, -20, -8]])); // biome-ignore format: rows
    expect([pixels.width, pixels.height]).toEqual([3, 2]);
    expect(reds(pixels)).toEqual([64, 191, 230, 0, 128, 255]);
    expect(pixels.data[0]).toBe(pixels.data[2]);
  });

  it('clips at limits that are given', () => {
    expect(reds(spectrogramPixels(matrix([[-1, 0, 0.5, 1, 9]]), { min: 0, max: 1 }))).toEqual([
      0, 0, 128, 255, 255,
    ]);
  });

  it('draws a constant black', () => {
    expect(reds(spectrogramPixels(matrix([[5, 5]])))).toEqual([0, 0]);
  });

  it('heat grows brighter with the value', () => {
    const { data } = spectrogramPixels(matrix([Array.from({ length: 256 }, (_, i) => i)]), {
      colors: 'heat',
    });
    const luma = Array.from(
      { length: 256 },
      (_, i) => 0.299 * data[3 * i] + 0.587 * data[3 * i + 1] + 0.114 * data[3 * i + 2],
    );
    expect(luma[0]).toBe(0);
    expect(luma[255]).toBeGreaterThan(240);
    for (let i = 1; i < 256; i++) expect(luma[i]).toBeGreaterThanOrEqual(luma[i - 1] - 1);
  });

  it('refuses limits the wrong way round', () => {
    expect(() => spectrogramPixels(matrix([[1]]), { min: 2, max: 1 })).toThrow(ConfigError);
  });
});

describe('writeSpectrogram', () => {
  it('writes a grey PNG with the pixels as they are', async () => {
    const path = join(folder, 'grey.png');
    await writeSpectrogram(path, matrix([[0, 51], [102, 255]])); // biome-ignore format: rows
    const { data, info } = await sharp(path).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([2, 2]);
    expect(await sharp(path).metadata()).toMatchObject({ format: 'png', channels: 1 });
    expect([...data]).toEqual([102, 255, 0, 51]);
  });

  it('writes colours, stretched to a size', async () => {
    const path = join(folder, 'heat.png');
    await writeSpectrogram(path, matrix([[0, 1]]), { colors: 'heat', size: [16, 32] });
    expect(await sharp(path).metadata()).toMatchObject({ format: 'png', width: 32, height: 16, channels: 3 });
  });

  it('refuses sizes that are none, or larger than any picture', async () => {
    for (const size of [
      [0, 8],
      [8, 1.5],
      [8, 1e6],
    ] as const) {
      const path = join(folder, 'size.png');
      await expect(writeSpectrogram(path, matrix([[1]]), { size })).rejects.toThrow(ConfigError);
    }
  });

  it('says that the folder is missing', async () => {
    await expect(writeSpectrogram(join(folder, 'absent', 'a.png'), matrix([[1]]))).rejects.toThrow(
      RuntimeFailure,
    );
  });
});

describe('soundSpectrogram', () => {
  const sampleRate = 8000;
  const sine = Float32Array.from(
    { length: 8000 },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * 1000 * i) / sampleRate),
  );
  const noisy = sine.map((value, i) => (i < 4000 ? 0 : value) + 0.01 * Math.sin(1.9 * i));

  it('is in decibels from −80 to 0 by default', () => {
    const { shape, data } = soundSpectrogram(sine, { sampleRate, nFft: 512, nMels: 32 });
    expect(shape).toEqual([32, 16]);
    expect(Math.max(...data)).toBe(0);
    expect(Math.min(...data)).toBe(-80);
  });

  it('with PCEN a steady tone is faint beside one that begins', () => {
    const { shape, data } = soundSpectrogram(noisy, {
      sampleRate,
      nFft: 512,
      hopLength: 250,
      nMels: 32,
      kind: 'pcen',
    });
    const [, frames] = shape;
    const loudest = (from: number, to: number) => {
      let value = 0;
      for (let m = 0; m < 32; m++)
        for (let t = from; t < to; t++) value = Math.max(value, data[m * frames + t]);
      return value;
    };
    expect(loudest(16, 18)).toBeGreaterThan(2 * loudest(0, 14));
  });

  it('cuts windows by seconds and writes a picture of each', async () => {
    const options = {
      sampleRate,
      windowSeconds: 0.4,
      overlapSeconds: 0.1,
      nFft: 512,
      hopLength: 400,
      nMels: 16,
    };
    expect(soundWindows(sine, options).map(({ length }) => length)).toEqual([3200, 3200, 3200]);
    const paths = await writeSpectrograms(join(folder, 'sine'), sine, options);
    expect(paths.map((path) => path.slice(folder.length + 1))).toEqual([
      'sine_0.png',
      'sine_1.png',
      'sine_2.png',
    ]);
    expect(readdirSync(folder)).toContain('sine_2.png');
    expect(await sharp(paths[0]).metadata()).toMatchObject({ width: 9, height: 16, channels: 1 });
  });

  it('refuses windows and overlaps out of range', () => {
    for (const options of [
      { windowSeconds: 0 },
      { windowSeconds: 2, overlapSeconds: 2 },
      { overlapSeconds: -1 },
      { windowSeconds: 1e9 },
    ]) {
      expect(() => soundWindows(sine, { sampleRate, ...options })).toThrow(ConfigError);
    }
  });
});

describe('specAugment', () => {
  const rows = 40;
  const frames = 60;
  const ramp: HostTensor<'float32'> = {
    dtype: 'float32',
    shape: [rows, frames],
    data: Float32Array.from({ length: rows * frames }, (_, i) => i + 1),
  };
  const isMasked = (data: Float32Array, m: number, t: number) => data[m * frames + t] === -1;
  const maskedRows = (data: Float32Array) =>
    Array.from({ length: rows }, (_, m) => m).filter((m) =>
      Array.from({ length: frames }, (_, t) => t).every((t) => isMasked(data, m, t)),
    );
  const maskedFrames = (data: Float32Array) =>
    Array.from({ length: frames }, (_, t) => t).filter((t) =>
      Array.from({ length: rows }, (_, m) => m).every((m) => isMasked(data, m, t)),
    );

  it('masks whole bands of rows and frames and leaves the rest, and the input, alone', () => {
    const before = ramp.data.slice();
    let widths = 0;
    for (let seed = 0; seed < 50; seed++) {
      const { data } = specAugment(ramp, { seed, fill: -1, frequencyWidth: 8, timeWidth: 10 });
      const [bands, times] = [new Set(maskedRows(data)), new Set(maskedFrames(data))];
      expect(bands.size).toBeLessThanOrEqual(16);
      expect(times.size).toBeLessThanOrEqual(20);
      widths += bands.size + times.size;
      for (let i = 0; i < data.length; i++) {
        const masked = bands.has(Math.floor(i / frames)) || times.has(i % frames);
        expect(data[i]).toBe(masked ? -1 : before[i]);
      }
    }
    // Mean widths of 4 and 5, twice each, less what overlaps.
    expect(widths / 50).toBeGreaterThan(12);
    expect(widths / 50).toBeLessThan(18);
    expect(ramp.data).toEqual(before);
  });

  it('is the same for the same seed and another for another', () => {
    const draw = (seed: number) => specAugment(ramp, { seed, fill: -1 }).data;
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });

  it('fills with the mean by default', () => {
    const { data } = specAugment(ramp, { seed: 1, frequencyMasks: 1, frequencyWidth: 40, timeMasks: 0 });
    const changed = data.filter((value, i) => value !== ramp.data[i]);
    expect(changed.length).toBeGreaterThan(0);
    for (const value of changed) expect(value).toBe((rows * frames + 1) / 2);
  });

  it('never masks more than a share of the time, nor more than there is', () => {
    for (let seed = 0; seed < 20; seed++) {
      const shared = specAugment(ramp, { seed, fill: -1, frequencyMasks: 0, timeMasks: 1, timeShare: 0.1 });
      expect(maskedFrames(shared.data).length).toBeLessThanOrEqual(6);
      expect(specAugment(ramp, { seed, frequencyWidth: 500, timeWidth: 500 }).shape).toEqual([rows, frames]);
    }
    expect(specAugment(ramp, { seed: 0, frequencyMasks: 0, timeMasks: 0 })).toEqual(ramp);
  });

  it('refuses counts and shares out of range', () => {
    for (const options of [{ timeMasks: -1 }, { frequencyWidth: 1.5 }, { timeShare: 2 }]) {
      expect(() => specAugment(ramp, { seed: 0, ...options })).toThrow(ConfigError);
    }
  });
});
