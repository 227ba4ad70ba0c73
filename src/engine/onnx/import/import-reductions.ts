import { sizeOf } from '#core';
import * as build from '../../ir/build.ts';
import { resolveAxes, resolveAxis } from '../../ir/shapes.ts';
import type { Value } from '../../ir/value.ts';
import type { ImportNode, ImportTable, NodeReader } from './node-reader.ts';

function reduction(make: (x: Value, axes: readonly number[], keepDims: boolean) => Value): ImportNode {
  return (node) => {
    const x = node.input(0);
    const given = node.numbersOf('axes', 1);
    const isEmpty = given === undefined || given.length === 0;
    if (isEmpty && node.int('noop_with_empty_axes', 0) !== 0) return x;
    const axes = resolveAxes(isEmpty ? undefined : given, x.shape.length, node.where);
    return make(x, axes, node.int('keepdims', 1) !== 0);
  };
}

/** Mean over all positions of a channel, in the form that is fast to train. */
export function channelMean(x: Value, keepDims: boolean): Value {
  const [n, c, ...positions] = x.shape;
  const mean = build.mul(build.channelSum(x, true), 1 / sizeOf(positions));
  return keepDims ? build.reshape(mean, [n, c, ...positions.map(() => 1)]) : mean;
}

function mean(x: Value, axes: readonly number[], keepDims: boolean): Value {
  const isPerChannel = x.shape.length === 4 && x.dtype === 'float32' && String(axes) === '2,3';
  return isPerChannel ? channelMean(x, keepDims) : build.mean(x, axes, keepDims);
}

const squares = (x: Value, axes: readonly number[], keepDims: boolean): Value =>
  build.sum(build.mul(x, x), axes, keepDims);

/** Until operator set 13 all axes from `axis` on were one. */
function softmax(make: (x: Value, axis: number) => Value): ImportNode {
  return (node) => {
    const x = node.input(0);
    const rank = x.shape.length;
    const axis = resolveAxis(node.int('axis', node.opset < 13 ? 1 : -1), rank, node.where);
    if (node.opset >= 13 || axis === rank - 1) return make(x, axis);
    const flat = build.reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
    return build.reshape(make(flat, 1), x.shape);
  };
}

function topK(node: NodeReader): readonly Value[] {
  const [k] = node.hasAttribute('k') ? [node.int('k', 0)] : (node.numbers(1, 'k') ?? [0]);
  return build.topK(node.input(0), k, node.int('axis', -1), node.int('largest', 1) !== 0);
}

function arg(sign: 1 | -1): ImportNode {
  return (node) => {
    if (node.int('select_last_index', 0) !== 0) {
      throw node.unsupported('select_last_index must be 0, but got 1');
    }
    const x = node.input(0);
    return build.argMax(sign === 1 ? x : build.neg(x), node.int('axis', 0), node.int('keepdims', 1) !== 0);
  };
}

/** Operators that reduce axes or rank along them. */
export const reductionImports: ImportTable = {
  ReduceMean: reduction(mean),
  ReduceSum: reduction(build.sum),
  ReduceMax: reduction(build.reduceMax),
  ReduceMin: reduction(build.reduceMin),
  ReduceSumSquare: reduction(squares),
  ReduceL1: reduction((x, axes, keepDims) => build.sum(build.abs(x), axes, keepDims)),
  ReduceL2: reduction((x, axes, keepDims) => build.sqrt(squares(x, axes, keepDims))),
  ReduceLogSumExp: reduction(build.logSumExp),
  Softmax: softmax(build.softmax),
  LogSoftmax: softmax(build.logSoftmax),
  ArgMax: arg(1),
  ArgMin: arg(-1),
  TopK: topK,
  CumSum: (node) =>
    build.cumSum(node.input(0), (node.numbers(1, 'axis') ?? [0])[0], {
      exclusive: node.int('exclusive', 0) !== 0,
      reverse: node.int('reverse', 0) !== 0,
    }),
};
