/** 2/√π: the error function's derivative at 0. */
export const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/**
 * The error function to float64 accuracy: its Maclaurin series for small |x|, the continued fraction of erfc by
 * Lentz's method for large.
 *
 * @source Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.5 and 7.1.14
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  return Math.sign(x) * (a < 2.5 ? series(a) : 1 - complement(a));
}

// erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·5···(2n+1)), all terms of which are positive
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return TWO_OVER_SQRT_PI * Math.exp(-x * x) * sum;
}

// √π·e^(x²)·erfc x = 1/(x + ½/(x + 1/(x + 3⁄2/(x + …))))
function complement(x: number): number {
  let fraction = x;
  let c = x;
  let d = 0;
  for (let n = 1; n < 200; n++) {
    d = 1 / (x + (n / 2) * d);
    c = x + n / 2 / c;
    const factor = c * d;
    fraction *= factor;
    if (Math.abs(factor - 1) < 1e-16) break;
  }
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
