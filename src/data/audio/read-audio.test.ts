import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { DataError, Rng, UnsupportedError } from '#core';
import type { AudioSignal } from './audio-signal.ts';
import { decodeAudio } from './decode-audio.ts';
import { readAudio } from './read-audio.ts';
import { encodeWav, writeWav } from './write-wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'trainyard-audio-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../test/fixtures/audio/${name}`, import.meta.url));
const tone = (hz: number, sampleRate: number, length: number, amplitude = 0.5) =>
  Float32Array.from({ length }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / sampleRate));
const bytesOf = (letters: string) => Uint8Array.from(letters, (letter) => letter.charCodeAt(0));

/** Largest difference, away from the ends. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>, margin: number): number {
  let largest = 0;
  for (let i = margin; i < Math.min(a.length, b.length) - margin; i++)
    largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

describe('compressed sounds', () => {
  it.each([
    ['tone.flac', 1e-4],
    ['tone.ogg', 0.06],
    ['tone.mp3', 0.02],
  ])('decodes %s to both tones, with its length and rate', async (name, tolerance) => {
    const { sampleRate, channels } = await readAudio(fixture(name));
    expect(sampleRate).toBe(22_050);
    expect(channels.map(({ length }) => length)).toEqual([5513, 5513]);
    expect(difference(channels[0], tone(441, sampleRate, 5513), 500)).toBeLessThan(tolerance);
    expect(difference(channels[1], tone(1764, sampleRate, 5513), 500)).toBeLessThan(tolerance);
  });

  it('gives one channel of a mono MP3', async () => {
    const { sampleRate, channels } = await readAudio(fixture('tone-mono.mp3'));
    expect(sampleRate).toBe(8000);
    expect(channels.map(({ length }) => length)).toEqual([2000]);
    expect(difference(channels[0], tone(441, 8000, 2000), 500)).toBeLessThan(0.05);
  });

  it('tells the format from the content, whatever the name', async () => {
    const path = join(folder, 'really-flac.mp3');
    writeFileSync(path, readFileSync(fixture('tone.flac')));
    expect((await readAudio(path)).channels).toHaveLength(2);
  });

  it('finds the sound behind an ID3 tag', async () => {
    const tag = [...bytesOf('ID3'), 4, 0, 0, 0, 0, 0, 20, ...new Uint8Array(20)];
    for (const name of ['tone.mp3', 'tone.flac']) {
      const tagged = Uint8Array.from([...tag, ...readFileSync(fixture(name))]);
      expect((await decodeAudio(tagged, name)).channels[0]).toHaveLength(5513);
    }
  });

  it('finds the frames of an MP3 behind bytes that are none, and none in noise', async () => {
    const junk = Uint8Array.from({ length: 500 }, (_, i) => (i * 7919) % 251);
    const mp3 = Uint8Array.from([...junk, ...readFileSync(fixture('tone-mono.mp3'))]);
    expect((await decodeAudio(mp3, 'a.mp3')).channels).toHaveLength(1);
    const rng = new Rng(2);
    for (let i = 0; i < 20; i++) {
      const noise = Uint8Array.from({ length: 9000 }, () => rng.integer(256));
      await expect(decodeAudio(noise, 'noise.mp3')).rejects.toThrow(/"noise.mp3" is not/);
    }
  });

  it('decodes several at once as one after another', async () => {
    const names = ['tone.ogg', 'tone.flac', 'tone.mp3'];
    const alone: AudioSignal[] = [];
    for (const name of names) alone.push(await readAudio(fixture(name)));
    const together = await Promise.all([...names, ...names].map((name) => readAudio(fixture(name))));
    together.forEach((signal, i) => {
      expect(signal).toEqual(alone[i % names.length]);
    });
  });

  it.each(['tone.flac', 'tone.ogg', 'tone.mp3'])('refuses %s when only its head is left', async (name) => {
    const head = readFileSync(fixture(name)).subarray(0, 50);
    await expect(decodeAudio(head, name)).rejects.toThrow(DataError);
    await expect(decodeAudio(head, name)).rejects.toThrow(name);
  });

  it.each(['tone.flac', 'tone.ogg'])(
    'refuses %s when its end is missing or its middle overwritten',
    async (name) => {
      const bytes = readFileSync(fixture(name));
      await expect(decodeAudio(bytes.subarray(0, bytes.length - 400), name)).rejects.toThrow(DataError);
      const changed = Uint8Array.from(bytes).fill(0x55, bytes.length >> 1, (bytes.length >> 1) + 60);
      await expect(decodeAudio(changed, name)).rejects.toThrow(DataError);
      // The decoder is not left in the state of the damaged stream.
      expect((await decodeAudio(bytes, name)).channels[0]).toHaveLength(5513);
    },
  );
});

describe('compressed sounds with bytes changed at random', () => {
  it.each(['tone.flac', 'tone.ogg', 'tone.mp3', 'tone-mono.mp3'])(
    '%s is read or refused, never more',
    async (name) => {
      const rng = new Rng(11).fork(name);
      for (let round = 0; round < 20; round++) {
        const bytes = Uint8Array.from(readFileSync(fixture(name)));
        for (let i = rng.integer(5); i >= 0; i--) bytes[rng.integer(bytes.length)] = rng.integer(256);
        const end = rng.uniform() < 0.3 ? rng.integer(bytes.length) : bytes.length;
        const outcome = await decodeAudio(bytes.subarray(0, end), name).catch((error: unknown) => error);
        if (outcome instanceof Error)
          expect(outcome).toSatisfy(
            (error) => error instanceof DataError || error instanceof UnsupportedError,
          );
        else expect((outcome as AudioSignal).channels[0].length).toBeGreaterThan(0);
      }
    },
  );
});

describe('readAudio', () => {
  it('mixes six channels down to their mean', async () => {
    const path = join(folder, 'six.wav');
    const channels = [1, 2, 3, 4, 5, 6].map((value) => Float32Array.of(value / 8, -value / 8));
    await writeWav(path, { sampleRate: 48_000, channels }, { encoding: 'float32' });
    expect((await readAudio(path)).channels).toHaveLength(6);
    const mono = await readAudio(path, { mono: true });
    expect(mono.channels.map((samples) => [...samples])).toEqual([[21 / 48, -21 / 48]]);
  });

  it('brings 8 kHz to 32 kHz: four times the samples, the same tone', async () => {
    const path = join(folder, 'slow.wav');
    await writeWav(path, { sampleRate: 8000, channels: [tone(700, 8000, 4000)] });
    const { sampleRate, channels } = await readAudio(path, { sampleRate: 32_000, mono: true });
    expect(sampleRate).toBe(32_000);
    expect(channels[0]).toHaveLength(16_000);
    expect(difference(channels[0], tone(700, 32_000, 16_000), 400)).toBeLessThan(1e-4);
  });

  it('refuses a file of zero bytes, a WAV without samples, and samples that are no numbers', async () => {
    const empty = join(folder, 'empty.wav');
    writeFileSync(empty, '');
    await expect(readAudio(empty)).rejects.toThrow(/"[^"]*empty.wav" is empty/);
    const silent = encodeWav({ sampleRate: 8000, channels: [new Float32Array(0)] });
    await expect(decodeAudio(silent, 'none.wav')).rejects.toThrow(
      /must have samples, but "none.wav" has none/,
    );
    const channels = [Float32Array.of(0, Number.NaN)];
    const broken = encodeWav({ sampleRate: 8000, channels }, { encoding: 'float32' });
    await expect(decodeAudio(broken, 'nan.wav')).rejects.toThrow(/sample 1 of channel 0 of "nan.wav" is NaN/);
  });

  it('refuses text named .wav, also with the marks that an MP3 could start with', async () => {
    const path = join(folder, 'notes.wav');
    writeFileSync(path, 'Heard a wren at seven.\n');
    await expect(readAudio(path)).rejects.toThrow(DataError);
    await expect(readAudio(path)).rejects.toThrow(
      /must be a WAV, FLAC, Ogg Vorbis or MP3, but "[^"]*notes.wav" is not/,
    );
    const utf16 = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from('Heard a wren at seven.', 'utf16le')]);
    await expect(decodeAudio(utf16, 'notes.mp3')).rejects.toThrow(DataError);
  });

  it('names formats that it does not read', async () => {
    const page = [...bytesOf('OggS'), 0, 2, ...new Uint8Array(20), 1, 8, ...bytesOf('OpusHead')];
    await expect(decodeAudio(Uint8Array.from(page), 'a.opus')).rejects.toThrow(/"a.opus" is Ogg Opus/);
    await expect(decodeAudio(bytesOf('FORM....AIFFCOMM'), 'a.aif')).rejects.toThrow(UnsupportedError);
    await expect(decodeAudio(bytesOf('....ftypM4A ....'), 'a.m4a')).rejects.toThrow(/is MP4 or M4A/);
    await expect(decodeAudio(bytesOf('RIFX....WAVEfmt '), 'a.wav')).rejects.toThrow(UnsupportedError);
  });

  it('names a file that is missing', async () => {
    await expect(readAudio(join(folder, 'absent.wav'))).rejects.toThrow(/absent.wav" is not/);
  });
});
