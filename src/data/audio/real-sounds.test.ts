import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listSounds } from './list-sounds.ts';
import { readAudio } from './read-audio.ts';
import { soundSpectrogram } from './sound-spectrogram.ts';
import { splitWindows } from './split-windows.ts';

const data = process.env['TRAINYARD_DATA'] ?? '../shared/data';
const birds = join(data, 'birdcalls-10');
const esc = join(data, 'esc10-ogg');

describe.skipIf(!existsSync(birds))(`bird calls as WAV (needs ${birds})`, () => {
  it('reads all 91 recordings of 10 classes, mono at 16 kHz', async () => {
    const sounds = await listSounds([birds]);
    expect(sounds).toHaveLength(91);
    expect(new Set(sounds.map(({ className }) => className)).size).toBe(10);
    for (const { path } of sounds) {
      const { sampleRate, channels } = await readAudio(path);
      expect([sampleRate, channels.length]).toEqual([16_000, 1]);
      expect(channels[0].length).toBeGreaterThan(1000);
    }
  });
});

describe.skipIf(!existsSync(esc))(`everyday sounds as Ogg Vorbis (needs ${esc})`, () => {
  it('reads all 80 recordings of 10 classes: about five seconds at 44.1 kHz', async () => {
    const sounds = await listSounds([esc]);
    expect(sounds).toHaveLength(80);
    for (const { path } of sounds) {
      const { sampleRate, channels } = await readAudio(path);
      expect(sampleRate).toBe(44_100);
      expect(Math.abs(channels[0].length / sampleRate - 5)).toBeLessThan(0.5);
    }
  });

  it('rain fills the spectrogram, a dog barks into silence', async () => {
    const [dog] = await listSounds([join(esc, '001 - Dog bark')]);
    const [rain] = await listSounds([join(esc, '002 - Rain')]);
    const quietShare = async (path: string) => {
      const sampleRate = 32_000;
      const { channels } = await readAudio(path, { sampleRate, mono: true });
      const [window] = splitWindows(channels[0], { length: 5 * sampleRate });
      const { data: decibels } = soundSpectrogram(window.samples, { sampleRate });
      return decibels.filter((value) => value <= -79).length / decibels.length;
    };
    expect(await quietShare(dog.path)).toBeGreaterThan(0.6);
    expect(await quietShare(rain.path)).toBeLessThan(0.2);
  });
});
