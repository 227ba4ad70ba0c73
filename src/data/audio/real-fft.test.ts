import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '#core';
import { RealFft } from './real-fft.ts';

function transform(input: readonly number[]): { re: number[]; im: number[] } {
  const fft = new RealFft(input.length);
  const [re, im] = [new Float64Array(fft.bins), new Float64Array(fft.bins)];
  fft.transform(input, re, im);
  return { re: [...re], im: [...im] };
}

/** The definition, term by term. */
function slowTransform(input: readonly number[]): { re: number[]; im: number[] } {
  const n = input.length;
  const sum = (part: (angle: number) => number) =>
    Array.from({ length: Math.floor(n / 2) + 1 }, (_, k) =>
      input.reduce((total, value, i) => total + value * part((-2 * Math.PI * i * k) / n), 0),
    );
  return { re: sum(Math.cos), im: sum(Math.sin) };
}

function expectClose(got: readonly number[], expected: readonly number[], tolerance = 1e-9): void {
  expect(got).toHaveLength(expected.length);
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i] - expected[i])).toBeLessThan(tolerance);
}

describe('RealFft', () => {
  it('transforms four samples as on paper', () => {
    // X0 = 1+2+3+4, X1 = (1−3) + i(4−2), X2 = 1−2+3−4.
    const { re, im } = transform([1, 2, 3, 4]);
    expectClose(re, [10, -2, -2]);
    expectClose(im, [0, 2, 0]);
  });

  it('transforms three samples as on paper', () => {
    // X1 = 1 + 2 e^(−2πi/3) + 4 e^(−4πi/3) = 1 − 1 − 2 + i √3/2 (4 − 2).
    const { re, im } = transform([1, 2, 4]);
    expectClose(re, [7, -2]);
    expectClose(im, [0, Math.sqrt(3)]);
  });

  it.each([8, 64, 2048, 12, 15, 400])('puts a sine of 3 periods in %i samples into bin 3 alone', (size) => {
    const { re, im } = transform(
      Array.from({ length: size }, (_, i) => Math.sin((2 * Math.PI * 3 * i) / size)),
    );
    const expected = re.map(() => 0);
    expectClose(re, expected);
    expected[3] = -size / 2;
    expectClose(im, expected);
  });

  it('agrees with the definition for any size', () => {
    const inputs = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(inputs, (input) => {
        const [fast, slow] = [transform(input), slowTransform(input)];
        expectClose(fast.re, slow.re);
        expectClose(fast.im, slow.im);
      }),
    );
  });

  it('can be used again', () => {
    const fft = new RealFft(6);
    const [re, im] = [new Float64Array(4), new Float64Array(4)];
    fft.transform([5, 4, 3, 2, 1, 9], re, im);
    fft.transform([1, 0, 0, 0, 0, 0], re, im);
    expectClose([...re], [1, 1, 1, 1]);
    expectClose([...im], [0, 0, 0, 0]);
  });

  it('refuses sizes that are none', () => {
    for (const size of [0, 2.5, -4, Number.NaN]) expect(() => new RealFft(size)).toThrow(ConfigError);
  });
});
