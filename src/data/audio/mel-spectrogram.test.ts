import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError, DataError, type HostTensor } from '#core';
import { hzToMel, melFilters, melFrequencies, melToHz } from './mel-filters.ts';
import { melSpectrogram } from './mel-spectrogram.ts';
import { pcen } from './pcen.ts';
import { powerToDb } from './power-to-db.ts';
import { hannWindow, spectrogram } from './spectrogram.ts';

type Expected = { readonly shape: number[]; readonly data: number[] };
const librosa: Record<string, Expected> = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/audio/librosa.json', import.meta.url), 'utf8'),
);
/** The signal of make-fixtures.py. */
const signal = Float32Array.from(
  { length: 1600 },
  (_, i) => 0.5 * Math.sin((2 * Math.PI * (300 + 0.4 * i) * i) / 8000) + 0.1 * Math.cos(i * i * 0.001),
);
const matrix = (rows: number[][]): HostTensor<'float32'> => ({
  dtype: 'float32',
  shape: [rows.length, rows[0].length],
  data: Float32Array.from(rows.flat()),
});

/** Both to a share of the largest value. */
function expectLike(got: HostTensor<'float32'>, expected: Expected, tolerance: number): void {
  expect(got.shape).toEqual(expected.shape);
  const largest = Math.max(...expected.data.map(Math.abs));
  const worst = Math.max(...expected.data.map((value, i) => Math.abs(value - got.data[i])));
  expect(worst / largest).toBeLessThan(tolerance);
}

describe('the mel scales', () => {
  it('Slaney: 15 mels at 1 kHz, linear below, 27 more at 6.4 kHz', () => {
    expect(hzToMel(500)).toBeCloseTo(7.5, 12);
    expect(hzToMel(1000)).toBeCloseTo(15, 12);
    expect(hzToMel(6400)).toBeCloseTo(42, 12);
    expect(melToHz(28.5)).toBeCloseTo(1000 * Math.sqrt(6.4), 9);
  });

  it('HTK: 2595 log10 2 at 700 Hz', () => {
    expect(hzToMel(700, 'htk')).toBeCloseTo(2595 * Math.log10(2), 12);
    expect(hzToMel(6300, 'htk')).toBeCloseTo(2595, 12);
    expect(melToHz(2595, 'htk')).toBeCloseTo(6300, 9);
  });

  it('spreads frequencies as librosa does', () => {
    const got = melFrequencies(6, 0, 4000);
    librosa['melFrequencies'].data.forEach((hz, i) => {
      expect(got[i]).toBeCloseTo(hz, 2);
    });
  });
});

describe('melFilters', () => {
  // Below 1 kHz the scale is linear: edges at 0, 200, 400, 600, 800 and 1000 Hz, and bins 100 Hz apart.
  const options = { sampleRate: 2000, nFft: 20, nMels: 4 };
  /** Weights of all eleven bins. */
  const rows = (melNorm: 'slaney' | 'none') =>
    melFilters({ ...options, melNorm }).map(({ first, weights }) => {
      const row = new Float64Array(11);
      row.set(weights, first);
      return [...row].map((weight) => Math.round(weight * 1e9) / 1e9);
    });

  it('are triangles from edge to edge', () => {
    expect(rows('none')).toEqual([
      [0, 0.5, 1, 0.5, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0.5, 1, 0.5, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0.5, 1, 0.5, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0.5, 1, 0.5, 0],
    ]);
  });

  it('have the area 1 under the norm of Slaney: a height of 2 / 400 Hz', () => {
    expect(rows('slaney')[2]).toEqual([0, 0, 0, 0, 0, 0.0025, 0.005, 0.0025, 0, 0, 0]);
  });

  it('are empty where they fall between two bins', () => {
    // Edges at 120, 140, 160 and 180 Hz lie between the bins at 100 and 200 Hz.
    const filters = melFilters({ ...options, nMels: 2, fMin: 120, fMax: 180 });
    expect(filters.map(({ weights }) => weights.length)).toEqual([0, 0]);
  });

  it('refuse frequencies above half the sample rate, such as 16 kHz in a sound of 8 kHz', () => {
    expect(() => melFilters({ sampleRate: 8000, fMax: 16_000 })).toThrow(
      /fMax 16000 and 8000 samples a second/,
    );
    expect(() => melFilters({ sampleRate: 8000, fMin: 4000 })).toThrow(ConfigError);
    expect(() => melFilters({ sampleRate: 8000, nMels: 0 })).toThrow(ConfigError);
    expect(() => melFilters({ sampleRate: 8000, nMels: 1e9 })).toThrow(/from 1 to 8192/);
    expect(() => melFilters({ sampleRate: Number.NaN })).toThrow(ConfigError);
  });
});

