/**
 * Functions that make graph nodes. They take values or plain numbers, resolve negative axes and leave out nodes that
 * would do nothing.
 */
import { createArray, type DType, type NumericArray, type Shape, ShapeError, sizeOf } from '#core';
import { atUserLine } from './call-site.ts';
import { createNode } from './create-node.ts';
import type { OpAttributes, OpName } from './op-attributes.ts';
import { broadcastShapes, formatShape, isFloat, resolveAxes, resolveAxis, sameShape } from './shapes.ts';
import type { Value, Variable } from './value.ts';

/** A value, or a number that becomes a constant of the other operand's type. */
export type Operand = Value | number;

const none = {};
const one = <K extends OpName>(op: K, inputs: readonly Value[], attributes: OpAttributes[K]): Value =>
  createNode(op, inputs, attributes)[0];

// Leaves

/** A value that is fed on every run. */
export function input(name: string, dtype: DType, shape: Shape): Value {
  return one('input', [], { name, dtype, shape });
}

export function variable(state: Variable): Value {
  return one('variable', [], { variable: state });
}

export function constant(data: NumericArray, shape: Shape, dtype: DType, name?: string): Value {
  return one('constant', [], { data, shape, dtype, ...(name === undefined ? {} : { name }) });
}

/** A constant scalar. */
export function scalar(value: number, dtype: DType): Value {
  const data = createArray(dtype, 1);
  if (data instanceof BigInt64Array) data[0] = BigInt(value);
  else data[0] = value;
  return constant(data, [], dtype);
}

/** A constant scalar of the type of `like`, to be broadcast. */
export function constantLike(like: Value, value: number): Value {
  return scalar(value, like.dtype);
}

function operands(x: Operand, z: Operand): [Value, Value] {
  if (typeof x !== 'number') return [x, typeof z === 'number' ? constantLike(x, z) : z];
  if (typeof z !== 'number') return [constantLike(z, x), z];
  return [scalar(x, 'float32'), scalar(z, 'float32')];
}

/** The number that a constant scalar holds, `undefined` for everything else. */
export function constantValue(value: Operand): number | undefined {
  if (typeof value === 'number') return value;
  if (value.node.op !== 'constant' || sizeOf(value.shape) !== 1) return undefined;
  return Number((value.node.attributes as OpAttributes['constant']).data[0]);
}

/** Whether `x ∘ z` with a constant `z` is `x` itself, in value, shape and type. */
function isNeutral(x: Operand, z: Operand, neutral: number): x is Value {
  if (typeof x === 'number' || constantValue(z) !== neutral) return false;
  return typeof z === 'number' || sameShape(broadcastShapes([x.shape, z.shape], ''), x.shape);
}

// Element by element

export function add(x: Operand, z: Operand): Value {
  if (isNeutral(x, z, 0)) return x;
  if (isNeutral(z, x, 0)) return z;
  return one('add', operands(x, z), none);
}

export function sub(x: Operand, z: Operand): Value {
  return isNeutral(x, z, 0) ? x : one('sub', operands(x, z), none);
}

export function mul(x: Operand, z: Operand): Value {
  if (isNeutral(x, z, 1)) return x;
  if (isNeutral(z, x, 1)) return z;
  return one('mul', operands(x, z), none);
}

export function div(x: Operand, z: Operand): Value {
  return isNeutral(x, z, 1) ? x : one('div', operands(x, z), none);
}

/** x^z; small whole powers become products. */
export function pow(x: Operand, z: Operand): Value {
  const exponent = constantValue(z);
  if (typeof x !== 'number' && exponent !== undefined) {
    if (exponent === 1) return x;
    if (exponent === 2) return mul(x, x);
    if (exponent === 0.5) return sqrt(x);
    if (exponent === -1) return reciprocal(x);
  }
  return one('pow', operands(x, z), none);
}

