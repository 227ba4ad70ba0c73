import { sizeOf } from '#core';
import * as build from '../build.ts';
import { createNode } from '../create-node.ts';
import type { OpName } from '../op-attributes.ts';
import { sameShape } from '../shapes.ts';
import type { Value } from '../value.ts';
import { rewrite } from './rewrite.ts';

/** Ops of two operands that take a number for one of them. */
const binaryOps: ReadonlySet<OpName> = new Set<OpName>(['add', 'sub', 'mul', 'div']);

/**
 * Tensors that hold one number everywhere, as gradients of means do, are not written out: an operation on one is made
 * of the number, and the other operand of a sum or product meets the number itself.
 */
export function computeUniformOnce(outputs: readonly Value[]): Value[] {
  return rewrite(outputs, (node, inputs) => {
    const [x] = inputs;
    const [y] = node.outputs;
    if (node.op === 'expand' || node.op === 'reshape' || node.op === 'neg') {
      const number = numberOf(x);
      if (number === undefined || sizeOf(y.shape) === 1) return undefined;
      return [build.expand(node.op === 'neg' ? build.neg(number) : number, y.shape)];
    }
    if (!binaryOps.has(node.op)) return undefined;
    const index = inputs.findIndex((input) => input.node.op === 'expand' && sameShape(input.shape, y.shape));
    const number = index < 0 ? undefined : numberOf(inputs[index]);
    const other = inputs[1 - index];
    // ONNX Runtime is slow where a number meets rows of one element.
    const isSlow = other?.shape.at(-1) === 1;
    if (number === undefined || isSlow || !sameShape(other.shape, y.shape)) return undefined;
    return createNode(node.op, index === 0 ? [number, other] : [other, number], node.attributes);
  });
}

/** The number that a tensor repeats, as a scalar. Constants are folded already. */
function numberOf(value: Value): Value | undefined {
  const source = value.node.op === 'expand' ? value.node.inputs[0] : value;
  return sizeOf(source.shape) === 1 && source.node.op !== 'constant' ? build.reshape(source, []) : undefined;
}
