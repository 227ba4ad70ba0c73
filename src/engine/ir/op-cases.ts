/** One small case or more of every op: operands, the call, and values worked out by hand. Tests run them all. */
import { type DType, Rng, type Shape, sizeOf } from '#core';
import * as build from './build.ts';
import type { OpName } from './op-attributes.ts';
import type { Value } from './value.ts';

/** Contents of an operand: random normal numbers of a shape unless `data` is given. */
export interface CaseInput {
  readonly shape: Shape;
  readonly data?: readonly number[];
  readonly dtype?: DType;
  /** Random numbers are drawn from (0.2, 2.2). */
  readonly positive?: boolean;
}

export interface OpCase {
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly make: (...inputs: Value[]) => Value | readonly Value[];
  /** Outputs for the given `data`, the arithmetic in a comment beside it. */
  readonly expected?: readonly (readonly number[])[];
  /** Gradients exist and are smooth at the operands: first and second derivative are checked. */
  readonly smooth?: boolean;
  /** The gradient is checked once: piecewise linear functions. */
  readonly linear?: boolean;
}

/** Data for an input: its own, or numbers from a seed. */
export function caseData({ shape, data, positive }: CaseInput, seed: number): number[] {
  if (data !== undefined) return [...data];
  const rng = new Rng(seed);
  // Rounded to float32, so that the interpreter and ONNX Runtime see the same numbers.
  return Array.from({ length: sizeOf(shape) }, () =>
    Math.fround(positive ? 0.2 + 2 * rng.uniform() : rng.normal()),
  );
}

const of = (...data: number[]): CaseInput => ({ shape: [data.length], data });
const random = (...shape: number[]): CaseInput => ({ shape });
const positive = (...shape: number[]): CaseInput => ({ shape, positive: true });
const bools = (...data: number[]): CaseInput => ({ shape: [data.length], data, dtype: 'bool' });
const whole = (shape: Shape, ...data: number[]): CaseInput => ({ shape, data, dtype: 'int64' });

const conv = (strides: number, pads: readonly number[], dilation = 1, groups = 1) => ({
  strides: [strides, strides] as const,
  pads: pads as readonly [number, number, number, number],
  dilations: [dilation, dilation] as const,
  groups,
});
const pool = (kernel: number, stride: number, pads: readonly number[] = [0, 0, 0, 0]) => ({
  kernel: [kernel, kernel] as const,
  strides: [stride, stride] as const,
  pads: pads as readonly [number, number, number, number],
});
const same = [1, 1, 1, 1];

/** Convolutions as [x, weight, attributes]. */
const convolutions: readonly (readonly [string, Shape, Shape, ReturnType<typeof conv>])[] = [
  ['plain', [2, 3, 5, 4], [4, 3, 3, 3], conv(1, same)],
  ['pointwise', [2, 16, 4, 4], [24, 16, 1, 1], conv(1, [0, 0, 0, 0])],
  ['pointwise with stride', [2, 16, 5, 5], [16, 16, 1, 1], conv(2, [0, 0, 0, 0])],
  ['dense blocks', [2, 16, 6, 6], [32, 16, 3, 3], conv(1, same)],
  ['dense with padded channels', [2, 24, 5, 5], [40, 24, 3, 3], conv(1, same)],
  ['dense with stride', [2, 16, 6, 6], [16, 16, 3, 3], conv(2, same)],
  ['stem, TensorFlow same', [2, 3, 8, 8], [16, 3, 3, 3], conv(2, [0, 0, 1, 1])],
  ['depthwise', [2, 16, 6, 5], [16, 1, 3, 3], conv(1, same, 1, 16)],
  ['depthwise with stride, TensorFlow same', [2, 32, 8, 8], [32, 1, 5, 5], conv(2, [1, 1, 2, 2], 1, 32)],
  ['depthwise of few channels', [2, 3, 5, 5], [3, 1, 3, 3], conv(1, same, 1, 3)],
  ['groups', [2, 4, 5, 5], [6, 2, 3, 3], conv(1, same, 1, 2)],
  ['dilated, rest of the stride unread', [1, 2, 8, 9], [3, 2, 2, 3], conv(2, [1, 0, 0, 2], 2)],
  ['asymmetric pads', [2, 2, 5, 5], [3, 2, 3, 2], conv(1, [2, 0, 1, 1])],
];

