import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { resample } from './resample.ts';
import { splitWindows } from './split-windows.ts';

const sine = (hz: number, rate: number, seconds = 0.5) =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) =>
    Math.sin((2 * Math.PI * hz * i) / rate),
  );

/** Largest magnitude of a − b, away from the ends, where the silence outside is heard. */
function error(a: Float32Array, b: Float32Array, margin = 600): number {
  let largest = 0;
  for (let i = margin; i < a.length - margin; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

describe('resample', () => {
  it.each([
    [44_100, 32_000],
    [22_050, 32_000],
    [16_000, 32_000],
    [48_000, 16_000],
    [32_000, 31_999],
    [96_000, 44_101],
  ])('keeps a tone from %i to %i Hz', (from, to) => {
    const output = resample(sine(997, from), { from, to });
    expect(output).toHaveLength(Math.ceil((Math.round(from / 2) * to) / from));
    expect(error(output, sine(997, to))).toBeLessThan(2e-5);
  });

  it('keeps a tone at 90 % of the new band, and removes one above it by 80 dB', () => {
    const [from, to] = [44_100, 32_000];
    expect(error(resample(sine(14_400, from), { from, to }), sine(14_400, to))).toBeLessThan(1e-3);
    const above = resample(sine(16_500, from), { from, to });
    expect(error(above, new Float32Array(above.length))).toBeLessThan(1e-4);
  });

  it('keeps constants away from the ends', () => {
    const output = resample(new Float32Array(4000).fill(0.5), { from: 44_100, to: 32_000 });
    for (const value of output.subarray(200, -200)) expect(value).toBeCloseTo(0.5, 6);
  });

  it('returns the input for equal rates and nothing for nothing', () => {
    const samples = sine(100, 8000);
    expect(resample(samples, { from: 8000, to: 8000 })).toBe(samples);
    expect(resample(new Float32Array(0), { from: 8000, to: 16_000 })).toHaveLength(0);
    expect(resample(Float32Array.of(1), { from: 8000, to: 16_000 })).toHaveLength(2);
  });

  it('refuses rates that are none', () => {
    for (const to of [0, -1, 16_000.5, Number.NaN]) {
      expect(() => resample(new Float32Array(4), { from: 8000, to })).toThrow(ConfigError);
    }
  });
});

describe('splitWindows', () => {
  const samples = Float32Array.of(1, 2, 3, 4, 5, 6, 7);
  const cut = (options: Parameters<typeof splitWindows>[1], from = samples) =>
    splitWindows(from, options).map((window) => [window.start, ...window.samples]);

  it('cuts without overlap and fills the last window with silence', () => {
    expect(cut({ length: 3 })).toEqual([
      [0, 1, 2, 3],
      [3, 4, 5, 6],
      [6, 7, 0, 0],
    ]);
  });

  it('lets neighbours share samples, and ends when the sound is covered', () => {
    expect(cut({ length: 4, overlap: 2 })).toEqual([
      [0, 1, 2, 3, 4],
      [2, 3, 4, 5, 6],
      [4, 5, 6, 7, 0],
    ]);
    expect(cut({ length: 5, overlap: 3 })).toEqual([
      [0, 1, 2, 3, 4, 5],
      [2, 3, 4, 5, 6, 7],
    ]);
  });

  it('repeats the sound from its beginning, moves the last window back, or leaves it out', () => {
    expect(cut({ length: 5, padding: 'repeat' })[1]).toEqual([5, 6, 7, 1, 2, 3]);
    expect(cut({ length: 5, padding: 'shift' })[1]).toEqual([2, 3, 4, 5, 6, 7]);
    expect(cut({ length: 5, padding: 'drop' })).toEqual([[0, 1, 2, 3, 4, 5]]);
  });

  it('leaves out a last window that adds little, but never the only one', () => {
    // The third window of each would add one sample of a step of three, then of two.
    expect(cut({ length: 3, minTail: 0.4 })).toHaveLength(2);
    expect(cut({ length: 3, minTail: 0.3 })).toHaveLength(3);
    expect(cut({ length: 4, overlap: 2, minTail: 0.6 })).toHaveLength(2);
    expect(cut({ length: 4, overlap: 2, minTail: 0.5 })).toHaveLength(3);
    expect(cut({ length: 50, minTail: 1 })).toHaveLength(1);
  });

  it('handles sounds shorter than a window', () => {
    const short = Float32Array.of(1, 2);
    expect(cut({ length: 5 }, short)).toEqual([[0, 1, 2, 0, 0, 0]]);
    expect(cut({ length: 5, padding: 'repeat' }, short)).toEqual([[0, 1, 2, 1, 2, 1]]);
    expect(cut({ length: 5, padding: 'shift' }, short)).toEqual([[0, 1, 2, 0, 0, 0]]);
    expect(cut({ length: 5, padding: 'drop' }, short)).toEqual([]);
    expect(cut({ length: 5 }, new Float32Array(0))).toEqual([]);
  });

  it('refuses an overlap as long as the window', () => {
    for (const options of [
      { length: 0 },
      { length: 4, overlap: 4 },
      { length: 4, overlap: -1 },
      { length: 4, minTail: 2 },
      { length: 2.5 },
    ]) {
      expect(() => splitWindows(samples, options)).toThrow(ConfigError);
    }
  });
});
