import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, DataError, UnsupportedError } from '#core';
import type { AudioSignal } from './audio-signal.ts';
import { parseWav } from './parse-wav.ts';
import { encodeWav, type WavEncoding } from './write-wav.ts';

const words = (...values: number[]) => [...new Uint8Array(Uint16Array.from(values).buffer)];
const long = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];
const text = (letters: string) => [...letters].map((letter) => letter.charCodeAt(0));

function wav(format: readonly number[], data: readonly number[], size = data.length): Uint8Array {
  const body = [
    ...text('WAVEfmt '),
    ...long(format.length),
    ...format,
    ...text('data'),
    ...long(size),
    ...data,
  ];
  return Uint8Array.from([...text('RIFF'), ...long(body.length), ...body]);
}

function plain(tag: number, channels: number, bits: number): number[] {
  const block = (channels * bits) / 8;
  return [...words(tag, channels), ...long(8000), ...long(8000 * block), ...words(block, bits)];
}

const samplesOf = (signal: AudioSignal) => signal.channels.map((channel) => [...channel]);

describe('parseWav', () => {
  it('reads whole numbers of 8, 16, 24 and 32 bits as shares of full scale', () => {
    expect(samplesOf(parseWav(wav(plain(1, 1, 8), [0, 64, 128, 255]), 'a'))).toEqual([
      [-1, -0.5, 0, 127 / 128],
    ]);
    expect(samplesOf(parseWav(wav(plain(1, 1, 16), [0, 128, 0, 192, 0, 64]), 'a'))).toEqual([
      [-1, -0.5, 0.5],
    ]);
    expect(
      samplesOf(parseWav(wav(plain(1, 1, 24), [0, 0, 128, 0, 0, 64, 1, 0, 0, 255, 255, 255]), 'a')),
    ).toEqual([[-1, 0.5, 2 ** -23, -(2 ** -23)]]);
    expect(samplesOf(parseWav(wav(plain(1, 1, 32), [0, 0, 0, 128, 0, 0, 0, 32]), 'a'))).toEqual([[-1, 0.25]]);
  });

  it('reads floats of 32 and 64 bits as they are, beyond full scale too', () => {
    const single = [...new Uint8Array(Float32Array.of(0.25, -1.5).buffer)];
    const double = [...new Uint8Array(Float64Array.of(0.25, -1.5).buffer)];
    expect(samplesOf(parseWav(wav(plain(3, 1, 32), single), 'a'))).toEqual([[0.25, -1.5]]);
    expect(samplesOf(parseWav(wav(plain(3, 1, 64), double), 'a'))).toEqual([[0.25, -1.5]]);
  });

  it('takes channels apart and leaves out an unfinished frame', () => {
    const signal = parseWav(wav(plain(1, 2, 16), [0, 64, 0, 32, 0, 192, 0, 224, 9, 9]), 'a');
    expect(signal.sampleRate).toBe(8000);
    expect(samplesOf(signal)).toEqual([
      [0.5, -0.5],
      [0.25, -0.25],
    ]);
  });

  it('finds the encoding in the sub-format of an extensible WAV', () => {
    const guid = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];
    const extensible = [...plain(0xfffe, 1, 32), ...words(22, 32), ...long(0), ...words(3), ...guid];
    const data = [...new Uint8Array(Float32Array.of(0.125).buffer)];
    expect(samplesOf(parseWav(wav(extensible, data), 'a'))).toEqual([[0.125]]);
  });

  it('passes over other chunks, with their byte of padding', () => {
    const body = [...text('WAVELIST'), ...long(3), 1, 2, 3, 0];
    const rest = wav(plain(1, 1, 8), [192]).subarray(12);
    const bytes = Uint8Array.from([...text('RIFF'), ...long(0), ...body, ...rest]);
    expect(samplesOf(parseWav(bytes, 'a'))).toEqual([[0.5]]);
  });

  it('reads to the end where a streaming program left the length open, and the length of RF64', () => {
    expect(samplesOf(parseWav(wav(plain(1, 1, 8), [128, 192], 0xffffffff), 'a'))).toEqual([[0, 0.5]]);
    const ds64 = [
      ...text('ds64'),
      ...long(28),
      ...long(0),
      ...long(0),
      ...long(1),
      ...long(0),
      ...Array(12).fill(0),
    ];
    const rest = wav(plain(1, 1, 8), [192, 7, 7], 0xffffffff).subarray(12);
    const bytes = Uint8Array.from([...text('RF64'), ...long(0xffffffff), ...text('WAVE'), ...ds64, ...rest]);
    expect(samplesOf(parseWav(bytes, 'a'))).toEqual([[0.5]]);
  });

  it('refuses a WAV that is cut off, saying what is there', () => {
    const whole = wav(plain(1, 1, 16), [1, 2, 3, 4, 5, 6]);
    expect(() => parseWav(whole.subarray(0, -3), 'cut.wav')).toThrow(
      /"cut.wav" its data should have 6 bytes, of which 3/,
    );
    expect(() => parseWav(whole.subarray(0, 30), 'cut.wav')).toThrow(/format chunk has 10 of 16 bytes/);
    expect(() => parseWav(whole.subarray(0, 38), 'cut.wav')).toThrow(/has no data chunk/);
    expect(() => parseWav(whole.subarray(0, 14), 'cut.wav')).toThrow(/has no format chunk/);
  });

  it('refuses damaged formats, and encodings it does not know, by their number', () => {
    expect(() => parseWav(wav([...plain(1, 0, 16)], [0, 0]), 'a')).toThrow(DataError);
    expect(() =>
      parseWav(wav([...words(1, 1), ...long(0), ...long(0), ...words(2, 16)], [0, 0]), 'a'),
    ).toThrow(/0 samples a second/);
    expect(() => parseWav(wav(plain(7, 1, 8), [0]), 'law.wav')).toThrow(UnsupportedError);
    expect(() => parseWav(wav(plain(7, 1, 8), [0]), 'law.wav')).toThrow(/format 7 with 8 bits/);
    expect(() => parseWav(wav(plain(1, 1, 12), [0]), 'a')).toThrow(/format 1 with 12 bits/);
  });

  it('never crashes on bytes that were changed at random', () => {
    const whole = encodeWav({ sampleRate: 8000, channels: [Float32Array.of(0.1, 0.2, 0.3)] });
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(changes, (edits) => {
        const bytes = whole.slice();
        for (const [at, value] of edits) bytes[at] = value;
        try {
          for (const channel of parseWav(bytes, 'a').channels) expect(channel).toBeInstanceOf(Float32Array);
        } catch (error) {
          expect(error instanceof DataError || error instanceof UnsupportedError).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('encodeWav', () => {
  const steps: Record<WavEncoding, number> = {
    pcm8: 2 ** -7,
    pcm16: 2 ** -15,
    pcm24: 2 ** -23,
    pcm32: 2 ** -31,
    float32: 0,
    float64: 0,
  };
  const encodings = Object.keys(steps) as WavEncoding[];

  it('is undone by parseWav to within half a step, whatever the channels and encoding', () => {
    const signals = fc.record({
      sampleRate: fc.integer({ min: 100, max: 1_000_000 }),
      channels: fc.integer({ min: 1, max: 7 }),
      frames: fc.integer({ min: 0, max: 20 }),
      encoding: fc.constantFrom(...encodings),
      seed: fc.double({ min: 1, max: 9, noNaN: true }),
    });
    fc.assert(
      fc.property(signals, ({ sampleRate, channels, frames, encoding, seed }) => {
        const signal = {
          sampleRate,
          channels: Array.from({ length: channels }, (_, c) =>
            Float32Array.from({ length: frames }, (_, i) => 0.99 * Math.sin(seed * (i + 31 * c))),
          ),
        };
        const read = parseWav(encodeWav(signal, { encoding }), 'a');
        expect(read.sampleRate).toBe(sampleRate);
        expect(read.channels).toHaveLength(channels);
        signal.channels.forEach((samples, c) => {
          expect(read.channels[c]).toHaveLength(frames);
          samples.forEach((value, i) => {
            expect(Math.abs(read.channels[c][i] - value)).toBeLessThanOrEqual(steps[encoding] / 2 + 2 ** -25);
          });
        });
      }),
    );
  });

  it('assigns six channels to the loudspeakers of 5.1', () => {
    const channels = Array.from({ length: 6 }, () => new Float32Array(1));
    const bytes = encodeWav({ sampleRate: 8000, channels });
    expect(new DataView(bytes.buffer).getUint32(40, true)).toBe(0b11_1111);
  });

  it('clips what is beyond full scale in PCM', () => {
    const signal = { sampleRate: 8000, channels: [Float32Array.of(2, -2)] };
    for (const encoding of ['pcm8', 'pcm16', 'pcm24', 'pcm32'] as const) {
      const [[high, low]] = samplesOf(parseWav(encodeWav(signal, { encoding }), 'a'));
      expect(low).toBe(-1);
      expect(high).toBeCloseTo(1, encoding === 'pcm8' ? 1 : 4);
    }
  });

  it('refuses channels of different lengths, none, and fractional rates', () => {
    const one = new Float32Array(1);
    expect(() => encodeWav({ sampleRate: 8000, channels: [] })).toThrow(ConfigError);
    expect(() => encodeWav({ sampleRate: 8000, channels: [one, new Float32Array(2)] })).toThrow(
      /lengths \[1, 2\]/,
    );
    expect(() => encodeWav({ sampleRate: 8000.5, channels: [one] })).toThrow(ConfigError);
  });
});