const convCases = (
  make: (x: Value, w: Value, y: Value, attributes: ReturnType<typeof conv>) => Value,
  operands: (x: Shape, w: Shape, y: Shape) => readonly [Shape, Shape],
  role: 'y' | 'x' | 'w',
): OpCase[] =>
  convolutions.map(([name, x, w, attributes]) => {
    const y = build.conv2d(build.input('x', 'float32', x), build.input('w', 'float32', w), attributes).shape;
    return {
      name,
      inputs: operands(x, w, y).map((shape) => ({ shape })),
      linear: true,
      make: (a, b) => {
        const shaped = (shape: Shape) => build.input('unused', 'float32', shape);
        if (role === 'y') return make(a, b, shaped(y), attributes);
        if (role === 'x') return make(shaped(x), b, a, attributes);
        return make(a, shaped(w), b, attributes);
      },
    };
  });

const poolings = [
  ['tiles', [2, 3, 4, 6], pool(2, 2)],
  ['overlapping', [2, 2, 7, 7], pool(3, 2, same)],
  ['unread rest', [1, 2, 5, 5], pool(2, 2)],
  ['blocks', [2, 16, 6, 6], pool(2, 2)],
] as const;

/** Unary functions: operands where they are defined and smooth, or the points that show them best. */
const unary = (
  op: 'exp' | 'log' | 'sqrt' | 'reciprocal' | 'erf' | 'sigmoid' | 'tanh' | 'sin' | 'cos' | 'silu' | 'neg',
) => [{ name: 'smooth', inputs: [positive(2, 3)], make: (x: Value) => build[op](x), smooth: true }];

