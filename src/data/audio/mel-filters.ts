import { ConfigError } from '#core';

/**
 * `slaney`: linear below 1 kHz (66⅔ Hz a mel), logarithmic above (27 mels for a factor of 6.4), as in Slaney's
 * Auditory Toolbox. `htk`: 2595 log₁₀(1 + f / 700).
 */
export type MelScale = 'slaney' | 'htk';

export interface MelFilterOptions {
  /** Samples per second of the sound, in Hz. */
  readonly sampleRate: number;
  /** Samples per frame; default 2048. */
  readonly nFft?: number;
  /** Filters, 1 to 8192; default 128. */
  readonly nMels?: number;
  /** Lower edge of the lowest filter in Hz; default 0. */
  readonly fMin?: number;
  /** Upper edge of the highest filter in Hz, at most half the sample rate, which is the default. */
  readonly fMax?: number;
  /** Default `slaney`. */
  readonly melScale?: MelScale;
  /** `slaney` (default): each triangle has the area 1 over frequency. `none`: each has the height 1. */
  readonly melNorm?: 'slaney' | 'none';
}

/** One triangle: weights of the bins from `first` on; none where it is narrower than a bin. */
export interface MelFilter {
  readonly first: number;
  readonly weights: Float64Array;
}

const MAX_FILTERS = 8192;
const HZ_PER_MEL = 200 / 3;
const LOG_START_HZ = 1000;
const LOG_START_MEL = LOG_START_HZ / HZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

export function hzToMel(hz: number, scale: MelScale = 'slaney'): number {
  if (scale === 'htk') return 2595 * Math.log10(1 + hz / 700);
  return hz < LOG_START_HZ ? hz / HZ_PER_MEL : LOG_START_MEL + Math.log(hz / LOG_START_HZ) / LOG_STEP;
}

export function melToHz(mel: number, scale: MelScale = 'slaney'): number {
  if (scale === 'htk') return 700 * (10 ** (mel / 2595) - 1);
  return mel < LOG_START_MEL ? mel * HZ_PER_MEL : LOG_START_HZ * Math.exp(LOG_STEP * (mel - LOG_START_MEL));
}

/** `count` frequencies in Hz at equal distances on the mel scale, both ends included. */
export function melFrequencies(count: number, fMin: number, fMax: number, scale?: MelScale): Float64Array {
  const [low, high] = [hzToMel(fMin, scale), hzToMel(fMax, scale)];
  return Float64Array.from({ length: count }, (_, i) =>
    melToHz(low + ((high - low) * i) / Math.max(1, count - 1), scale),
  );
}

/**
 * Triangles over the bins of a Fourier transform: filter m rises from edge m to edge m + 1 and falls to edge m + 2,
 * the nMels + 2 edges being equally spaced in mel. With many filters and a small nFft the lowest ones fall between two
 * bins and stay empty; a larger nFft or fMin, or fewer filters, avoids that.
 *
 * @throws ConfigError unless 0 ≤ fMin < fMax ≤ sampleRate / 2 and nMels is a whole number from 1 to 8192
 */
export function melFilters({
  sampleRate,
  nFft = 2048,
  nMels = 128,
  fMin = 0,
  fMax = sampleRate / 2,
  melScale = 'slaney',
  melNorm = 'slaney',
}: MelFilterOptions): MelFilter[] {
  if (!(sampleRate > 0) || !(fMin >= 0 && fMin < fMax && fMax <= sampleRate / 2)) {
    throw new ConfigError(
      `melFilters: frequencies must be 0 ≤ fMin < fMax ≤ half the sample rate, but got fMin ${fMin}, fMax ${fMax} and ${sampleRate} samples a second. Lower fMax or resample the sound.`,
      { sampleRate, fMin, fMax },
    );
  }
  if (!Number.isSafeInteger(nMels) || nMels < 1 || nMels > MAX_FILTERS) {
    throw new ConfigError(
      `melFilters: nMels must be a whole number from 1 to ${MAX_FILTERS}, but got ${nMels}. Choose one such as 128.`,
      { nMels },
    );
  }
  const edges = melFrequencies(nMels + 2, fMin, fMax, melScale);
  const bins = Math.floor(nFft / 2) + 1;
  const hzPerBin = sampleRate / nFft;
  return Array.from({ length: nMels }, (_, m) => {
    const [low, middle, high] = [edges[m], edges[m + 1], edges[m + 2]];
    const scale = melNorm === 'slaney' ? 2 / (high - low) : 1;
    // The first bin above the lower edge, and the first one not below the upper edge.
    const first = Math.min(bins, Math.floor(low / hzPerBin) + 1);
    const end = Math.min(bins, Math.ceil(high / hzPerBin));
    const weights = Float64Array.from({ length: Math.max(0, end - first) }, (_, i) => {
      const hz = (first + i) * hzPerBin;
      return scale * Math.min((hz - low) / (middle - low), (high - hz) / (high - middle));
    });
    return { first, weights };
  });
}
