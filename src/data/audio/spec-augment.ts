import { ConfigError, createArray, type HostTensor, Rng } from '#core';
import type { BatchContext } from '../samples/data-loader.ts';
import type { Sample } from '../samples/dataset.ts';

export interface SpecAugmentMasks {
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

export interface SpecAugmentOptions extends SpecAugmentMasks {
  /** The same seed masks the same bands. */
  readonly seed: number;
}

type Band = readonly [start: number, end: number];

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
  { seed, ...masks }: SpecAugmentOptions,
): HostTensor<'float32'> {
  checkMasks(masks);
  const [rows, frames] = spectrogram.shape;
  const data = spectrogram.data.slice();
  maskBands(data, rows, frames, new Rng(seed).fork('spec-augment'), masks);
  return { dtype: 'float32', shape: spectrogram.shape, data };
}

/**
 * SpecAugment as the `transform` of a `DataLoader`: the first tensor of a batch is masked, uint8 pictures or float32
 * spectrograms `[N, C, M, T]`, every sample by its own bands in all of its channels. The bands depend on the loader's
 * seed, the epoch and the sample's index alone.
 *
 * @throws ConfigError as `specAugment`
 * @example
 * const loader = new DataLoader(sounds, { batchSize: 32, shuffle: true, transform: specAugmentBatches({ timeWidth: 40 }) });
 */
export function specAugmentBatches(
  masks: SpecAugmentMasks = {},
): (batch: Sample, context: BatchContext) => Sample {
  checkMasks(masks);
  return ([pictures, ...rest], { seed, epoch, indices }) => {
    const { dtype, shape, data } = pictures;
    if ((dtype !== 'uint8' && dtype !== 'float32') || shape.length !== 4) {
      throw new ConfigError(
        `specAugmentBatches: pictures must be uint8 or float32 [N, C, M, T], but got ${dtype} [${shape.join(', ')}]. Mask them before other transforms.`,
        { dtype, shape: [...shape] },
      );
    }
    const [samples, channels, rows, frames] = shape;
    const masked = createArray(dtype, data.length);
    masked.set(data as Uint8Array | Float32Array);
    const size = rows * frames;
    for (let n = 0; n < samples; n++) {
      for (let c = 0; c < channels; c++) {
        const start = (n * channels + c) * size;
        // The same generator for every channel, so the same bands.
        const rng = new Rng(seed).fork(`spec-augment ${epoch} ${indices[n]}`);
        maskBands(masked.subarray(start, start + size), rows, frames, rng, masks);
      }
    }
    return [{ dtype, shape, data: masked } as HostTensor, ...rest];
  };
}

function checkMasks({
  frequencyMasks = 2,
  frequencyWidth = 27,
  timeMasks = 2,
  timeWidth = 100,
  timeShare = 1,
}: SpecAugmentMasks): void {
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
}

function maskBands(
  plane: Float32Array | Uint8Array,
  rows: number,
  frames: number,
  rng: Rng,
  {
    frequencyMasks = 2,
    frequencyWidth = 27,
    timeMasks = 2,
    timeWidth = 100,
    timeShare = 1,
    fill = 'mean',
  }: SpecAugmentMasks,
): void {
  const value = fill === 'mean' ? mean(plane) : fill;
  for (let i = 0; i < frequencyMasks; i++) {
    const [start, end] = drawBand(rng, rows, frequencyWidth);
    plane.fill(value, start * frames, end * frames);
  }
  const widest = Math.min(timeWidth, Math.floor(timeShare * frames));
  for (let i = 0; i < timeMasks; i++) {
    const [start, end] = drawBand(rng, frames, widest);
    for (let m = 0; m < rows; m++) plane.fill(value, m * frames + start, m * frames + end);
  }
}

/** A width from 0 … widest, and where it starts so that it fits. */
function drawBand(rng: Rng, length: number, widest: number): Band {
  const width = rng.integer(Math.min(widest, length) + 1);
  const start = rng.integer(length - width + 1);
  return [start, start + width];
}

function mean(values: Float32Array | Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return values.length === 0 ? 0 : sum / values.length;
}
