import { ConfigError, Rng } from '#core';
import { type BirdSpecies, birdSpecies } from './bird-species.ts';
import { singSyllable } from './sing-syllable.ts';

export interface BirdSongOptions {
  /** Classes, 1 to 264. */
  readonly species: number;
  /** Recordings of each, each of another bird at another place. */
  readonly recordings: number;
  /** The same seed gives the same recordings; the songs of a species are the same under every seed. */
  readonly seed: number;
  /** Length of a recording, at least 1; default 5. */
  readonly seconds?: number;
  /** Samples per second, a whole number of at least 16000; default 32000. */
  readonly sampleRate?: number;
  /** Mean ratio of the noise's RMS to that of the song while it is sung, at least 0; default 0.3 (about 10 dB). */
  readonly noise?: number;
  /** Probability that another species sings behind, at 15 % to 45 % of the amplitude; default 0.25. */
  readonly overlap?: number;
}

export interface BirdSong {
  /** One channel, peak below 1. */
  readonly samples: Float32Array;
  readonly sampleRate: number;
  /** Index of the species that sings in front. */
  readonly label: number;
  readonly labelName: string;
  /** Index and name of the species behind, where there is one. */
  readonly background: { readonly label: number; readonly labelName: string } | null;
  /** Names the recording: what is cut from it belongs together. */
  readonly group: string;
}

/**
 * Recordings of birds that do not exist, with known truth: every species has a motif of whistles, chirps, trills and
 * buzzing calls; every recording varies pitch, pace, loudness and pauses, and adds coloured noise and other birds. They
 * are made one by one, so any number fits in memory; `[...generateBirdSongs(…)]` keeps them all.
 *
 * @returns the recordings species by species
 * @throws ConfigError for options out of range, at the call
 */
export function generateBirdSongs(options: BirdSongOptions): IterableIterator<BirdSong> {
  const { recordings, seed, seconds = 5, sampleRate = 32_000, noise = 0.3, overlap = 0.25 } = options;
  const species = birdSpecies(options.species);
  const faults = [
    Number.isSafeInteger(recordings) && recordings >= 1 ? '' : `recordings ${recordings}`,
    Number.isSafeInteger(seed) ? '' : `seed ${seed}`,
    seconds >= 1 && seconds <= 3600 ? '' : `seconds ${seconds}`,
    Number.isSafeInteger(sampleRate) && sampleRate >= 16_000 ? '' : `sampleRate ${sampleRate}`,
    noise >= 0 && noise < Number.POSITIVE_INFINITY ? '' : `noise ${noise}`,
    overlap >= 0 && overlap <= 1 ? '' : `overlap ${overlap}`,
  ].filter((fault) => fault !== '');
  if (faults.length > 0) {
    throw new ConfigError(
      `generateBirdSongs: recordings must be a whole number of at least 1, seed a whole number, seconds in [1, 3600], sampleRate a whole number of at least 16000, noise at least 0 and overlap in [0, 1], but got ${faults.join(', ')}. Leave them out for the defaults.`,
      { ...options },
    );
  }
  return drawSongs(species, { recordings, seed, seconds, sampleRate, noise, overlap });
}

type Settings = Required<Omit<BirdSongOptions, 'species'>>;

function* drawSongs(species: readonly BirdSpecies[], settings: Settings): Generator<BirdSong, void> {
  const base = new Rng(settings.seed).fork('bird-songs');
  for (let label = 0; label < species.length; label++) {
    for (let recording = 0; recording < settings.recordings; recording++) {
      const rng = base.fork(`${label} ${recording}`);
      const group = `R${String(label * settings.recordings + recording + 1).padStart(6, '0')}`;
      yield drawSong(species, label, group, rng, settings);
    }
  }
}

function drawSong(
  species: readonly BirdSpecies[],
  label: number,
  group: string,
  rng: Rng,
  { seconds, sampleRate, noise, overlap }: Settings,
): BirdSong {
  const between = (low: number, high: number) => low + (high - low) * rng.uniform();
  const samples = new Float32Array(Math.round(seconds * sampleRate));
  const level = sing(samples, species[label], rng, sampleRate);
  let background: BirdSong['background'] = null;
  if (rng.uniform() < overlap && species.length > 1) {
    const other = (label + 1 + rng.integer(species.length - 1)) % species.length;
    const behind = new Float32Array(samples.length);
    const gain = (between(0.15, 0.45) * level) / sing(behind, species[other], rng, sampleRate);
    for (let i = 0; i < samples.length; i++) samples[i] += gain * behind[i];
    background = { label: other, labelName: species[other].name };
  }
  addNoise(samples, level * noise * between(0.5, 1.5), rng);
  let peak = 0;
  for (const value of samples) peak = Math.max(peak, Math.abs(value));
  const scale = between(0.25, 0.95) / peak;
  for (let i = 0; i < samples.length; i++) samples[i] *= scale;
  return { samples, sampleRate, label, labelName: species[label].name, background, group };
}

/** Phrases with pauses, the first within half a second. @returns the RMS of the samples that are sung */
function sing(target: Float32Array, bird: BirdSpecies, rng: Rng, sampleRate: number): number {
  const between = (low: number, high: number) => low + (high - low) * rng.uniform();
  const voice = { pitch: 2 ** between(-0.07, 0.07), stretch: between(0.88, 1.12) };
  const wait = (seconds: number) => Math.round(seconds * voice.stretch * sampleRate);
  let at = wait(between(0, 0.5));
  while (at < target.length) {
    for (let i = 0; i < bird.repeats; i++) {
      for (const syllable of bird.motif) {
        if (at >= target.length) break;
        at +=
          singSyllable(target, at, syllable, voice, sampleRate) + wait(bird.gapSeconds * between(0.9, 1.1));
      }
    }
    at += wait(bird.pauseSeconds * between(0.7, 1.5));
  }
  let squares = 0;
  let sung = 0;
  for (const value of target) {
    squares += value * value;
    if (value !== 0) sung++;
  }
  return Math.sqrt(squares / sung);
}

/** Noise of a given RMS, from white to low rumble: n[i] = a n[i − 1] + √(1 − a²) e[i] with a drawn from [0, 0.95]. */
function addNoise(samples: Float32Array, rms: number, rng: Rng): void {
  const a = 0.95 * rng.uniform();
  const fresh = Math.sqrt(1 - a * a);
  let value = rng.normal();
  for (let i = 0; i < samples.length; i++) {
    value = a * value + fresh * rng.normal();
    samples[i] += rms * value;
  }
}
