import type { HostTensor } from '#core';
import { type MelFilterOptions, melFilters } from './mel-filters.ts';
import { countFrames, eachFrame, type SpectrogramOptions } from './spectrogram.ts';

/** Defaults are librosa's, save for the sample rate, which must be told. */
export type MelSpectrogramOptions = MelFilterOptions & SpectrogramOptions;

/**
 * Mel spectrogram: S[m, t] = Σ_k filter[m, k] |X[k, t]|^power, filter 0 being the lowest. The same values as
 * `librosa.feature.melspectrogram`.
 *
 * @param samples one channel, full scale at ±1
 * @returns float32 `[nMels, T]`, T as in `spectrogram`
 * @throws ConfigError for options out of range; DataError for a sound that is too short
 * @example
 * const { channels: [samples] } = await readAudio('song.ogg', { sampleRate: 32_000, mono: true });
 * const logMel = powerToDb(melSpectrogram(samples, { sampleRate: 32_000, nMels: 128 }), { ref: 'max' });
 */
export function melSpectrogram(samples: Float32Array, options: MelSpectrogramOptions): HostTensor<'float32'> {
  const filters = melFilters(options);
  const frames = countFrames(samples.length, options);
  const data = new Float32Array(filters.length * frames);
  eachFrame(samples, options, (t, magnitudes) => {
    for (let m = 0; m < filters.length; m++) {
      const { first, weights } = filters[m];
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * magnitudes[first + i];
      data[m * frames + t] = sum;
    }
  });
  return { dtype: 'float32', shape: [filters.length, frames], data };
}
