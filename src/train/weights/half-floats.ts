const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The value of an IEEE 754 binary16 pattern; exact. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** The value of a bfloat16 pattern, the upper half of a float32; exact. */
export function bfloatToFloat(bits: number): number {
  word[0] = bits * 65536;
  return float[0];
}

/** The nearest binary16 pattern, ties to even; too large becomes infinite. */
export function floatToHalf(value: number): number {
  float[0] = value;
  const sign = (word[0] >>> 16) & 0x8000;
  const magnitude = Math.abs(float[0]);
  if (Number.isNaN(magnitude)) return sign | 0x7e00;
  // Half way between the largest finite half, 65504, and the next step, 65536.
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below 2^-14 halves are multiples of 2^-24; above, of 2^(exponent - 10).
  const exponent = Math.max(-14, ((word[0] >>> 23) & 255) - 127);
  const steps = roundToEven(magnitude * 2 ** (10 - exponent));
  // A subnormal has steps < 1024 and exponent field 0; carrying into the next exponent adds up by itself.
  return sign | (((exponent + 14) << 10) + steps);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
