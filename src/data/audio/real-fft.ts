import { ConfigError } from '#core';
import { ComplexFft } from './complex-fft.ts';

/**
 * Discrete Fourier transform of real numbers, X[k] = Σ_n x[n] e^(−2πi nk/N) for k = 0 … ⌊N/2⌋; the other half is its
 * mirror image. Any N: powers of two take one complex transform of half the size, other sizes the chirp transform of
 * Bluestein (1970). An instance keeps the tables of its size and is used again and again.
 *
 * @example
 * const fft = new RealFft(4);
 * const [re, im] = [new Float64Array(fft.bins), new Float64Array(fft.bins)];
 * fft.transform([1, 0, -1, 0], re, im); // re = [0, 2, 0], im = [0, 0, 0]
 */
export class RealFft {
  readonly size: number;
  /** Numbers that come out: ⌊size / 2⌋ + 1. */
  readonly bins: number;
  private readonly run: (input: ArrayLike<number>, re: Float64Array, im: Float64Array) => void;

  /** @throws ConfigError unless the size is a whole number from 1 to 2²⁴ */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 1 || size > 2 ** 24) {
      throw new ConfigError(
        `RealFft: size must be a whole number from 1 to ${2 ** 24}, but got ${size}. Choose a size such as 2048.`,
        { size },
      );
    }
    this.size = size;
    this.bins = Math.floor(size / 2) + 1;
    const isPowerOfTwo = (size & (size - 1)) === 0;
    this.run = isPowerOfTwo && size >= 2 ? packedTransform(size) : chirpTransform(size);
  }

  /**
   * @param input `size` numbers
   * @param re where the real parts go, `bins` numbers
   * @param im where the imaginary parts go, `bins` numbers
   */
  transform(input: ArrayLike<number>, re: Float64Array, im: Float64Array): void {
    this.run(input, re, im);
  }
}

/**
 * z[n] = x[2n] + i x[2n+1] holds both halves' transforms: with Z of half the size M,
 * E[k] = (Z[k] + Z*[M−k]) / 2 and O[k] = (Z[k] − Z*[M−k]) / 2i are those of the even and the odd samples, and
 * X[k] = E[k] + e^(−2πi k/N) O[k].
 */
function packedTransform(size: number) {
  const half = size / 2;
  const fft = new ComplexFft(half);
  const [a, b] = [new Float64Array(half), new Float64Array(half)];
  const cos = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: half + 1 }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
  return (input: ArrayLike<number>, re: Float64Array, im: Float64Array) => {
    for (let n = 0; n < half; n++) {
      a[n] = input[2 * n];
      b[n] = input[2 * n + 1];
    }
    fft.transform(a, b);
    for (let k = 0; k <= half; k++) {
      const i = k === half ? 0 : k;
      const j = k === 0 ? 0 : half - k;
      const evenRe = (a[i] + a[j]) / 2;
      const evenIm = (b[i] - b[j]) / 2;
      const oddRe = (b[i] + b[j]) / 2;
      const oddIm = (a[j] - a[i]) / 2;
      re[k] = evenRe + cos[k] * oddRe - sin[k] * oddIm;
      im[k] = evenIm + cos[k] * oddIm + sin[k] * oddRe;
    }
  };
}

/**
 * nk = (n² + k² − (k − n)²) / 2, so with the chirp w[n] = e^(−πi n²/N) the transform is a convolution,
 * X[k] = w[k] Σ_n (x[n] w[n]) w*[k − n], done by transforms whose size is a power of two of at least 2N − 1.
 */
function chirpTransform(size: number) {
  let padded = 1;
  while (padded < 2 * size - 1) padded *= 2;
  const fft = new ComplexFft(padded);
  // n² modulo 2N: the angle repeats, and large squares would lose their last digits.
  const angle = (n: number) => (Math.PI * ((n * n) % (2 * size))) / size;
  const cos = Float64Array.from({ length: size }, (_, n) => Math.cos(angle(n)));
  const sin = Float64Array.from({ length: size }, (_, n) => -Math.sin(angle(n)));
  const [filterRe, filterIm] = [new Float64Array(padded), new Float64Array(padded)];
  for (let n = 0; n < size; n++) {
    filterRe[n] = filterRe[(padded - n) % padded] = cos[n];
    filterIm[n] = filterIm[(padded - n) % padded] = -sin[n];
  }
  fft.transform(filterRe, filterIm);
  const [a, b] = [new Float64Array(padded), new Float64Array(padded)];
  return (input: ArrayLike<number>, re: Float64Array, im: Float64Array) => {
    a.fill(0);
    b.fill(0);
    for (let n = 0; n < size; n++) {
      a[n] = input[n] * cos[n];
      b[n] = input[n] * sin[n];
    }
    fft.transform(a, b);
    // The inverse transform is the conjugate of the transform of the conjugate, divided by the size.
    for (let k = 0; k < padded; k++) {
      const x = a[k];
      const y = b[k];
      a[k] = x * filterRe[k] - y * filterIm[k];
      b[k] = -(x * filterIm[k] + y * filterRe[k]);
    }
    fft.transform(a, b);
    for (let k = 0; k <= size / 2; k++) {
      const x = a[k] / padded;
      const y = -b[k] / padded;
      re[k] = x * cos[k] - y * sin[k];
      im[k] = x * sin[k] + y * cos[k];
    }
  };
}
