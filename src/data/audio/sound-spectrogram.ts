import { ConfigError, type HostTensor } from '#core';
import { type MelSpectrogramOptions, melSpectrogram } from './mel-spectrogram.ts';
import { pcen } from './pcen.ts';
import { powerToDb } from './power-to-db.ts';
import { type WriteSpectrogramOptions, writeSpectrogram } from './spectrogram-pixels.ts';
import { splitWindows, type WindowPadding } from './split-windows.ts';

/** How a sound becomes the input of a picture classifier. Plain data: it can be kept beside a model. */
export interface SoundSpectrogramOptions extends Omit<MelSpectrogramOptions, 'power'> {
  /**
   * `mel` (default): decibels below the loudest cell of the window, from −80 to 0. `pcen`: per-channel energy
   * normalisation, which flattens steady noise.
   */
  readonly kind?: 'mel' | 'pcen';
}

export interface SoundWindowsOptions extends SoundSpectrogramOptions {
  /** Seconds per window, above 0, at most 3600; default 5. */
  readonly windowSeconds?: number;
  /** Seconds that two neighbours share, in [0, windowSeconds); default 0. */
  readonly overlapSeconds?: number;
  /** What happens to the end of a sound that fills no window; default `zero`. */
  readonly padding?: WindowPadding;
  /** Share of a step that the last window must add to be kept, in [0, 1]; default 0.1. */
  readonly minTail?: number;
}

/** A longer picture would not fit anywhere. */
const MAX_WINDOW_SECONDS = 3600;

/** Amplitudes of full scale ±1 in the unit that PCEN's defaults expect. */
const FULL_SCALE = 2 ** 31;

/**
 * The spectrogram of one window.
 * @param samples one channel at `options.sampleRate`, full scale at ±1
 * @returns float32 `[nMels, T]`
 * @throws ConfigError, DataError as `melSpectrogram`
 */
export function soundSpectrogram(
  samples: Float32Array,
  { kind = 'mel', ...options }: SoundSpectrogramOptions,
): HostTensor<'float32'> {
  if (kind === 'mel') return powerToDb(melSpectrogram(samples, { ...options, power: 2 }), { ref: 'max' });
  const amplitudes = melSpectrogram(samples, { ...options, power: 1 });
  const scaled: HostTensor<'float32'> = {
    ...amplitudes,
    data: amplitudes.data.map((value) => value * FULL_SCALE),
  };
  const { sampleRate, hopLength = 512 } = options;
  // From the first frame on: a window is cut out of a longer sound, whose background was there before.
  return pcen(scaled, { sampleRate, hopLength, initial: 'first' });
}

/** The windows of a sound of `options.sampleRate`; see `splitWindows`. @throws ConfigError for lengths out of range */
export function soundWindows(samples: Float32Array, options: SoundWindowsOptions): Float32Array[] {
  const { sampleRate, windowSeconds = 5, overlapSeconds = 0, padding = 'zero', minTail = 0.1 } = options;
  if (
    !(windowSeconds > 0 && windowSeconds <= MAX_WINDOW_SECONDS) ||
    !(overlapSeconds >= 0 && overlapSeconds < windowSeconds)
  ) {
    throw new ConfigError(
      `soundWindows: windowSeconds must be in (0, ${MAX_WINDOW_SECONDS}] and overlapSeconds in [0, windowSeconds), but got ${windowSeconds} and ${overlapSeconds}. Try 5 and 0.`,
      { windowSeconds, overlapSeconds },
    );
  }
  const length = Math.max(1, Math.round(windowSeconds * sampleRate));
  const overlap = Math.min(length - 1, Math.round(overlapSeconds * sampleRate));
  return splitWindows(samples, { length, overlap, padding, minTail }).map((window) => window.samples);
}

/**
 * Writes one PNG for each window of a sound: `STEM_0.png`, `STEM_1.png`, …
 * @returns their paths
 * @throws ConfigError for options out of range; RuntimeFailure when a file cannot be written
 */
export async function writeSpectrograms(
  stem: string,
  samples: Float32Array,
  options: SoundWindowsOptions & WriteSpectrogramOptions,
): Promise<string[]> {
  const paths: string[] = [];
  for (const window of soundWindows(samples, options)) {
    const path = `${stem}_${paths.length}.png`;
    await writeSpectrogram(path, soundSpectrogram(window, options), options);
    paths.push(path);
  }
  return paths;
}
