import { ConfigError } from '#core';

export interface ResampleOptions {
  /** Samples per second of the input, a whole number. */
  readonly from: number;
  /** Samples per second of the output, a whole number. */
  readonly to: number;
}

/** Zero crossings of the sinc on each side. With the window below the edge of the filter is a tenth of the band wide. */
const ZERO_CROSSINGS = 64;
/** The middle of that edge, as a share of the lower Nyquist frequency, so that it ends there. */
const ROLLOFF = 0.95;
/** Of the Kaiser window: stop band at −100 dB, β = 0.1102 (100 − 8.7). */
const BETA = 10.06;
/** Phases × taps up to which filters are kept (doubles: 32 MiB); odd ratios above are computed as they come. */
const MAX_TABLE = 2 ** 22;

/**
 * Changes the sample rate: band-limited interpolation with a Kaiser-windowed sinc, one filter for each of the phases
 * that the reduced ratio of the rates has. Frequencies above the lower of both Nyquist frequencies are removed.
 * Outside the sound there is silence.
 *
 * y(t) = Σ_i x[i] h(i − t), t in input samples; each filter is scaled to Σ h = 1, so constants are kept.
 *
 * @returns ⌈samples · to / from⌉ samples; the input itself where the rates are equal
 * @throws ConfigError for rates that are not whole numbers of at least 1
 * @source Smith, Digital Audio Resampling Home Page, https://ccrma.stanford.edu/~jos/resample/
 */
export function resample(samples: Float32Array, { from, to }: ResampleOptions): Float32Array {
  if (!isRate(from) || !isRate(to)) {
    throw new ConfigError(
      `resample: sample rates must be whole numbers of at least 1, but got ${from} and ${to}. Give rates such as 44100 and 32000.`,
      { from, to },
    );
  }
  if (from === to) return samples;
  const divisor = greatestCommonDivisor(from, to);
  const [phases, step] = [to / divisor, from / divisor];
  const cutoff = ROLLOFF * Math.min(1, to / from);
  const half = Math.ceil(ZERO_CROSSINGS / cutoff);
  const taps = 2 * half;
  const keeps = phases * taps <= MAX_TABLE;
  const table = new Float64Array(keeps ? phases * taps : taps);
  const filled = new Uint8Array(keeps ? phases : 0);
  const output = new Float32Array(Math.ceil((samples.length * to) / from));
  for (let n = 0; n < output.length; n++) {
    const position = n * step;
    const phase = position % phases;
    const first = (position - phase) / phases - half + 1;
    const offset = keeps ? phase * taps : 0;
    if (!keeps || filled[phase] === 0) {
      fillFilter(table.subarray(offset, offset + taps), phase / phases, half, cutoff);
      if (keeps) filled[phase] = 1;
    }
    const from0 = Math.max(0, -first);
    const to0 = Math.min(taps, samples.length - first);
    let sum = 0;
    for (let k = from0; k < to0; k++) sum += samples[first + k] * table[offset + k];
    output[n] = sum;
  }
  return output;
}

/** Taps at the distances k − half + 1 − fraction from the output's moment. */
function fillFilter(filter: Float64Array, fraction: number, half: number, cutoff: number): void {
  let total = 0;
  for (let k = 0; k < filter.length; k++) {
    const distance = k - half + 1 - fraction;
    const x = Math.PI * cutoff * distance;
    const sinc = x === 0 ? 1 : Math.sin(x) / x;
    filter[k] = sinc * kaiser(distance / half);
    total += filter[k];
  }
  for (let k = 0; k < filter.length; k++) filter[k] /= total;
}

/** Kaiser window at x in [−1, 1], 1 in the middle. */
function kaiser(x: number): number {
  return Math.abs(x) > 1 ? 0 : besselI0(BETA * Math.sqrt(1 - x * x)) / besselI0(BETA);
}

/** Modified Bessel function of order zero: Σ ((x/2)^k / k!)². */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function isRate(rate: number): boolean {
  return Number.isSafeInteger(rate) && rate >= 1;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
