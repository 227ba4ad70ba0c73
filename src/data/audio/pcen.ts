import { ConfigError, type HostTensor } from '#core';

export interface PcenOptions {
  /** Samples per second; default 22050. */
  readonly sampleRate?: number;
  /** Samples between two frames; default 512. */
  readonly hopLength?: number;
  /** α of the paper: how much of the gain is taken out, at least 0; default 0.98. */
  readonly gain?: number;
  /** δ: at least 0; default 2. */
  readonly bias?: number;
  /** r: exponent of the compression, at least 0, 0 being the logarithm; default 0.5. */
  readonly power?: number;
  /** Seconds over which the background is averaged, above 0; default 0.4. */
  readonly timeConstant?: number;
  /** ε: above 0; default 1e-6. */
  readonly eps?: number;
  /** Weight s of a new frame in that average, in (0, 1]; from the time constant when absent. */
  readonly smoothing?: number;
  /** The average before the first frame: a number (default 1, as in librosa), or `first` for the first frame itself. */
  readonly initial?: number | 'first';
}

/**
 * Per-channel energy normalisation: each frequency is divided by its own recent loudness, which takes out constant
 * noise and distance, and is then compressed.
 *
 * M[t] = (1 − s) M[t − 1] + s S[t],
 * P[t] = (S[t] / (ε + M[t])^α + δ)^r − δ^r, and log(1 + S[t] / (ε + M[t])^α) for r = 0, where δ has no part.
 *
 * With τ = timeConstant · sampleRate / hopLength frames, s = (√(1 + 4τ²) − 1) / 2τ². The defaults expect amplitudes
 * (`power: 1`) of whole numbers of 32 bits, so multiply those of full scale ±1 by 2³¹.
 *
 * @param spectrogram non-negative, `[M, T]`
 * @returns float32 `[M, T]`
 * @throws ConfigError for options out of range
 * @source Wang et al. 2017, Trainable Frontend For Robust and Far-Field Keyword Spotting,
 * https://arxiv.org/abs/1607.05666; defaults of `librosa.pcen`
 */
export function pcen(spectrogram: HostTensor<'float32'>, options: PcenOptions = {}): HostTensor<'float32'> {
  const { gain = 0.98, bias = 2, power = 0.5, eps = 1e-6, initial = 1 } = options;
  const smoothing = options.smoothing ?? smoothingOf(options);
  if (!(gain >= 0 && bias >= 0 && power >= 0 && eps > 0 && smoothing > 0 && smoothing <= 1)) {
    throw new ConfigError(
      `pcen: gain, bias and power must be at least 0, eps and timeConstant above 0 and smoothing in (0, 1], but got ${gain}, ${bias}, ${power}, ${eps}, ${options.timeConstant} and ${smoothing}. Leave them out for the defaults.`,
      { ...options },
    );
  }
  const [rows, frames] = spectrogram.shape;
  const data = new Float32Array(rows * frames);
  const offset = bias ** power;
  for (let m = 0; m < rows; m++) {
    const start = m * frames;
    let mean = initial === 'first' ? spectrogram.data[start] : initial;
    for (let i = start; i < start + frames; i++) {
      const value = spectrogram.data[i];
      mean = (1 - smoothing) * mean + smoothing * value;
      const smooth = value / (eps + mean) ** gain;
      data[i] = power === 0 ? Math.log1p(smooth) : (smooth + bias) ** power - offset;
    }
  }
  return { dtype: 'float32', shape: [rows, frames], data };
}

function smoothingOf({ sampleRate = 22_050, hopLength = 512, timeConstant = 0.4 }: PcenOptions): number {
  const frames = (timeConstant * sampleRate) / hopLength;
  return (Math.sqrt(1 + 4 * frames * frames) - 1) / (2 * frames * frames);
}
