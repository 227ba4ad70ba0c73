import { erf, TWO_OVER_SQRT_PI } from '../erf.ts';
import type { OpTable } from '../op-rule.ts';
import { isFloat } from '../shapes.ts';
import { isRelu } from '../value.ts';
import { elementwise, emitElementwise, mapElements, unaryGradient } from './elementwise.ts';

/** Halves to the even neighbour, as IEEE 754 and ONNX do. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

/** Piecewise constant: nothing flows back. */
const flat = () => [undefined];

/** Functions of one operand. In the rules y = f(x) and dy is the gradient of y. */
export const functionRules: Pick<
  OpTable,
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
  | 'relu'
  | 'silu'
  | 'stopGradient'
  | 'after'
  | 'cast'
> = {
  neg: elementwise({
    kernel: (x) => -x,
    gradient: unaryGradient((dy, { build }) => build.neg(dy)),
    lowering: 'Neg',
  }),
  abs: elementwise({
    kernel: Math.abs,
    gradient: unaryGradient((dy, { build, x }) => build.mul(dy, build.sign(x))),
    lowering: 'Abs',
  }),
  sign: {
    ...elementwise<'sign'>({ kernel: Math.sign, gradient: flat, lowering: 'Sign' }),
    lowerings: [
      {
        name: 'Sign',
        emit: (e, node) => emitElementwise(e, node, (names) => e.node('Sign', names)),
      },
      {
        // Of what is never negative: max(0, min(1, α·x)) with a great α, which runs on whole vectors.
        name: 'HardSigmoid',
        applies: ({ inputs: [x] }) => isRelu(x) && x.dtype === 'float32',
        cost: () => -1,
        emit: (e, node) =>
          emitElementwise(e, node, (names) =>
            e.node('HardSigmoid', names, { attributes: { alpha: { float: 3e38 }, beta: { float: 0 } } }),
          ),
      },
    ],
  },
  exp: elementwise({
    kernel: Math.exp,
    gradient: unaryGradient((dy, { build, y }) => build.mul(dy, y)),
    lowering: 'Exp',
    operands: 'float',
  }),
  log: elementwise({
    kernel: Math.log,
    gradient: unaryGradient((dy, { build, x }) => build.div(dy, x)),
    lowering: 'Log',
    operands: 'float',
  }),
  sqrt: elementwise({
    kernel: Math.sqrt,
    gradient: unaryGradient((dy, { build, y }) => build.div(build.mul(dy, 0.5), y)),
    lowering: 'Sqrt',
    operands: 'float',
  }),
  reciprocal: elementwise({
    kernel: (x) => 1 / x,
    gradient: unaryGradient((dy, { build, y }) => build.neg(build.mul(dy, build.mul(y, y)))),
    lowering: 'Reciprocal',
    operands: 'float',
  }),
  erf: elementwise({
    kernel: erf,
    gradient: unaryGradient((dy, { build, x }) =>
      build.mul(build.mul(dy, TWO_OVER_SQRT_PI), build.exp(build.neg(build.mul(x, x)))),
    ),
    lowering: 'Erf',
    operands: 'float',
  }),
  sigmoid: elementwise({
    kernel: sigmoid,
    gradient: unaryGradient((dy, { build, y }) => build.mul(build.mul(dy, y), build.sub(1, y))),
    lowering: 'Sigmoid',
    operands: 'float',
  }),
  tanh: elementwise({
    kernel: Math.tanh,
    gradient: unaryGradient((dy, { build, y }) => build.mul(dy, build.sub(1, build.mul(y, y)))),
    lowering: 'Tanh',
    operands: 'float',
  }),
  sin: elementwise({
    kernel: Math.sin,
    gradient: unaryGradient((dy, { build, x }) => build.mul(dy, build.cos(x))),
    lowering: 'Sin',
    operands: 'float',
  }),
  cos: elementwise({
    kernel: Math.cos,
    gradient: unaryGradient((dy, { build, x }) => build.neg(build.mul(dy, build.sin(x)))),
    lowering: 'Cos',
    operands: 'float',
  }),
  floor: elementwise({ kernel: Math.floor, gradient: flat, lowering: 'Floor', operands: 'float' }),
  ceil: elementwise({ kernel: Math.ceil, gradient: flat, lowering: 'Ceil', operands: 'float' }),
  round: elementwise({ kernel: roundHalfEven, gradient: flat, lowering: 'Round', operands: 'float' }),
  // dx = dy where y > 0
  relu: elementwise({
    kernel: (x) => (x > 0 || Number.isNaN(x) ? x : 0),
    gradient: unaryGradient((dy, { build, y }) => build.where(build.greater(y, 0), dy, 0)),
    lowering: 'Relu',
    operands: 'float',
  }),
  // s = σ(x), y = x·s, dx = (1 + x − y)·dy·s. ONNX Runtime computes the first factor last, and so in x's place.
  silu: elementwise({
    kernel: (x) => x * sigmoid(x),
    gradient: unaryGradient((dy, { build, x, y }) =>
      build.mul(build.add(build.sub(x, y), 1), build.mul(dy, build.sigmoid(x))),
    ),
    operands: 'float',
    lowering: {
      name: 'QuickGelu, or Sigmoid, Mul',
      emit: (e, node) =>
        emitElementwise(e, node, ([x]) =>
          e.target.device === 'cpu' && e.target.portable !== true && node.inputs[0].dtype === 'float32'
            ? e.node('QuickGelu', [x], { domain: 'com.microsoft', attributes: { alpha: { float: 1 } } })
            : e.node('Mul', [x, e.node('Sigmoid', [x])]),
        ),
    },
  }),
  stopGradient: elementwise({
    kernel: (x) => x,
    gradient: 'none',
    operands: 'any',
    lowering: {
      name: 'nothing',
      emit: (e, { inputs: [x] }) => [e.isBlocked(x) ? { blocked: e.blocked(x) } : e.plain(x)],
    },
  }),
  after: {
    infer: ([x]) => [x],
    gradient: ({ gradients: [dy] }) => [dy, undefined],
    reference: ([x]) => [x.data],
    // A zero made of the second input is added, so that no optimiser can join this with the first computation.
    lowerings: [
      {
        name: 'Add of zero',
        emit: (e, node) => {
          const [x, signal] = node.inputs;
          const first = e.node('Slice', [e.reshape(e.plain(signal), [-1]), e.int64([0]), e.int64([1])]);
          const zero = e.node('Mul', [e.cast(first, x.dtype), e.scalar(0, x.dtype)]);
          const add = (name: string) => e.node('Add', [name, zero]);
          return [e.isBlocked(x) ? { blocked: add(e.blocked(x)) } : add(e.plain(x))];
        },
      },
    ],
  },
  cast: {
    infer: ([x], { to }) => [{ dtype: to, shape: x.shape }],
    gradient: ({ build, inputs: [x], gradients: [dy], node }) => {
      if (dy === undefined || !isFloat(x.dtype) || !isFloat(node.attributes.to)) return [undefined];
      return [build.cast(dy, x.dtype)];
    },
    reference: ([x], { to }, [{ shape }]) => [mapElements(castKernel(to), [x], shape)],
    lowerings: [
      {
        name: 'Cast',
        emit: (e, node) => {
          const { to } = node.attributes;
          // Blocks are for float32 alone.
          if (to === 'float16' || node.inputs[0].dtype === 'float16')
            return [e.cast(e.plain(node.inputs[0]), to)];
          return emitElementwise(e, node, ([x]) => e.cast(x, to));
        },
      },
    ],
  },
};

/** Towards zero for integers, as ONNX does; floating point types keep the value. */
function castKernel(to: string): (x: number) => number {
  if (to === 'bool') return (x) => Number(x !== 0);
  if (to === 'int32') return (x) => Math.trunc(x) | 0;
  if (to === 'int64') return Math.trunc;
  if (to === 'uint8') return (x) => Math.trunc(x) & 255;
  if (to === 'float16') return roundToHalf;
  return (x) => x;
}

/** Nearest number with 11 significant bits; the range of float16 is applied, subnormal steps included. */
function roundToHalf(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), -14);
  const step = 2 ** (exponent - 10);
  const rounded = roundHalfEven(x / step) * step;
  return Math.abs(rounded) > 65504 ? Math.sign(x) * Number.POSITIVE_INFINITY : rounded;
}