describe('spectrogram', () => {
  it('a periodic Hann window of four is 0, ½, 1, ½', () => {
    expect([...hannWindow(4)].map((value) => Math.round(value * 1e12) / 1e12)).toEqual([0, 0.5, 1, 0.5]);
  });

  it('of a cosine in the middle of a bin: N/4 there and N/8 in both neighbours', () => {
    const wave = Float32Array.from({ length: 64 }, (_, i) => Math.cos((2 * Math.PI * 5 * i) / 64));
    const { shape, data } = spectrogram(wave, { nFft: 64, hopLength: 64, center: false, power: 1 });
    expect(shape).toEqual([33, 1]);
    data.forEach((value, k) => {
      expect(value).toBeCloseTo(k === 5 ? 16 : k === 4 || k === 6 ? 8 : 0, 4);
    });
  });

  it('centres frame t at sample t · hopLength: a click is loudest in its own frame', () => {
    const click = new Float32Array(100);
    click[40] = 1;
    const { shape, data } = spectrogram(click, { nFft: 16, hopLength: 10 });
    expect(shape).toEqual([9, 11]);
    // The click lies under the window's top, whose square is 1; in other frames 10 samples off, outside of ±8.
    expect([...data.subarray(0, 11)]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  });

  it('refuses sounds shorter than a frame, or than the mirrored padding, and windows longer than the frame', () => {
    const short = new Float32Array(8);
    expect(() => spectrogram(short, { nFft: 16, center: false })).toThrow(/at least 16 samples, but has 8/);
    expect(() => spectrogram(short, { nFft: 16, padMode: 'reflect' })).toThrow(DataError);
    expect(() => spectrogram(new Float32Array(0))).toThrow(DataError);
    expect(() => spectrogram(short, { nFft: 4, winLength: 5 })).toThrow(ConfigError);
    expect(() => spectrogram(short, { hopLength: 0 })).toThrow(ConfigError);
    expect(() => spectrogram(short, { power: Number.NaN })).toThrow(ConfigError);
  });
});

describe('melSpectrogram', () => {
  const sampleRate = 8000;

  it('agrees with librosa: Slaney, power', () => {
    const options = { sampleRate, nFft: 512, hopLength: 128, nMels: 20, fMin: 50, fMax: 3500 };
    expectLike(melSpectrogram(signal, options), librosa['slaney'], 2e-6);
  });

  it('agrees with librosa: HTK without norm, amplitude, a short window, a frame that is no power of two', () => {
    const options = { nFft: 400, hopLength: 160, winLength: 300, nMels: 12, power: 1 };
    const got = melSpectrogram(signal, { ...options, sampleRate, melScale: 'htk', melNorm: 'none' });
    expectLike(got, librosa['htk'], 2e-6);
  });

  it('agrees with librosa: mirrored padding, and none', () => {
    const options = { sampleRate, nFft: 256, hopLength: 100, nMels: 8 };
    expectLike(melSpectrogram(signal, { ...options, padMode: 'reflect' }), librosa['reflect'], 2e-6);
    expectLike(melSpectrogram(signal, { ...options, center: false }), librosa['uncentred'], 2e-6);
  });
});

describe('powerToDb', () => {
  const powers = matrix([[1, 10, 100, 1e-12]]);

  it('is 10 log10 of the power, at most topDb below the loudest', () => {
    expect([...powerToDb(powers).data]).toEqual([0, 10, 20, -60]);
    expect([...powerToDb(powers, { topDb: null }).data]).toEqual([0, 10, 20, -100]);
    expect([...powerToDb(powers, { topDb: null, amin: 0.1 }).data]).toEqual([0, 10, 20, -10]);
  });

  it('is relative to a power, or to the loudest', () => {
    expect([...powerToDb(powers, { ref: 10 }).data]).toEqual([-10, 0, 10, -70]);
    expect([...powerToDb(powers, { ref: 'max', topDb: 15 }).data]).toEqual([-15, -10, 0, -15]);
  });

  it('is 0 for silence relative to the loudest', () => {
    expect([...powerToDb(matrix([[0, 0]]), { ref: 'max' }).data]).toEqual([0, 0]);
  });

  it('agrees with librosa', () => {
    const { shape, data } = librosa['slaney'];
    const powers = { dtype: 'float32', shape, data: Float32Array.from(data) } as const;
    expectLike(powerToDb(powers, { ref: 'max', topDb: 60 }), librosa['decibel'], 1e-6);
  });

  it('refuses amin and topDb out of range', () => {
    expect(() => powerToDb(powers, { amin: 0 })).toThrow(ConfigError);
    expect(() => powerToDb(powers, { topDb: -1 })).toThrow(ConfigError);
  });
});

describe('pcen', () => {
  const plain = { gain: 1, bias: 1, power: 0.5, eps: 1e-12, smoothing: 0.5 };

  it('divides by the running mean and compresses, step by step', () => {
    // M = ½ · 1 + ½ · 1 = 1, ½ · 1 + ½ · 3 = 2, ½ · 2 + ½ · 0 = 1.
    const { data } = pcen(matrix([[1, 3, 0]]), plain);
    expect(data[0]).toBeCloseTo(Math.sqrt(1 / 1 + 1) - 1, 6);
    expect(data[1]).toBeCloseTo(Math.sqrt(3 / 2 + 1) - 1, 6);
    expect(data[2]).toBeCloseTo(0, 6);
  });

  it('can start from the first frame, each row from its own', () => {
    const { data } = pcen(matrix([[4, 4], [9, 9]]), { ...plain, initial: 'first' }); // biome-ignore format: rows
    for (const value of data) expect(value).toBeCloseTo(Math.SQRT2 - 1, 6);
  });

  it('takes the weight of a frame from the time constant: τ = 2 frames give (√17 − 1) / 8', () => {
    const options = { ...plain, power: 1, bias: 0 };
    const { smoothing: _, ...timed } = options;
    const given = pcen(matrix([[1, 3, 2]]), { ...options, smoothing: (Math.sqrt(17) - 1) / 8 });
    expect(pcen(matrix([[1, 3, 2]]), { ...timed, timeConstant: 0.4, sampleRate: 5, hopLength: 1 })).toEqual(
      given,
    );
  });

  it('agrees with librosa, with its defaults and as a logarithm', () => {
    const sampleRate = 8000;
    const amplitudes = melSpectrogram(signal, { sampleRate, nFft: 512, hopLength: 128, nMels: 20, power: 1 });
    const scaled = { ...amplitudes, data: amplitudes.data.map((value) => value * 2 ** 31) };
    expectLike(pcen(scaled, { sampleRate, hopLength: 128 }), librosa['pcen'], 1e-5);
    const options = { sampleRate, hopLength: 128, power: 0, bias: 10, gain: 0.8, timeConstant: 0.1 };
    expectLike(pcen(amplitudes, options), librosa['pcenLog'], 1e-5);
  });

  it('refuses options out of range', () => {
    for (const options of [
      { gain: -1 },
      { eps: 0 },
      { smoothing: 0 },
      { smoothing: 2 },
      { timeConstant: 0 },
      { power: Number.NaN },
    ]) {
      expect(() => pcen(matrix([[1]]), options)).toThrow(ConfigError);
    }
  });
});
