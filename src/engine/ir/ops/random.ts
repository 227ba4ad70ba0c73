import { ShapeError, sizeOf } from '#core';
import type { Emitter, OpTable } from '../op-rule.ts';
import { formatType } from '../shapes.ts';

/**
 * Random numbers as a function of (seed, step, stream, position): no state, so that a run that was resumed draws what
 * an uninterrupted one draws.
 *
 * Each position's counter goes through two rounds of a 31-bit mixing function of multiplications modulo the prime
 * 2³¹ − 1, with squaring as the non-linear part. All products stay below 2⁶², so that plain int64 arithmetic, which
 * every device has, is exact.
 */
const PRIME = 2147483647;
const ROUNDS = [
  [1583458089, 784588716],
  [1343714438, 950706376],
  [742938285, 1226874159],
] as const;
const STREAM_STEP = 1132489760;

const multiplyMod = (a: number, b: number): number => Number((BigInt(a) * BigInt(b)) % BigInt(PRIME));

/** One number in [0, 2³¹ − 1) from the key's two halves, the stream and a position. */
function mixed(seed: number, step: number, stream: number, position: number): number {
  let state = start(seed, step, stream, position);
  for (const [multiplier, increment] of ROUNDS) {
    const linear = (multiplyMod(state, multiplier) + increment) % PRIME;
    // x² + x·c scatters low bits into high ones and back.
    state = multiplyMod(linear, (linear + (state >>> 3)) % PRIME);
    state = (state + linear) % PRIME;
  }
  return state;
}

function start(seed: number, step: number, stream: number, position: number): number {
  const key = (multiplyMod(modulo(seed), ROUNDS[0][0]) + multiplyMod(modulo(step), ROUNDS[1][0])) % PRIME;
  const place =
    (multiplyMod(stream % PRIME, STREAM_STEP) + multiplyMod(position % PRIME, ROUNDS[2][0])) % PRIME;
  return (key + place) % PRIME;
}

const modulo = (x: number): number => ((x % PRIME) + PRIME) % PRIME;

/** The same arithmetic as int64 nodes. */
function emitMixed(e: Emitter, key: string, stream: number, count: number): string {
  const constant = (value: number) => e.int64(value);
  const prime = constant(PRIME);
  const mod = (x: string) => e.node('Mod', [x, prime]);
  const times = (x: string, factor: number) => mod(e.node('Mul', [x, constant(factor)]));
  const [seed, step] = e.nodes('Split', [mod(key), e.int64([1, 1])], {
    outputs: 2,
    attributes: { axis: { int: 0 } },
  });
  const keyed = mod(e.node('Add', [times(seed, ROUNDS[0][0]), times(step, ROUNDS[1][0])]));
  const places = BigInt64Array.from({ length: count }, (_, i) =>
    BigInt((multiplyMod(stream % PRIME, STREAM_STEP) + multiplyMod(i % PRIME, ROUNDS[2][0])) % PRIME),
  );
  let state = mod(e.node('Add', [e.constant(places, [count], 'int64'), keyed]));
  for (const [multiplier, increment] of ROUNDS) {
    const linear = mod(e.node('Add', [times(state, multiplier), constant(increment)]));
    const eighth = e.node('Div', [state, constant(8)]);
    const squared = mod(e.node('Mul', [linear, mod(e.node('Add', [linear, eighth]))]));
    state = mod(e.node('Add', [squared, linear]));
  }
  return state;
}

/** Counter-based random numbers. */
export const randomRules: Pick<OpTable, 'randomUniform'> = {
  randomUniform: {
    infer: ([key], { shape }, where) => {
      if (key.dtype !== 'int64' || String(key.shape) !== '2') {
        throw new ShapeError(
          `${where}: the key must be int64[2], seed and step, but got ${formatType(key)}. Build it with those two.`,
          { shape: [...key.shape] },
        );
      }
      return [{ dtype: 'float32', shape }];
    },
    gradient: 'none',
    reference: ([key], { shape, stream }) => [
      // 24 bits, as many as a float32 in [0, 1) holds
      Float64Array.from(
        { length: sizeOf(shape) },
        (_, i) => Math.floor(mixed(key.data[0], key.data[1], stream, i) / 128) / 16777216,
      ),
    ],
    lowerings: [
      {
        name: 'Mul, Mod',
        emit: (e, { inputs: [key], attributes: { shape, stream } }) => {
          const state = emitMixed(e, e.plain(key), stream, sizeOf(shape));
          const bits = e.cast(e.node('Div', [state, e.int64(128)]), 'float32');
          return [e.reshape(e.node('Mul', [bits, e.scalar(1 / 16777216, 'float32')]), shape)];
        },
      },
    ],
  },
};
