import * as build from '../build.ts';
import type { Value } from '../value.ts';
import { bools, type OpCase, type OpCases, of, positive, random } from './op-case.ts';

/** Unary functions: operands where they are defined and smooth, or the points that show them best. */
const smooth = (make: (x: Value) => Value): readonly OpCase[] => [
  { name: 'smooth', inputs: [positive(2, 3)], make, smooth: true },
];

/** Cases of leaves and ops that work element by element. */
export const elementwiseCases: OpCases<
  | 'input'
  | 'constant'
  | 'variable'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'maximum'
  | 'minimum'
  | 'mod'
  | 'equal'
  | 'less'
  | 'lessEqual'
  | 'greater'
  | 'greaterEqual'
  | 'and'
  | 'or'
  | 'not'
  | 'where'
  | 'cast'
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'reciprocal'
  | 'erf'
  | 'sigmoid'
  | 'tanh'
  | 'sin'
  | 'cos'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'isFinite'
  | 'relu'
  | 'silu'
  | 'stopGradient'
  | 'after'
> = {
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
    {
      // 0⁰ = (−2)⁰ = 1 whatever is near: derivative 0. (x²)' = 2x = 0 at 0, (x³)' = 3·2² = 12 at 2.
      name: 'zero to the power of zero',
      inputs: [of(0, -2, 0, 2)],
      make: (x) => build.pow(x, build.constant(Float32Array.of(0, 0, 2, 3), [4], 'float32')),
      expected: [[1, 1, 0, 8]],
      smooth: true,
    },
    {
      // x⁰·x = x
      name: 'a constant power of zero',
      inputs: [of(0, -2, 3)],
      make: (x) => build.mul(build.pow(x, 0), x),
      expected: [[0, -2, 3]],
      linear: true,
    },
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
  neg: [
    { name: 'opposite', inputs: [of(1, -2)], make: build.neg, expected: [[-1, 2]] },
    ...smooth(build.neg),
  ],
  abs: [{ name: 'size', inputs: [of(1.5, -2)], make: build.abs, expected: [[1.5, 2]], linear: true }],
  sign: [
    { name: 'direction', inputs: [of(3, -2, 0)], make: build.sign, expected: [[1, -1, 0]] },
    {
      name: 'of what ReLU left',
      inputs: [of(3, -2, 0)],
      make: (x) => build.sign(build.relu(x)),
      expected: [[1, 0, 0]],
    },
  ],
  // e⁰ = 1, e^(ln 2) = 2
  exp: [
    { name: 'powers of e', inputs: [of(0, Math.LN2)], make: build.exp, expected: [[1, 2]] },
    ...smooth(build.exp),
  ],
  log: [
    { name: 'natural', inputs: [of(1, Math.E)], make: build.log, expected: [[0, 1]] },
    ...smooth(build.log),
  ],
  sqrt: [
    { name: 'roots', inputs: [of(4, 2.25)], make: build.sqrt, expected: [[2, 1.5]] },
    ...smooth(build.sqrt),
  ],
  reciprocal: [
    { name: 'inverse', inputs: [of(4, -0.5)], make: build.reciprocal, expected: [[0.25, -2]] },
    ...smooth(build.reciprocal),
  ],
  // erf 0.5 and erf 2 from tables (Abramowitz and Stegun, table 7.1)
  erf: [
    {
      name: 'tables',
      inputs: [of(0, 0.5, -2, 3)],
      make: build.erf,
      expected: [[0, 0.5204998778, -0.995322265, 0.9999779095]],
    },
    ...smooth(build.erf),
  ],
  // 1/(1 + e^−ln 3) = 3/4
  sigmoid: [
    { name: 'logistic', inputs: [of(0, Math.log(3))], make: build.sigmoid, expected: [[0.5, 0.75]] },
    ...smooth(build.sigmoid),
  ],
  // tanh(ln 2) = (4 − 1)/(4 + 1)
  tanh: [
    { name: 'values', inputs: [of(0, Math.LN2)], make: build.tanh, expected: [[0, 0.6]] },
    ...smooth(build.tanh),
  ],
  sin: [
    { name: 'values', inputs: [of(0, Math.PI / 6)], make: build.sin, expected: [[0, 0.5]] },
    ...smooth(build.sin),
  ],
  cos: [
    { name: 'values', inputs: [of(0, Math.PI / 3)], make: build.cos, expected: [[1, 0.5]] },
    ...smooth(build.cos),
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
    ...smooth(build.silu),
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
};
