import { ConfigError, DataError, type HostTensor } from '#core';
import { RealFft } from './real-fft.ts';

export interface SpectrogramOptions {
  /** Samples per frame that are transformed; default 2048. Any size works, powers of two are fastest. */
  readonly nFft?: number;
  /** Samples from one frame to the next; default 512. */
  readonly hopLength?: number;
  /** Samples under the Hann window, centred in the frame, at most nFft; default nFft. */
  readonly winLength?: number;
  /** Exponent of the magnitude: 2 for power (default), 1 for amplitude. */
  readonly power?: number;
  /** Frame t is centred at sample t · hopLength (default), by nFft / 2 samples of padding on both sides. */
  readonly center?: boolean;
  /** What that padding is: silence (`constant`, default) or the sound mirrored at its ends (`reflect`). */
  readonly padMode?: 'constant' | 'reflect';
}

/**
 * Short-time Fourier transform's magnitudes |X[k, t]|^power under a periodic Hann window, as `librosa.stft` frames them.
 *
 * @returns float32 `[⌊nFft/2⌋ + 1, T]`, T = 1 + ⌊N / hopLength⌋ with `center`, otherwise 1 + ⌊(N − nFft) / hopLength⌋
 * @throws ConfigError for sizes out of range; DataError for a sound without samples, or shorter than a frame (without
 * `center`) or than its mirrored padding
 */
export function spectrogram(samples: Float32Array, options: SpectrogramOptions = {}): HostTensor<'float32'> {
  const bins = Math.floor((options.nFft ?? 2048) / 2) + 1;
  const frames = countFrames(samples.length, options);
  const data = new Float32Array(bins * frames);
  eachFrame(samples, options, (t, magnitudes) => {
    for (let k = 0; k < bins; k++) data[k * frames + t] = magnitudes[k];
  });
  return { dtype: 'float32', shape: [bins, frames], data };
}

/** Frames of a sound; checks the options. */
export function countFrames(length: number, options: SpectrogramOptions): number {
  const { nFft = 2048, hopLength = 512, winLength = nFft, power = 2, center = true } = options;
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;
  if (!isCount(nFft) || !isCount(hopLength) || !isCount(winLength) || winLength > nFft || !(power > 0)) {
    throw new ConfigError(
      `spectrogram: nFft, hopLength and winLength must be whole numbers of at least 1, winLength at most nFft and power above 0, but got ${nFft}, ${hopLength}, ${winLength} and ${power}. Try 2048, 512, 2048 and 2.`,
      { nFft, hopLength, winLength, power },
    );
  }
  const mirrored = center && options.padMode === 'reflect';
  const least = mirrored ? Math.floor(nFft / 2) + 1 : center ? 1 : nFft;
  if (length < least) {
    throw new DataError(
      `spectrogram: the sound must have at least ${least} samples, but has ${length}. Pad it, or use a smaller nFft.`,
      { samples: length, nFft },
    );
  }
  const padded = center ? length + 2 * Math.floor(nFft / 2) : length;
  return 1 + Math.floor((padded - nFft) / hopLength);
}

/** Calls `visit` with the magnitudes of each frame, which the next frame overwrites. */
export function eachFrame(
  samples: Float32Array,
  options: SpectrogramOptions,
  visit: (frame: number, magnitudes: Float64Array) => void,
): void {
  const { nFft = 2048, hopLength = 512, winLength = nFft, power = 2, center = true } = options;
  const frames = countFrames(samples.length, options);
  const source = center ? pad(samples, Math.floor(nFft / 2), options.padMode ?? 'constant') : samples;
  const fft = new RealFft(nFft);
  const window = hannWindow(winLength);
  const before = Math.floor((nFft - winLength) / 2);
  const frame = new Float64Array(nFft);
  const [re, im] = [new Float64Array(fft.bins), new Float64Array(fft.bins)];
  for (let t = 0; t < frames; t++) {
    const start = t * hopLength + before;
    for (let i = 0; i < winLength; i++) frame[before + i] = source[start + i] * window[i];
    fft.transform(frame, re, im);
    for (let k = 0; k < fft.bins; k++) {
      const square = re[k] * re[k] + im[k] * im[k];
      re[k] = power === 2 ? square : power === 1 ? Math.sqrt(square) : square ** (power / 2);
    }
    visit(t, re);
  }
}

/** Periodic Hann window: w[n] = ½ − ½ cos(2πn / N). */
export function hannWindow(length: number): Float64Array {
  return Float64Array.from({ length }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length));
}

function pad(samples: Float32Array, width: number, mode: 'constant' | 'reflect'): Float32Array {
  const padded = new Float32Array(samples.length + 2 * width);
  padded.set(samples, width);
  if (mode === 'constant') return padded;
  for (let i = 1; i <= width; i++) {
    padded[width - i] = samples[i];
    padded[width + samples.length - 1 + i] = samples[samples.length - 1 - i];
  }
  return padded;
}
