import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { melSpectrogram } from '../audio/mel-spectrogram.ts';
import { readAudio } from '../audio/read-audio.ts';
import { generateBirdSongs } from './bird-songs.ts';
import { birdSpecies } from './bird-species.ts';
import { singSyllable } from './sing-syllable.ts';
import { writeBirdSongs } from './write-bird-songs.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-birds-'));
afterAll(() => rmSync(folder, { recursive: true }));
const small = { species: 3, recordings: 4, seed: 5, seconds: 1, sampleRate: 16_000 };

/** Mean over time of the mel spectrogram's square root, of length 1. */
function fingerprint(samples: Float32Array, sampleRate: number): Float64Array {
  const { shape, data } = melSpectrogram(samples, {
    sampleRate,
    nFft: 1024,
    hopLength: 512,
    nMels: 64,
    fMin: 400,
    power: 1,
  });
  const [rows, frames] = shape;
  const mean = Float64Array.from({ length: rows }, (_, m) =>
    data.subarray(m * frames, (m + 1) * frames).reduce((a, b) => a + b, 0),
  );
  const length = Math.hypot(...mean);
  return mean.map((value) => value / length);
}

describe('birdSpecies', () => {
  it('knows 264 species of different names and songs, always the same', () => {
    const all = birdSpecies(264);
    expect(new Set(all.map(({ name }) => name)).size).toBe(264);
    expect(new Set(all.map(({ motif }) => JSON.stringify(motif))).size).toBe(264);
    expect(birdSpecies(7)).toEqual(all.slice(0, 7));
    for (const kind of ['whistle', 'chirp', 'trill', 'harmonic']) {
      expect(all.filter(({ motif }) => motif[0].kind === kind)).toHaveLength(66);
    }
  });

  it('sing between 400 Hz and 8 kHz', () => {
    for (const { motif } of birdSpecies(264)) {
      for (const { hz, sweepOctaves, depthOctaves, seconds } of motif) {
        const swing = Math.abs(sweepOctaves) / 2 + depthOctaves;
        expect(hz * 2 ** -swing).toBeGreaterThan(400);
        expect(hz * 2 ** swing).toBeLessThan(8000);
        expect(seconds).toBeGreaterThan(0.03);
      }
    }
  });

  it('refuses to know none or more', () => {
    for (const count of [0, 265, 1.5]) expect(() => birdSpecies(count)).toThrow(ConfigError);
  });
});

describe('singSyllable', () => {
  it('sings the pitch and the overtones that it says', () => {
    const syllable = {
      kind: 'harmonic',
      hz: 1000,
      seconds: 0.5,
      sweepOctaves: 0,
      rateHz: 0,
      depthOctaves: 0,
      partials: [1, 0.5],
    } as const;
    const target = new Float32Array(8192);
    expect(singSyllable(target, 0, syllable, { pitch: 1, stretch: 1 }, 16_000)).toBe(8000);
    const middle = target.subarray(2000, 3600);
    // 1600 samples hold 100 periods of 1 kHz: the sum against a sine and a cosine is half the amplitude.
    const amplitude = (hz: number) => {
      let [re, im] = [0, 0];
      middle.forEach((value, i) => {
        re += value * Math.cos((2 * Math.PI * hz * i) / 16_000);
        im += value * Math.sin((2 * Math.PI * hz * i) / 16_000);
      });
      return (2 * Math.hypot(re, im)) / middle.length;
    };
    expect(amplitude(1000)).toBeCloseTo(1, 4);
    expect(amplitude(2000)).toBeCloseTo(0.5, 4);
    expect(amplitude(3000)).toBeCloseTo(0, 4);
  });

  it('leaves out overtones above half the sample rate and stops at the end of the recording', () => {
    const syllable = {
      kind: 'whistle',
      hz: 5000,
      seconds: 1,
      sweepOctaves: 0,
      rateHz: 0,
      depthOctaves: 0,
      partials: [0, 1],
    } as const;
    const target = new Float32Array(1000);
    singSyllable(target, 500, syllable, { pitch: 1, stretch: 1 }, 16_000);
    expect(target.every((value) => value === 0)).toBe(true);
  });
});