/** Cases of every op. The type asks for a case of each. */
export const opCases: { readonly [K in OpName]: readonly OpCase[] } = {
  input: [{ name: 'itself', inputs: [of(1, 2)], make: (x) => x, expected: [[1, 2]] }],
  constant: [
    {
      name: 'half',
      inputs: [],
      make: () => build.constant(Float32Array.of(0.5), [1], 'float32'),
      expected: [[0.5]],
    },
  ],
  variable: [
    {
      name: 'contents',
      inputs: [],
      make: () => build.variable({ name: 'w', dtype: 'float32', shape: [2], data: Float32Array.of(3, 4) }),
      expected: [[3, 4]],
    },
  ],
  add: [
    { name: 'sums', inputs: [of(1, 2), of(3, 5)], make: build.add, expected: [[4, 7]] },
    { name: 'broadcast', inputs: [random(2, 1, 3), random(4, 1)], make: build.add, smooth: true },
  ],
  sub: [
    { name: 'differences', inputs: [of(1, 2), of(3, 5)], make: build.sub, expected: [[-2, -3]] },
    { name: 'broadcast', inputs: [random(3), random(2, 3)], make: build.sub, smooth: true },
  ],
  mul: [
    { name: 'products', inputs: [of(2, 3), of(4, 5)], make: build.mul, expected: [[8, 15]] },
    { name: 'broadcast', inputs: [random(2, 3), random(2, 1)], make: build.mul, smooth: true },
  ],
  div: [
    { name: 'quotients', inputs: [of(6, 9), of(3, 2)], make: build.div, expected: [[2, 4.5]] },
    { name: 'broadcast', inputs: [random(2, 3), positive(3)], make: build.div, smooth: true },
  ],
  pow: [
    // 2³ = 8, 9^½ = 3
    { name: 'powers', inputs: [of(2, 9), of(3, 0.5)], make: build.pow, expected: [[8, 3]] },
    { name: 'broadcast', inputs: [positive(2, 3), random(3)], make: build.pow, smooth: true },
  ],
  maximum: [
    { name: 'larger', inputs: [of(1, 5), of(3, 2)], make: build.maximum, expected: [[3, 5]] },
    { name: 'broadcast', inputs: [random(2, 3), random(3)], make: build.maximum, linear: true },
  ],
  minimum: [
    { name: 'smaller', inputs: [of(1, 5), of(3, 2)], make: build.minimum, expected: [[1, 2]] },
    { name: 'broadcast', inputs: [random(2, 3), random(3)], make: build.minimum, linear: true },
  ],
  mod: [
    // −7 = −3·3 + 2 and 7.5 = −3·−2 + … : the sign is the divisor's
    { name: 'sign of the divisor', inputs: [of(-7, 7.5), of(3, -2)], make: build.mod, expected: [[2, -0.5]] },
    { name: 'smooth parts', inputs: [of(5.3, -2.2, 7.1), of(2, 3, 1.5)], make: build.mod, linear: true },
  ],
  equal: [{ name: 'compares', inputs: [of(1, 2), of(1, 3)], make: build.equal, expected: [[1, 0]] }],
  less: [{ name: 'compares', inputs: [of(1, 3, 2), of(2, 2, 2)], make: build.less, expected: [[1, 0, 0]] }],
  lessEqual: [
    { name: 'compares', inputs: [of(1, 3, 2), of(2, 2, 2)], make: build.lessEqual, expected: [[1, 0, 1]] },
  ],
  greater: [
    { name: 'compares', inputs: [of(1, 3, 2), of(2, 2, 2)], make: build.greater, expected: [[0, 1, 0]] },
  ],
  greaterEqual: [
    { name: 'compares', inputs: [of(1, 3, 2), of(2, 2, 2)], make: build.greaterEqual, expected: [[0, 1, 1]] },
  ],
  and: [
    {
      name: 'both',
      inputs: [bools(0, 0, 1, 1), bools(0, 1, 0, 1)],
      make: build.and,
      expected: [[0, 0, 0, 1]],
    },
  ],
  or: [
    {
      name: 'either',
      inputs: [bools(0, 0, 1, 1), bools(0, 1, 0, 1)],
      make: build.or,
      expected: [[0, 1, 1, 1]],
    },
  ],
  not: [{ name: 'neither', inputs: [bools(0, 1)], make: build.not, expected: [[1, 0]] }],
  where: [
    { name: 'chooses', inputs: [bools(1, 0), of(1, 2), of(3, 4)], make: build.where, expected: [[1, 4]] },
    {
      name: 'broadcast',
      inputs: [bools(1, 0, 1), random(2, 3), random(2, 1)],
      make: build.where,
      smooth: true,
    },
  ],
  cast: [
    {
      name: 'towards zero',
      inputs: [of(1.7, -1.7)],
      make: (x) => build.cast(x, 'int32'),
      expected: [[1, -1]],
    },
    // 1 + 2⁻¹¹ lies halfway between two float16 numbers; the even one is 1
    {
      name: 'to half precision and back',
      inputs: [of(1 + 2 ** -11, 0.1)],
      make: (x) => build.cast(build.cast(x, 'float16'), 'float32'),
      expected: [[1, 0.0999755859375]],
    },
    { name: 'to double', inputs: [random(3)], make: (x) => build.cast(x, 'float64'), smooth: true },
  ],
  neg: [{ name: 'opposite', inputs: [of(1, -2)], make: build.neg, expected: [[-1, 2]] }, ...unary('neg')],
  abs: [{ name: 'size', inputs: [of(1.5, -2)], make: build.abs, expected: [[1.5, 2]], linear: true }],
  sign: [{ name: 'direction', inputs: [of(3, -2, 0)], make: build.sign, expected: [[1, -1, 0]] }],
  // e⁰ = 1, e^(ln 2) = 2
  exp: [
    { name: 'powers of e', inputs: [of(0, Math.LN2)], make: build.exp, expected: [[1, 2]] },
    ...unary('exp'),
  ],
  log: [{ name: 'natural', inputs: [of(1, Math.E)], make: build.log, expected: [[0, 1]] }, ...unary('log')],
  sqrt: [{ name: 'roots', inputs: [of(4, 2.25)], make: build.sqrt, expected: [[2, 1.5]] }, ...unary('sqrt')],
  reciprocal: [
    { name: 'inverse', inputs: [of(4, -0.5)], make: build.reciprocal, expected: [[0.25, -2]] },
    ...unary('reciprocal'),
  ],
  // erf 0.5 and erf 2 from tables (Abramowitz and Stegun, table 7.1)
  erf: [
    {
      name: 'tables',
      inputs: [of(0, 0.5, -2, 3)],
      make: build.erf,
      expected: [[0, 0.5204998778, -0.995322265, 0.9999779095]],
    },
    ...unary('erf'),
  ],
  // 1/(1 + e^−ln 3) = 3/4
  sigmoid: [
    { name: 'logistic', inputs: [of(0, Math.log(3))], make: build.sigmoid, expected: [[0.5, 0.75]] },
    ...unary('sigmoid'),
  ],
  // tanh(ln 2) = (4 − 1)/(4 + 1)
  tanh: [
    { name: 'values', inputs: [of(0, Math.LN2)], make: build.tanh, expected: [[0, 0.6]] },
    ...unary('tanh'),
  ],
  sin: [
    { name: 'values', inputs: [of(0, Math.PI / 6)], make: build.sin, expected: [[0, 0.5]] },
    ...unary('sin'),
  ],
  cos: [
    { name: 'values', inputs: [of(0, Math.PI / 3)], make: build.cos, expected: [[1, 0.5]] },
    ...unary('cos'),
  ],
  floor: [{ name: 'down', inputs: [of(1.5, -1.5)], make: build.floor, expected: [[1, -2]] }],
  ceil: [{ name: 'up', inputs: [of(1.5, -1.5)], make: build.ceil, expected: [[2, -1]] }],
  round: [
    {
      name: 'halves to even',
      inputs: [of(0.5, 1.5, 2.5, -0.6)],
      make: build.round,
      expected: [[0, 2, 2, -1]],
    },
  ],
  isFinite: [
    {
      name: 'numbers, infinities and NaN',
      inputs: [of(1, Number.POSITIVE_INFINITY, Number.NaN)],
      make: build.finite,
      expected: [[1, 0, 0]],
    },
  ],
  relu: [
    { name: 'clips', inputs: [of(1.5, -2, 0)], make: build.relu, expected: [[1.5, 0, 0]] },
    { name: 'slopes', inputs: [random(7)], make: build.relu, linear: true },
  ],
  // x·σ(x) at ln 3: ln 3·3/4
  silu: [
    { name: 'values', inputs: [of(0, Math.log(3))], make: build.silu, expected: [[0, Math.log(3) * 0.75]] },
    ...unary('silu'),
  ],
  stopGradient: [{ name: 'itself', inputs: [of(1, 2)], make: build.stopGradient, expected: [[1, 2]] }],
  after: [
    { name: 'itself', inputs: [of(1, 2), of(7, 8, 9)], make: build.after, expected: [[1, 2]] },
    {
      name: 'smooth',
      inputs: [random(2, 2), random(3)],
      make: (x, z) => build.exp(build.after(x, z)),
      smooth: true,
    },
  ],
  sum: [
    // Rows 1 + 2 and 3 + 4
    {
      name: 'rows',
      inputs: [{ shape: [2, 2], data: [1, 2, 3, 4] }],
      make: (x) => build.sum(x, 1),
      expected: [[3, 7]],
    },
    { name: 'several axes', inputs: [random(2, 3, 4)], make: (x) => build.sum(x, [0, 2]), smooth: true },
    { name: 'kept axis', inputs: [random(2, 3)], make: (x) => build.sum(x, 0, true), smooth: true },
  ],
  reduceMax: [
    {
      name: 'rows',
      inputs: [{ shape: [2, 2], data: [1, 2, 4, 3] }],
      make: (x) => build.reduceMax(x, 1),
      expected: [[2, 4]],
    },
    {
      name: 'several axes',
      inputs: [random(2, 3, 4)],
      make: (x) => build.reduceMax(x, [0, 2]),
      linear: true,
    },
  ],
  reduceMin: [
    {
      name: 'rows',
      inputs: [{ shape: [2, 2], data: [1, 2, 4, 3] }],
      make: (x) => build.reduceMin(x, 1),
      expected: [[1, 3]],
    },
    {
      name: 'several axes',
      inputs: [random(2, 3, 4)],
      make: (x) => build.reduceMin(x, [0, 2]),
      linear: true,
    },
  ],
  logSumExp: [
    // log(e⁰ + e⁰) = ln 2; log(1 + 3) = ln 4
    {
      name: 'rows',
      inputs: [{ shape: [2, 2], data: [0, 0, 0, Math.log(3)] }],
      make: (x) => build.logSumExp(x, 1),
      expected: [[Math.LN2, Math.log(4)]],
    },
    {
      name: 'several axes',
      inputs: [random(2, 3, 2)],
      make: (x) => build.logSumExp(x, [0, 2], true),
      smooth: true,
    },
  ],
  argMax: [
    {
      name: 'first of equal ones',
      inputs: [{ shape: [2, 3], data: [1, 5, 5, 9, 2, 3] }],
      make: (x) => build.argMax(x, 1),
      expected: [[1, 0]],
    },
  ],
  cumSum: [
    { name: 'running', inputs: [of(1, 2, 3)], make: (x) => build.cumSum(x), expected: [[1, 3, 6]] },
    {
      name: 'exclusive',
      inputs: [of(1, 2, 3)],
      make: (x) => build.cumSum(x, 0, { exclusive: true }),
      expected: [[0, 1, 3]],
    },
    {
      name: 'from the end',
      inputs: [random(2, 3)],
      make: (x) => build.cumSum(x, 1, { reverse: true }),
      smooth: true,
    },
  ],
  topK: [
    {
      name: 'largest',
      inputs: [of(3, 9, 5)],
      make: (x) => build.topK(x, 2),
      expected: [
        [9, 5],
        [1, 2],
      ],
    },
    {
      name: 'smallest',
      inputs: [of(3, 9, 5)],
      make: (x) => build.topK(x, 2, 0, false),
      expected: [
        [3, 5],
        [0, 2],
      ],
    },
    { name: 'along an axis', inputs: [random(2, 5, 2)], make: (x) => build.topK(x, 2, 1)[0], linear: true },
  ],
  softmax: [
    // e⁰ : e^(ln 3) = 1 : 3
    {
      name: 'shares',
      inputs: [{ shape: [1, 2], data: [0, Math.log(3)] }],
      make: (x) => build.softmax(x),
      expected: [[0.25, 0.75]],
    },
    { name: 'inner axis', inputs: [random(2, 3, 2)], make: (x) => build.softmax(x, 1), smooth: true },
  ],
  logSoftmax: [
    {
      name: 'logarithms',
      inputs: [{ shape: [1, 2], data: [0, Math.log(3)] }],
      make: (x) => build.logSoftmax(x),
      expected: [[Math.log(0.25), Math.log(0.75)]],
    },
    { name: 'inner axis', inputs: [random(2, 3, 2)], make: (x) => build.logSoftmax(x, 1), smooth: true },
  ],
  matmul: [
    // [1 2; 3 4]·[5; 6] = [1·5 + 2·6; 3·5 + 4·6]
    {
      name: 'matrix and column',
      inputs: [
        { shape: [2, 2], data: [1, 2, 3, 4] },
        { shape: [2, 1], data: [5, 6] },
      ],
      make: (a, b) => build.matmul(a, b),
      expected: [[17, 39]],
    },
    { name: 'plain', inputs: [random(3, 4), random(4, 2)], make: (a, b) => build.matmul(a, b), smooth: true },
    {
      name: 'first transposed',
      inputs: [random(4, 3), random(4, 2)],
      make: (a, b) => build.matmul(a, b, { transposeA: true }),
      smooth: true,
    },
    {
      name: 'second transposed',
      inputs: [random(3, 4), random(2, 4)],
      make: (a, b) => build.matmul(a, b, { transposeB: true }),
      smooth: true,
    },
    {
      name: 'both transposed',
      inputs: [random(4, 3), random(2, 4)],
      make: (a, b) => build.matmul(a, b, { transposeA: true, transposeB: true }),
      smooth: true,
    },
    {
      name: 'batches that broadcast',
      inputs: [random(2, 1, 3, 4), random(3, 4, 2)],
      make: (a, b) => build.matmul(a, b),
      smooth: true,
    },
    {
      name: 'batches, transposed',
      inputs: [random(2, 4, 3), random(2, 5, 4)],
      make: (a, b) => build.matmul(a, b, { transposeA: true, transposeB: true }),
      smooth: true,
    },
  ],
  gemm: [
    // 1·3 + 2·4 + ½·10
    {
      name: 'product and addend',
      inputs: [{ shape: [1, 2], data: [1, 2] }, { shape: [2, 1], data: [3, 4] }, { shape: [1, 1], data: [10] }],
      make: (a, b, c) => build.gemm(a, b, c, { transposeA: false, transposeB: false, beta: 0.5 }),
      expected: [[16]],
    },
    {
      name: 'transposed',
      inputs: [random(4, 3), random(2, 4), random(3, 2)],
      make: (a, b, c) => build.gemm(a, b, c, { transposeA: true, transposeB: true, beta: 2 }),
      smooth: true,
    },
  ],
  addScaled: [
    // 5 − 2·3
    { name: 'minus', inputs: [of(5), of(2), { shape: [], data: [3] }], make: (x, z, f) => build.addScaled(x, z, f, -1), expected: [[-1]] },
    { name: 'many elements', inputs: [random(32, 1024), random(32, 1024), { shape: [], data: [0.5] }], make: (x, z, f) => build.addScaled(x, z, f, -1) },
    { name: 'smooth', inputs: [random(2, 3), random(2, 3), { shape: [], data: [0.7] }], make: (x, z, f) => build.addScaled(x, z, f), smooth: true },
  ],
  conv2d: [
    // A kernel of ones adds up each 2×2 window of 1 … 9: 1+2+4+5 = 12, …
    {
      name: 'window sums',
      inputs: [
        { shape: [1, 1, 3, 3], data: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
        { shape: [1, 1, 2, 2], data: [1, 1, 1, 1] },
      ],
      make: (x, w) => build.conv2d(x, w, conv(1, [0, 0, 0, 0])),
      expected: [[12, 16, 24, 28]],
    },
    ...convCases(
      (x, w, _, attributes) => build.conv2d(x, w, attributes),
      (x, w) => [x, w],
      'y',
    ),
  ],
  conv2dInput: [
    // Each of the four gradients spreads over its window: corners get one, edges two, the centre all
    {
      name: 'window spread',
      inputs: [
        { shape: [1, 1, 2, 2], data: [1, 2, 3, 4] },
        { shape: [1, 1, 2, 2], data: [1, 1, 1, 1] },
      ],
      make: (dy, w) => build.conv2dInput(dy, w, { ...conv(1, [0, 0, 0, 0]), shape: [1, 1, 3, 3] }),
      expected: [[1, 3, 2, 4, 10, 6, 3, 7, 4]],
    },
    ...convCases(
      (x, w, y, attributes) => build.conv2dInput(y, w, { ...attributes, shape: x.shape }),
      (_, w, y) => [y, w],
      'x',
    ),
  ],
  conv2dWeight: [
    // With one output the gradient is the window itself
    {
      name: 'window',
      inputs: [
        { shape: [1, 1, 2, 2], data: [1, 2, 3, 4] },
        { shape: [1, 1, 1, 1], data: [2] },
      ],
      make: (x, dy) => build.conv2dWeight(x, dy, { ...conv(1, [0, 0, 0, 0]), shape: [1, 1, 2, 2] }),
      expected: [[2, 4, 6, 8]],
    },
    ...convCases(
      (x, w, y, attributes) => build.conv2dWeight(x, y, { ...attributes, shape: w.shape }),
      (x, _, y) => [x, y],
      'w',
    ),
  ],
  channelAffine: [
    {
      name: 'per channel',
      inputs: [{ shape: [1, 2, 2], data: [1, 2, 3, 4] }, of(10, 100), of(1, 2)],
      make: build.channelAffine,
      expected: [[11, 21, 302, 402]],
    },
    {
      name: 'blocks',
      inputs: [random(2, 16, 2, 3), random(16), random(16)],
      make: build.channelAffine,
      smooth: true,
    },
    {
      name: 'padded channels',
      inputs: [random(2, 24, 2, 3), random(24), random(24)],
      make: build.channelAffine,
      linear: true,
    },
    {
      name: 'per sample, no shift',
      inputs: [random(2, 16, 2, 2), random(2, 16)],
      make: (x, s) => build.channelAffine(x, s),
      smooth: true,
    },
    { name: 'matrix', inputs: [random(4, 3), random(3), random(3)], make: build.channelAffine, smooth: true },
  ],
  channelDot: [
    // 1·5 + 2·6 and 3·7 + 4·8
    {
      name: 'per channel',
      inputs: [
        { shape: [1, 2, 2], data: [1, 2, 3, 4] },
        { shape: [1, 2, 2], data: [5, 6, 7, 8] },
      ],
      make: (x, y) => build.channelDot(x, y),
      expected: [[17, 53]],
    },
    {
      name: 'blocks',
      inputs: [random(2, 16, 2, 3), random(2, 16, 2, 3)],
      make: (x, y) => build.channelDot(x, y),
      smooth: true,
    },
    {
      name: 'with itself, padded channels',
      inputs: [random(2, 24, 2, 3)],
      make: (x) => build.channelDot(x, x),
      linear: true,
    },
    {
      name: 'per sample',
      inputs: [random(2, 16, 2, 2), random(2, 16, 2, 2)],
      make: (x, y) => build.channelDot(x, y, true),
      smooth: true,
    },
  ],
  channelSum: [
    {
      name: 'per channel',
      inputs: [{ shape: [1, 2, 2], data: [1, 2, 3, 4] }],
      make: (x) => build.channelSum(x),
      expected: [[3, 7]],
    },
    { name: 'blocks', inputs: [random(2, 16, 2, 3)], make: (x) => build.channelSum(x), smooth: true },
    {
      name: 'per sample',
      inputs: [random(2, 24, 2, 2)],
      make: (x) => build.channelSum(x, true),
      linear: true,
    },
    { name: 'matrix', inputs: [random(4, 3)], make: (x) => build.channelSum(x), smooth: true },
  ],
  channelMoments: [
    // Channel 1: mean 2, variance ((−1)² + 1²)/2 = 1; channel 2: mean 5, variance 4
    {
      name: 'per channel',
      inputs: [{ shape: [1, 2, 2], data: [1, 3, 3, 7] }],
      make: build.channelMoments,
      expected: [
        [2, 5],
        [1, 4],
      ],
    },
    { name: 'blocks', inputs: [random(3, 16, 2, 3)], make: build.channelMoments, smooth: true },
    { name: 'padded channels', inputs: [random(3, 24, 2, 3)], make: build.channelMoments, linear: true },
    { name: 'matrix', inputs: [random(5, 3)], make: build.channelMoments, smooth: true },
  ],
  maxPool2d: [
    {
      name: 'window',
      inputs: [{ shape: [1, 1, 2, 2], data: [1, 4, 3, 2] }],
      make: (x) => build.maxPool2d(x, pool(2, 2)),
      expected: [[4]],
    },
    ...poolings.map(
      ([name, shape, attributes]): OpCase => ({
        name,
        inputs: [{ shape }],
        make: (x) => build.maxPool2d(x, attributes),
        linear: true,
      }),
    ),
  ],
  maxPool2dScatter: [
    {
      name: 'window',
      inputs: [
        { shape: [1, 1, 1, 1], data: [7] },
        { shape: [1, 1, 2, 2], data: [1, 4, 4, 2] },
      ],
      make: (dy, x) => build.maxPool2dScatter(dy, x, build.maxPool2d(x, pool(2, 2)), pool(2, 2)),
      expected: [[0, 7, 0, 0]],
    },
    ...poolings.map(([name, shape, attributes]): OpCase => {
      const pooled = build.maxPool2d(build.input('x', 'float32', shape), attributes).shape;
      return {
        name,
        inputs: [{ shape: pooled }, { shape }],
        make: (dy, x) =>
          build.maxPool2dScatter(
            dy,
            build.stopGradient(x),
            build.stopGradient(build.maxPool2d(x, attributes)),
            attributes,
          ),
        linear: true,
      };
    }),
  ],
  maxPool2dGather: poolings.map(
    ([name, shape, attributes]): OpCase => ({
      name,
      inputs: [{ shape }, { shape }],
      make: (g, x) =>
        build.maxPool2dGather(
          g,
          build.stopGradient(x),
          build.stopGradient(build.maxPool2d(x, attributes)),
          attributes,
        ),
      linear: true,
    }),
  ),
  averagePool2d: [
    {
      name: 'window',
      inputs: [{ shape: [1, 1, 2, 2], data: [1, 4, 3, 2] }],
      make: (x) => build.averagePool2d(x, { ...pool(2, 2), countIncludePad: true }),
      expected: [[2.5]],
    },
    ...poolings.flatMap(([name, shape, attributes]) =>
      [true, false].map(
        (countIncludePad): OpCase => ({
          name: `${name}${countIncludePad ? ', padding counts' : ''}`,
          inputs: [{ shape }],
          make: (x) => build.averagePool2d(x, { ...attributes, countIncludePad }),
          linear: true,
        }),
      ),
    ),
  ],
  averagePool2dGradient: poolings.map(([name, shape, attributes]): OpCase => {
    const pooled = build.maxPool2d(build.input('x', 'float32', shape), attributes).shape;
    return {
      name,
      inputs: [{ shape: pooled }],
      make: (dy) => build.averagePool2dGradient(dy, { ...attributes, countIncludePad: false, shape }),
      linear: true,
    };
  }),
  resize2d: [
    {
      name: 'nearest',
      inputs: [{ shape: [1, 1, 1, 2], data: [1, 2] }],
      make: (x) => build.resize2d(x, { size: [2, 4], mode: 'nearest', alignCorners: false }),
      expected: [[1, 1, 2, 2, 1, 1, 2, 2]],
    },
    // Points −¼ → 0, ¼, ¾ and 1¼ → 1 between 0 and 4
    {
      name: 'bilinear',
      inputs: [{ shape: [1, 1, 1, 2], data: [0, 4] }],
      make: (x) => build.resize2d(x, { size: [1, 4], mode: 'bilinear', alignCorners: false }),
      expected: [[0, 1, 3, 4]],
    },
    {
      name: 'smaller',
      inputs: [random(1, 2, 5, 4)],
      make: (x) => build.resize2d(x, { size: [3, 2], mode: 'bilinear', alignCorners: false }),
      smooth: true,
    },
    {
      name: 'corners',
      inputs: [random(2, 1, 3, 4)],
      make: (x) => build.resize2d(x, { size: [5, 7], mode: 'bilinear', alignCorners: true }),
      smooth: true,
    },
    {
      name: 'nearest, odd factor',
      inputs: [random(1, 2, 5, 4)],
      make: (x) => build.resize2d(x, { size: [7, 3], mode: 'nearest', alignCorners: false }),
      smooth: true,
    },
  ],
  reshape: [
    {
      name: 'columns',
      inputs: [of(1, 2, 3, 4)],
      make: (x) => build.reshape(x, [2, -1]),
      expected: [[1, 2, 3, 4]],
      smooth: true,
    },
  ],
  transpose: [
    {
      name: 'matrix',
      inputs: [{ shape: [2, 2], data: [1, 2, 3, 4] }],
      make: (x) => build.transpose(x),
      expected: [[1, 3, 2, 4]],
    },
    {
      name: 'three axes',
      inputs: [random(2, 3, 4)],
      make: (x) => build.transpose(x, [2, 0, 1]),
      smooth: true,
    },
  ],
  expand: [
    { name: 'repeats', inputs: [of(1, 2)], make: (x) => build.expand(x, [2, 2]), expected: [[1, 2, 1, 2]] },
    { name: 'inner axis', inputs: [random(2, 1, 3)], make: (x) => build.expand(x, [2, 4, 3]), smooth: true },
  ],
  slice: [
    { name: 'part', inputs: [of(1, 2, 3, 4)], make: (x) => build.slice(x, [1], [3]), expected: [[2, 3]] },
    {
      name: 'backwards',
      inputs: [of(1, 2, 3, 4)],
      make: (x) => build.slice(x, [3], [-1], [-1]),
      expected: [[4, 3, 2, 1]],
      smooth: true,
    },
    {
      name: 'every second',
      inputs: [random(2, 5)],
      make: (x) => build.slice(x, [0, 1], [2, 5], [1, 2]),
      smooth: true,
    },
    {
      name: 'every second backwards',
      inputs: [random(6, 2)],
      make: (x) => build.slice(x, [4, 0], [-1, 2], [-2, 1]),
      smooth: true,
    },
  ],
  pad: [
    {
      name: 'with a value',
      inputs: [of(1, 2)],
      make: (x) => build.pad(x, [1], [2], 9),
      expected: [[9, 1, 2, 9, 9]],
    },
    { name: 'two axes', inputs: [random(2, 3)], make: (x) => build.pad(x, [0, 1], [2, 0]), smooth: true },
  ],
  concat: [
    { name: 'joins', inputs: [of(1, 2), of(3)], make: (x, z) => build.concat([x, z]), expected: [[1, 2, 3]] },
    {
      name: 'inner axis',
      inputs: [random(2, 1, 2), random(2, 3, 2)],
      make: (x, z) => build.concat([x, z], 1),
      smooth: true,
    },
    {
      name: 'stacked',
      inputs: [random(2, 3), random(2, 3)],
      make: (x, z) => build.stack([x, z], 1),
      smooth: true,
    },
  ],
  split: [
    { name: 'parts', inputs: [of(1, 2, 3)], make: (x) => build.split(x, [1, 2]), expected: [[1], [2, 3]] },
    { name: 'inner axis', inputs: [random(2, 4, 2)], make: (x) => build.split(x, [1, 3], 1), smooth: true },
  ],
  gather: [
    {
      name: 'elements',
      inputs: [of(5, 6, 7), whole([2], 2, 0)],
      make: (x, i) => build.gather(x, i),
      expected: [[7, 5]],
    },
    {
      name: 'rows, one twice',
      inputs: [random(3, 2), whole([2, 2], 2, 0, 2, 1)],
      make: (x, i) => build.gather(x, i),
      smooth: true,
    },
    {
      name: 'columns',
      inputs: [random(2, 3), whole([2], 2, 2)],
      make: (x, i) => build.gather(x, i, 1),
      smooth: true,
    },
  ],
  scatterAdd: [
    // Index 1 twice: 2 + 3
    {
      name: 'adds up',
      inputs: [of(1, 2, 3), whole([3], 0, 1, 1)],
      make: (u, i) => build.scatterAdd(u, i, 0, [3]),
      expected: [[1, 5, 0]],
    },
    {
      name: 'columns',
      inputs: [random(2, 3, 2), whole([3], 2, 0, 2)],
      make: (u, i) => build.scatterAdd(u, i, 1, [2, 4, 2]),
      smooth: true,
    },
    {
      name: 'matrix of indices',
      inputs: [random(2, 2, 3), whole([2, 2], 1, 0, 1, 1)],
      make: (u, i) => build.scatterAdd(u, i, 0, [3, 3]),
      smooth: true,
    },
  ],
  gatherElements: [
    {
      name: 'one per row',
      inputs: [{ shape: [2, 2], data: [1, 2, 3, 4] }, whole([2, 1], 1, 0)],
      make: (x, i) => build.gatherElements(x, i),
      expected: [[2, 3]],
    },
    {
      name: 'along the first axis',
      inputs: [random(3, 2), whole([2, 2], 2, 0, 1, 1)],
      make: (x, i) => build.gatherElements(x, i, 0),
      smooth: true,
    },
  ],
  scatterElementsAdd: [
    {
      name: 'one per row',
      inputs: [{ shape: [2, 1], data: [5, 6] }, whole([2, 1], 1, 0)],
      make: (u, i) => build.scatterElementsAdd(u, i, 1, [2, 2]),
      expected: [[0, 5, 6, 0]],
    },
    {
      name: 'index twice',
      inputs: [random(2, 2), whole([2, 2], 1, 1, 1, 0)],
      make: (u, i) => build.scatterElementsAdd(u, i, 0, [3, 2]),
      smooth: true,
    },
  ],
  oneHot: [
    {
      name: 'outside is all zeros',
      inputs: [whole([3], 1, 0, 2)],
      make: (i) => build.oneHot(i, 2),
      expected: [[0, 1, 1, 0, 0, 0]],
    },
  ],
  randomUniform: [
    { name: 'a stream', inputs: [whole([2], 7, 3)], make: (key) => build.randomUniform(key, [5, 4], 11) },
    {
      name: 'large and negative keys',
      inputs: [whole([2], 9007199254740991, -5)],
      make: (key) => build.randomUniform(key, [6], 0),
    },
  ],
};
