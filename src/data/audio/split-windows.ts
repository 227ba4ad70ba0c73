import { ConfigError } from '#core';

/** What happens to the end of a sound that fills no window. */
export type WindowPadding = 'zero' | 'repeat' | 'shift' | 'drop';

export interface SplitWindowsOptions {
  /** Samples per window, at least 1. */
  readonly length: number;
  /** Samples that two neighbours share, in [0, length); default 0. */
  readonly overlap?: number;
  /**
   * The last window: filled with silence (`zero`, default), with the sound from its beginning (`repeat`), moved back
   * to end with the sound (`shift`; silence where the sound is shorter than a window), or left out (`drop`).
   */
  readonly padding?: WindowPadding;
  /**
   * Leaves the last window out where the sound that only it has is less than this share of length − overlap, in
   * [0, 1]: a sound a few samples too long does not become two windows. The first window always stays. Default 0.
   */
  readonly minTail?: number;
}

export interface AudioWindow {
  /** Index of its first sample in the sound. */
  readonly start: number;
  readonly samples: Float32Array;
}

/**
 * Cuts a sound into windows of one length, which start every length − overlap samples until the whole sound is covered.
 * Whole windows are views of the input.
 *
 * @returns at least one window, unless the sound is empty or, with `drop`, shorter than a window
 * @throws ConfigError for a length below 1, an overlap outside [0, length) or a minTail outside [0, 1]
 */
export function splitWindows(
  samples: Float32Array,
  { length, overlap = 0, padding = 'zero', minTail = 0 }: SplitWindowsOptions,
): AudioWindow[] {
  if (
    !Number.isSafeInteger(length) ||
    length < 1 ||
    !Number.isSafeInteger(overlap) ||
    overlap < 0 ||
    overlap >= length ||
    !(minTail >= 0 && minTail <= 1)
  ) {
    throw new ConfigError(
      `splitWindows: length must be a whole number of at least 1, overlap one in [0, length) and minTail in [0, 1], but got ${length}, ${overlap} and ${minTail}. Shorten the overlap.`,
      { length, overlap, minTail },
    );
  }
  const windows: AudioWindow[] = [];
  const hop = length - overlap;
  for (let start = 0; start < samples.length; start += hop) {
    const fresh = samples.length - start - overlap;
    if (start > 0 && (fresh <= 0 || fresh < minTail * hop)) break;
    if (start + length <= samples.length) {
      windows.push({ start, samples: samples.subarray(start, start + length) });
    } else if (padding === 'shift' && samples.length >= length) {
      const moved = samples.length - length;
      windows.push({ start: moved, samples: samples.subarray(moved) });
    } else if (padding !== 'drop') {
      windows.push({ start, samples: pad(samples, start, length, padding) });
    }
  }
  return windows;
}

function pad(samples: Float32Array, start: number, length: number, padding: WindowPadding): Float32Array {
  const window = new Float32Array(length);
  window.set(samples.subarray(start));
  if (padding !== 'repeat') return window;
  const given = samples.length - start;
  for (let i = given; i < length; i++) window[i] = samples[(i - given) % samples.length];
  return window;
}