describe('generateBirdSongs', () => {
  it('gives every species its recordings, each with its own group', () => {
    const songs = [...generateBirdSongs(small)];
    expect(songs.map(({ label }) => label)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(new Set(songs.map(({ group }) => group)).size).toBe(12);
    const names = birdSpecies(3).map(({ name }) => name);
    for (const { samples, labelName, label, sampleRate } of songs) {
      expect([samples.length, sampleRate, labelName]).toEqual([16_000, 16_000, names[label]]);
      const peak = samples.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expect(peak).toBeGreaterThan(0.2);
      expect(peak).toBeLessThan(1);
    }
  });

  it('is the same for the same seed and another for another', () => {
    expect([...generateBirdSongs(small)]).toEqual([...generateBirdSongs(small)]);
    const [first] = generateBirdSongs(small);
    const [other] = generateBirdSongs({ ...small, seed: 6 });
    expect(first.samples).not.toEqual(other.samples);
  });

  it('names the bird behind, as often as asked', () => {
    const behind = (overlap: number) =>
      [...generateBirdSongs({ ...small, recordings: 20, overlap })].filter(({ background, label }) => {
        if (background !== null) expect(background.label).not.toBe(label);
        return background !== null;
      }).length;
    expect(behind(0)).toBe(0);
    expect(behind(1)).toBe(60);
    expect(behind(0.5)).toBeGreaterThan(15);
    expect(behind(0.5)).toBeLessThan(45);
  });

  it('has silence between syllables without noise, and none with it', () => {
    const silent = (noise: number) => {
      const [{ samples }] = generateBirdSongs({ ...small, noise, overlap: 0 });
      return samples.filter((value) => value === 0).length;
    };
    expect(silent(0)).toBeGreaterThan(500);
    expect(silent(0.3)).toBeLessThan(10);
  });

  it('makes species that the mean spectrum of other recordings tells apart', () => {
    const options = { species: 12, recordings: 4, seed: 9, seconds: 3, overlap: 0, noise: 0.2 };
    const songs = [...generateBirdSongs(options)].map(({ samples, sampleRate, label }) => ({
      label,
      print: fingerprint(samples, sampleRate),
    }));
    const right = songs.filter(({ label, print }, i) => {
      const likeness = (other: Float64Array) => other.reduce((sum, value, m) => sum + value * print[m], 0);
      const others = songs.filter((_, j) => j !== i);
      const best = others.reduce((a, b) => (likeness(b.print) > likeness(a.print) ? b : a));
      return best.label === label;
    });
    // Chance is about 3 of 48.
    expect(right.length).toBeGreaterThanOrEqual(36);
  });

  it('refuses options out of range at the call, all at once', () => {
    expect(() => generateBirdSongs({ ...small, recordings: 0, overlap: 2 })).toThrow(
      /got recordings 0, overlap 2\./,
    );
    for (const options of [
      { seconds: 0.5 },
      { sampleRate: 8000 },
      { noise: -1 },
      { seed: Number.NaN },
      { species: 300 },
    ]) {
      expect(() => generateBirdSongs({ ...small, ...options })).toThrow(ConfigError);
    }
  });
});

describe('writeBirdSongs', () => {
  it('writes sounds, pictures of their windows and both tables, a recording in one fold', async () => {
    const seen: string[] = [];
    const written = await writeBirdSongs(folder, {
      ...small,
      folds: 2,
      spectrograms: { windowSeconds: 0.6, nFft: 512, nMels: 32, size: [24, 40] },
      onProgress: (done, total) => seen.push(`${done}/${total}`),
    });
    expect(written).toMatchObject({
      recordings: 12,
      spectrograms: 24,
      species: birdSpecies(3).map(({ name }) => name),
    });
    expect(seen).toHaveLength(12);
    expect(seen[11]).toBe('12/12');

    const rows = readFileSync(written.csv, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    expect(rows[0]).toEqual(['image_path', 'label', 'label_name', 'group', 'fold']);
    expect(rows).toHaveLength(13);
    const songs = [...generateBirdSongs(small)];
    for (const [i, [path, label, name, group]] of rows.slice(1).entries()) {
      expect([path, label, name, group]).toEqual([
        `sounds/${name}/${group}.wav`,
        String(songs[i].label),
        songs[i].labelName,
        songs[i].group,
      ]);
      const { channels } = await readAudio(join(folder, path));
      const worst = channels[0].reduce((a, b, k) => Math.max(a, Math.abs(b - songs[i].samples[k])), 0);
      expect(worst).toBeLessThan(2 ** -15);
    }
    // Two of the four recordings of each species in each fold.
    for (const label of ['0', '1', '2']) {
      expect(
        rows
          .filter((row) => row[1] === label)
          .map((row) => row[4])
          .sort(),
      ).toEqual(['0', '0', '1', '1']);
    }

    const foldOf = new Map(rows.map((row) => [row[3], row[4]]));
    const pictures = readFileSync(written.spectrogramCsv as string, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    expect(pictures[1][0]).toMatch(/^spectrograms\/[a-z-]+\/R000001_0\.png$/);
    expect(pictures).toHaveLength(25);
    for (const [path, , , group, fold] of pictures.slice(1)) {
      expect(fold).toBe(foldOf.get(group));
      expect(await sharp(join(folder, path)).metadata()).toMatchObject({ width: 40, height: 24 });
    }
  });

  it('refuses no folds', async () => {
    await expect(writeBirdSongs(folder, { ...small, folds: 0 })).rejects.toThrow(ConfigError);
  });
});
