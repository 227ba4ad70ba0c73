import { ConfigError, type HostTensor, Rng } from '#core';

export interface SpecAugmentOptions {
  /** The same seed masks the same bands. */
  readonly seed: number;
  /** Bands of frequencies; default 2. */
  readonly frequencyMasks?: number;
  /** F: rows that a band of frequencies has at most, drawn from 0 … F; default 27. */
  readonly frequencyWidth?: number;
  /** Bands of time; default 2. */
  readonly timeMasks?: number;
  /** T: frames that a band of time has at most, drawn from 0 … T; default 100. */
  readonly timeWidth?: number;
  /** p: a band of time never covers more than this share of the frames, in [0, 1]; default 1. */
  readonly timeShare?: number;
  /** What masked cells become: a number, or the `mean` of the spectrogram (default). */
  readonly fill?: number | 'mean';
}

/**
 * Masks random bands of frequencies and of time; the defaults are the paper's policy LD, without time warping.
 *
 * @param spectrogram `[M, T]`, left as it is
 * @returns a masked copy
 * @throws ConfigError for counts or widths that are no whole numbers of at least 0, or a share outside [0, 1]
 * @source Park et al. 2019, SpecAugment, https://arxiv.org/abs/1904.08779
 */
export function specAugment(
  spectrogram: HostTensor<'float32'>,
  {
    seed,
    frequencyMasks = 2,
    frequencyWidth = 27,
    timeMasks = 2,
    timeWidth = 100,
    timeShare = 1,
    fill = 'mean',
  }: SpecAugmentOptions,
): HostTensor<'float32'> {
  const counts = { frequencyMasks, frequencyWidth, timeMasks, timeWidth };
  if (
    !Object.values(counts).every((value) => Number.isSafeInteger(value) && value >= 0) ||
    !(timeShare >= 0 && timeShare <= 1)
  ) {
    throw new ConfigError(
      `specAugment: masks and widths must be whole numbers of at least 0 and timeShare in [0, 1], but got ${JSON.stringify({ ...counts, timeShare })}. Leave them out for the defaults.`,
      { ...counts, timeShare },
    );
  }
  const [rows, frames] = spectrogram.shape;
  const data = spectrogram.data.slice();
  const value = fill === 'mean' ? mean(data) : fill;
  const rng = new Rng(seed).fork('spec-augment');
  for (let i = 0; i < frequencyMasks; i++) {
    const [start, end] = drawBand(rng, rows, frequencyWidth);
    data.fill(value, start * frames, end * frames);
  }
  const widest = Math.min(timeWidth, Math.floor(timeShare * frames));
  for (let i = 0; i < timeMasks; i++) {
    const [start, end] = drawBand(rng, frames, widest);
    for (let m = 0; m < rows; m++) data.fill(value, m * frames + start, m * frames + end);
  }
  return { dtype: 'float32', shape: spectrogram.shape, data };
}

/** A width from 0 … widest, and where it starts so that it fits. */
function drawBand(rng: Rng, length: number, widest: number): [start: number, end: number] {
  const width = rng.integer(Math.min(widest, length) + 1);
  const start = rng.integer(length - width + 1);
  return [start, start + width];
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}
