import { type Shape, sizeOf, stridesOf } from '#core';
import type { GradientArguments, OpTable, ReferenceTensor } from '../op-rule.ts';
import { isFloat, reducedShape, requireDType } from '../shapes.ts';
import type { GraphNode, Value } from '../value.ts';
import { sumRows } from './sum-rows.ts';

/**
 * Visits every element of `x` with the position of the result it belongs to.
 */
function visitReduced(
  x: ReferenceTensor,
  axes: readonly number[],
  visit: (value: number, target: number) => void,
): void {
  const kept = reducedShape(x.shape, axes, true);
  const strides = stridesOf(kept).map((stride, axis) => (axes.includes(axis) ? 0 : stride));
  for (let i = 0; i < x.data.length; i++) {
    let rest = i;
    let target = 0;
    for (let axis = x.shape.length - 1; axis >= 0; axis--) {
      target += (rest % x.shape[axis]) * strides[axis];
      rest = Math.floor(rest / x.shape[axis]);
    }
    visit(x.data[i], target);
  }
}

function reduce(
  x: ReferenceTensor,
  axes: readonly number[],
  shape: Shape,
  start: number,
  join: (held: number, value: number) => number,
): Float64Array {
  const result = new Float64Array(sizeOf(shape)).fill(start);
  visitReduced(x, axes, (value, target) => {
    result[target] = join(result[target], value);
  });
  return result;
}

type ReduceOp = 'sum' | 'reduceMax' | 'reduceMin' | 'logSumExp';

/** ONNX's reductions take axes as an input; without axes they reduce all, so that none is a copy. */
const toReduction = <K extends ReduceOp>(operator: string) => ({
  name: operator,
  emit: (
    e: Parameters<OpTable['sum']['lowerings'][0]['emit']>[0],
    { inputs: [x], attributes }: GraphNode<K>,
  ) => [
    attributes.axes.length === 0
      ? e.plain(x)
      : e.node(operator, [e.plain(x), e.int64(attributes.axes)], {
          attributes: { keepdims: { int: Number(attributes.keepDims) } },
        }),
  ],
});

const joinMax = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b);
const joinMin = (a: number, b: number): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b);

/** Infers the shape after reducing the attributes' axes. */
const inferReduced: OpTable['sum']['infer'] = ([x], { axes, keepDims }, where) => {
  requireDType([x], (dtype) => dtype !== 'bool', 'numbers', where);
  return [{ dtype: x.dtype, shape: reducedShape(x.shape, axes, keepDims) }];
};

/** The largest (smallest) elements share the gradient evenly, as in PyTorch's amax. */
function extremeGradient({
  build,
  node,
  inputs: [x],
  outputs: [y],
  gradients: [dy],
}: GradientArguments<'reduceMax'> | GradientArguments<'reduceMin'>): readonly (Value | undefined)[] {
  if (dy === undefined) return [undefined];
  const { axes } = node.attributes;
  const kept = reducedShape(x.shape, axes, true);
  const isExtreme = build.cast(build.equal(x, build.reshape(y, kept)), x.dtype);
  const share = build.div(build.reshape(dy, kept), build.sum(isExtreme, axes, true));
  return [build.mul(isExtreme, share)];
}

/** Reductions over axes. */
export const reductionRules: Pick<OpTable, ReduceOp> = {
  sum: {
    infer: inferReduced,
    gradient: ({ build, node, inputs: [x], gradients: [dy] }) => {
      if (dy === undefined) return [undefined];
      const kept = build.reshape(dy, reducedShape(x.shape, node.attributes.axes, true));
      return [build.expand(kept, x.shape)];
    },
    reference: ([x], { axes }, [{ shape }]) => [reduce(x, axes, shape, 0, (a, b) => a + b)],
    lowerings: [
      toReduction('ReduceSum'),
      {
        name: 'MatMul',
        applies: ({ inputs: [x], attributes: { axes } }, target) =>
          target.device === 'cpu' &&
          // The ones are as many as there are rows, which an exported model may not know.
          target.portable !== true &&
          x.dtype === 'float32' &&
          axes.length > 0 &&
          axes.length < x.shape.length &&
          axes.every((axis, i) => axis === i) &&
          x.shape.every((dim) => dim > 0),
        cost: () => -1,
        emit: (e, { inputs: [x], attributes: { axes }, outputs: [y] }) => {
          const rows = sizeOf(x.shape.slice(0, axes.length));
          return [sumRows(e, e.plain(x), rows, y.shape)];
        },
      },
    ],
  },
  reduceMax: {
    infer: inferReduced,
    gradient: extremeGradient,
    reference: ([x], { axes }, [{ shape }]) => [reduce(x, axes, shape, Number.NEGATIVE_INFINITY, joinMax)],
    lowerings: [toReduction('ReduceMax')],
  },
  reduceMin: {
    infer: inferReduced,
    gradient: extremeGradient,
    reference: ([x], { axes }, [{ shape }]) => [reduce(x, axes, shape, Number.POSITIVE_INFINITY, joinMin)],
    lowerings: [toReduction('ReduceMin')],
  },
  // y = log Σ e^x, dx = dy·e^(x − y)
  logSumExp: {
    infer: (inputs, attributes, where) => {
      requireDType(inputs, isFloat, 'floating point numbers', where);
      return inferReduced(inputs, attributes, where);
    },
    gradient: ({ build, node, inputs: [x], outputs: [y], gradients: [dy] }) => {
      if (dy === undefined) return [undefined];
      const kept = reducedShape(x.shape, node.attributes.axes, true);
      return [build.mul(build.reshape(dy, kept), build.exp(build.sub(x, build.reshape(y, kept))))];
    },
    reference: ([x], { axes }, [{ shape }]) => {
      const largest = reduce(x, axes, shape, Number.NEGATIVE_INFINITY, joinMax);
      const sums = new Float64Array(largest.length);
      const shift = largest.map((value) => (Number.isFinite(value) ? value : 0));
      visitReduced(x, axes, (value, target) => {
        sums[target] += Math.exp(value - shift[target]);
      });
      return [sums.map((value, i) => shift[i] + Math.log(value))];
    },
    lowerings: [toReduction('ReduceLogSumExp')],
  },
};