const binary =
  (op: 'maximum' | 'minimum' | 'mod' | 'equal' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual') =>
  (x: Operand, z: Operand): Value =>
    one(op, operands(x, z), none);

export const maximum = binary('maximum');
export const minimum = binary('minimum');
export const mod = binary('mod');
export const equal = binary('equal');
export const less = binary('less');
export const lessEqual = binary('lessEqual');
export const greater = binary('greater');
export const greaterEqual = binary('greaterEqual');

export const and = (x: Value, z: Value): Value => one('and', [x, z], none);
export const or = (x: Value, z: Value): Value => one('or', [x, z], none);
export const not = (x: Value): Value => one('not', [x], none);

export function where(condition: Value, x: Operand, z: Operand): Value {
  return one('where', [condition, ...operands(x, z)], none);
}

export function cast(x: Value, to: DType): Value {
  return x.dtype === to ? x : one('cast', [x], { to });
}

const unary =
  (
    op:
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
      | 'stopGradient',
  ) =>
  (x: Value): Value =>
    one(op, [x], none);

export const neg = unary('neg');
export const abs = unary('abs');
export const sign = unary('sign');
export const exp = unary('exp');
export const log = unary('log');
export const sqrt = unary('sqrt');
export const reciprocal = unary('reciprocal');
export const erf = unary('erf');
export const sigmoid = unary('sigmoid');
export const tanh = unary('tanh');
export const sin = unary('sin');
export const cos = unary('cos');
export const floor = unary('floor');
export const ceil = unary('ceil');
export const round = unary('round');
export const finite = unary('isFinite');
export const relu = unary('relu');
export const silu = unary('silu');
export const stopGradient = unary('stopGradient');

/** `x`, computed only after `signal` is known and never joined with an equal value computed earlier. */
export const after = (x: Value, signal: Value): Value => one('after', [x, signal], none);

/** 1 where x > z, ½ where they are equal, 0 elsewhere: how a maximum's gradient is shared. */
export function share(x: Value, z: Value): Value {
  return add(mul(cast(greater(x, z), x.dtype), 0.5), mul(cast(greaterEqual(x, z), x.dtype), 0.5));
}

// Reductions

type Axes = number | readonly number[];

const reduction =
  (op: 'sum' | 'reduceMax' | 'reduceMin' | 'logSumExp') =>
  (x: Value, axes?: Axes, keepDims = false): Value => {
    const resolved = resolveAxes(axes, x.shape.length, op);
    // Axes of size 1 that stay need no work.
    if (keepDims && op === 'sum' && resolved.every((axis) => x.shape[axis] === 1)) return x;
    return one(op, [x], { axes: resolved, keepDims });
  };

export const sum = reduction('sum');
export const reduceMax = reduction('reduceMax');
export const reduceMin = reduction('reduceMin');
export const logSumExp = reduction('logSumExp');

export function mean(x: Value, axes?: Axes, keepDims = false): Value {
  const resolved = resolveAxes(axes, x.shape.length, 'mean');
  const count = resolved.reduce((product, axis) => product * x.shape[axis], 1);
  return mul(sum(x, resolved, keepDims), 1 / count);
}

export function argMax(x: Value, axis = -1, keepDims = false): Value {
  return one('argMax', [x], { axis: resolveAxis(axis, x.shape.length, 'argMax'), keepDims });
}

export function cumSum(x: Value, axis = -1, { exclusive = false, reverse = false } = {}): Value {
  return one('cumSum', [x], { axis: resolveAxis(axis, x.shape.length, 'cumSum'), exclusive, reverse });
}

/** The `k` largest (smallest) values along an axis, best first, and their indices (int64). */
export function topK(x: Value, k: number, axis = -1, largest = true): readonly Value[] {
  return createNode('topK', [x], { axis: resolveAxis(axis, x.shape.length, 'topK'), k, largest });
}

export function softmax(x: Value, axis = -1): Value {
  return one('softmax', [x], { axis: resolveAxis(axis, x.shape.length, 'softmax') });
}

export function logSoftmax(x: Value, axis = -1): Value {
  return one('logSoftmax', [x], { axis: resolveAxis(axis, x.shape.length, 'logSoftmax') });
}

// Products

export function matmul(a: Value, b: Value, { transposeA = false, transposeB = false } = {}): Value {
  return one('matmul', [a, b], { transposeA, transposeB });
}

/** a·b + beta·c for matrices; c has the product's shape, or is one row that is added to all. */
export function gemm(a: Value, b: Value, c: Value, attributes: OpAttributes['gemm']): Value {
  return one('gemm', [a, b, c], attributes);
}

/** @param bias `[O]`, added to every pixel */
export function conv2d(x: Value, weight: Value, attributes: OpAttributes['conv2d'], bias?: Value): Value {
  return one('conv2d', bias === undefined ? [x, weight] : [x, weight, bias], attributes);
}

export function conv2dInput(dy: Value, weight: Value, attributes: OpAttributes['conv2dInput']): Value {
  return one('conv2dInput', [dy, weight], attributes);
}

export function conv2dWeight(x: Value, dy: Value, attributes: OpAttributes['conv2dWeight']): Value {
  return one('conv2dWeight', [x, dy], attributes);
}

// Channels

const perSampleOf = (operand: Value): boolean => operand.shape.length === 2;

/** x·scale + shift, with scale and shift `[C]`, or `[N, C]` for every sample its own. */
export function channelAffine(x: Value, scale: Value, shift?: Value): Value {
  const perSample = perSampleOf(scale);
  return one('channelAffine', shift === undefined ? [x, scale] : [x, scale, shift], { perSample });
}

/** x·scale + shift, with scale and shift `[C]`, plus an addend of x's shape if there is one, then ReLU if wanted. */
export function affineSum(
  operands: { x: Value; scale: Value; shift: Value; addend?: Value | undefined },
  relu: boolean,
): Value {
  const { x, scale, shift, addend } = operands;
  return one('affineSum', addend === undefined ? [x, scale, shift] : [x, scale, shift, addend], { relu });
}

/** x + shift per channel. */
export function channelShift(x: Value, shift: Value): Value {
  const ones = new Float32Array(shift.shape[0]).fill(1);
  return channelAffine(x, cast(constant(ones, shift.shape, 'float32'), x.dtype), shift);
}

export function channelDot(x: Value, y: Value, perSample = false): Value {
  return one('channelDot', [x, y], { perSample });
}

export function channelSum(x: Value, perSample = false): Value {
  return one('channelSum', [x], { perSample });
}

/** Mean and biased variance of every channel, `[C]` each. */
export function channelMoments(x: Value): readonly Value[] {
  return createNode('channelMoments', [x], none);
}

// Pooling and resizing

export function maxPool2d(x: Value, attributes: OpAttributes['maxPool2d']): Value {
  return one('maxPool2d', [x], attributes);
}

/** `x` and `y = maxPool2d(x)` say where the maxima are. */
export function maxPool2dScatter(
  dy: Value,
  x: Value,
  y: Value,
  attributes: OpAttributes['maxPool2d'],
): Value {
  return one('maxPool2dScatter', [dy, x, y], { ...attributes, shape: x.shape });
}

export function maxPool2dGather(g: Value, x: Value, y: Value, attributes: OpAttributes['maxPool2d']): Value {
  return one('maxPool2dGather', [g, x, y], attributes);
}

export function averagePool2d(x: Value, attributes: OpAttributes['averagePool2d']): Value {
  return one('averagePool2d', [x], attributes);
}

export function averagePool2dGradient(dy: Value, attributes: OpAttributes['averagePool2dGradient']): Value {
  return one('averagePool2dGradient', [dy], attributes);
}

export function resize2d(x: Value, attributes: OpAttributes['resize2d']): Value {
  return one('resize2d', [x], attributes);
}

// Moving elements

/**
 * @param shape one size may be −1: whatever is left
 * @throws ShapeError when the number of elements differs
 */
export function reshape(x: Value, shape: Shape): Value {
  const free = shape.indexOf(-1);
  const rest = shape.reduce((product, dim, axis) => (axis === free ? product : product * dim), 1);
  const resolved =
    free < 0 ? shape : shape.map((dim, axis) => (axis === free ? sizeOf(x.shape) / rest : dim));
  if (resolved.some((dim) => !Number.isInteger(dim) || dim < 0)) {
    throw new ShapeError(
      `reshape: sizes must be whole numbers with at most one -1, but got ${formatShape(x.shape)} to ${formatShape(shape)}. Pass a shape of ${sizeOf(x.shape)} elements.${atUserLine()}`,
      { from: [...x.shape], to: [...shape] },
    );
  }
  if (sameShape(x.shape, resolved)) return x;
  // A reshape of a reshape is one reshape.
  const base = x.node.op === 'reshape' ? x.node.inputs[0] : x;
  return sameShape(base.shape, resolved) ? base : one('reshape', [base], { shape: resolved });
}

/** Axes in another order; reversed without `permutation`. */
export function transpose(x: Value, permutation?: readonly number[]): Value {
  const rank = x.shape.length;
  const order = permutation ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const resolved = order.map((axis) => resolveAxis(axis, rank, 'transpose'));
  return resolved.every((axis, at) => axis === at) ? x : one('transpose', [x], { permutation: resolved });
}

export function expand(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : one('expand', [x], { shape });
}

/** Elements from `starts` to before `ends`, one entry per axis, every `steps`-th (negative: backwards). */
export function slice(
  x: Value,
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[] = starts.map(() => 1),
): Value {
  const isWhole = x.shape.every((dim, axis) => starts[axis] === 0 && ends[axis] === dim && steps[axis] === 1);
  return isWhole ? x : one('slice', [x], { starts, ends, steps });
}

/** The part [start, end) of one axis. */
export function sliceAxis(x: Value, axis: number, start: number, end: number): Value {
  const at = resolveAxis(axis, x.shape.length, 'slice');
  return slice(
    x,
    x.shape.map((_, each) => (each === at ? start : 0)),
    x.shape.map((dim, each) => (each === at ? end : dim)),
  );
}

export function pad(x: Value, before: readonly number[], after: readonly number[], value = 0): Value {
  if ([...before, ...after].every((count) => count === 0)) return x;
  return one('pad', [x], { before, after, value });
}

/** Elements `steps[i]` apart along axis i, zeros between them. */
export function spread(x: Value, steps: readonly number[]): Value {
  if (steps.every((step) => step === 1)) return x;
  const apart = reshape(
    x,
    x.shape.flatMap((dim) => [dim, 1]),
  );
  const none = apart.shape.map(() => 0);
  const padded = pad(
    apart,
    none,
    steps.flatMap((step) => [0, step - 1]),
  );
  const joined = reshape(
    padded,
    x.shape.map((dim, axis) => dim * steps[axis]),
  );
  // The zeros behind the last element are cut.
  const ends = x.shape.map((dim, axis) => Math.max(0, (dim - 1) * steps[axis] + Math.min(dim, 1)));
  return slice(joined, x.shape.map(() => 0), ends); // biome-ignore format: short
}

export function concat(values: readonly Value[], axis = 0): Value {
  if (values.length === 1) return values[0];
  return one('concat', values, { axis: resolveAxis(axis, values[0]?.shape.length ?? 1, 'concat') });
}

/** Joins values of one shape along a new axis. */
export function stack(values: readonly Value[], axis = 0): Value {
  const at = resolveAxis(axis, (values[0]?.shape.length ?? 0) + 1, 'stack');
  const insert = (shape: Shape) => [...shape.slice(0, at), 1, ...shape.slice(at)];
  return concat(
    values.map((value) => reshape(value, insert(value.shape))),
    at,
  );
}

export function split(x: Value, sizes: readonly number[], axis = 0): readonly Value[] {
  return createNode('split', [x], { axis: resolveAxis(axis, x.shape.length, 'split'), sizes });
}

export function gather(x: Value, indices: Value, axis = 0): Value {
  return one('gather', [x, indices], { axis: resolveAxis(axis, x.shape.length, 'gather') });
}

export function scatterAdd(updates: Value, indices: Value, axis: number, shape: Shape): Value {
  return one('scatterAdd', [updates, indices], { axis, shape });
}

export function gatherElements(x: Value, indices: Value, axis = -1): Value {
  return one('gatherElements', [x, indices], { axis: resolveAxis(axis, x.shape.length, 'gatherElements') });
}

export function scatterElementsAdd(updates: Value, indices: Value, axis: number, shape: Shape): Value {
  return one('scatterElementsAdd', [updates, indices], { axis, shape });
}

/** float32 `[…, depth]` with 1 at each index; all zeros for an index outside [0, depth). */
export function oneHot(indices: Value, depth: number): Value {
  return one('oneHot', [indices], { depth });
}

export function randomUniform(key: Value, shape: Shape, stream: number): Value {
  return one('randomUniform', [key], { shape, stream });
}

/** Sums `x` over the axes that broadcasting `shape` to it would add or repeat. */
export function sumTo(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const added = x.shape.length - shape.length;
  const axes = x.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < added || (shape[axis - added] === 1 && x.shape[axis] !== 1));
  return reshape(sum(x, axes, true), shape);
}

/** Whether a gradient can flow through the value. */
export function isDifferentiable(value: Value): boolean {
  return isFloat(value.dtype);
}
