import type { Dimension, Parameters, ParameterValue, SearchSpace } from './space.ts';

/** Floats are kept to this many significant digits, so that a decoded point reads well and encodes back exactly. */
const DIGITS = 6;

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function encodeValue(dimension: Dimension, value: ParameterValue | undefined): number {
  if (dimension.type === 'choice') {
    const index = dimension.values.indexOf(value ?? null);
    return (Math.max(0, index) + 0.5) / dimension.values.length;
  }
  // An integer owns the interval of width 1 around it, so that all are equally likely.
  const margin = dimension.type === 'int' ? 0.5 : 0;
  const low = dimension.low - margin;
  const high = dimension.high + margin;
  if (high === low) return 0.5;
  const x = clamp(Number(value), dimension.low, dimension.high);
  if (!dimension.log) return (x - low) / (high - low);
  return Math.log(x / low) / Math.log(high / low);
}

function decodeValue(dimension: Dimension, u: number): ParameterValue {
  const unit = clamp(u, 0, 1);
  if (dimension.type === 'choice') {
    return dimension.values[
      Math.min(dimension.values.length - 1, Math.floor(unit * dimension.values.length))
    ];
  }
  const margin = dimension.type === 'int' ? 0.5 : 0;
  const low = dimension.low - margin;
  const high = dimension.high + margin;
  const x = dimension.log ? low * (high / low) ** unit : low + unit * (high - low);
  const rounded = dimension.type === 'int' ? Math.round(x) : Number(x.toPrecision(DIGITS));
  return clamp(rounded, dimension.low, dimension.high);
}

/**
 * A point of a space as a vector in [0, 1]^D, one coordinate per dimension in the order of the space's keys.
 * Values outside their range are moved to its edge, unknown choices to the first.
 */
export function encodeParameters(space: SearchSpace, parameters: Parameters): Float64Array {
  return Float64Array.from(Object.entries(space), ([name, dimension]) =>
    encodeValue(dimension, parameters[name]),
  );
}

/**
 * The point of a space at a vector in [0, 1]^D; coordinates outside are moved to the edge. Floats are rounded to six
 * significant digits, so `decode(encode(decode(u)))` is exactly `decode(u)`.
 */
export function decodeParameters(space: SearchSpace, unit: ArrayLike<number>): Parameters {
  return Object.fromEntries(
    Object.entries(space).map(([name, dimension], d) => [name, decodeValue(dimension, unit[d])]),
  );
}
