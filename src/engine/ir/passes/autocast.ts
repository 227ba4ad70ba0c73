import * as build from '../build.ts';
import { createNode } from '../create-node.ts';
import type { OpName } from '../op-attributes.ts';
import type { Value } from '../value.ts';
import { rewrite } from './rewrite.ts';

/** Ops that gain from half precision and lose little by it: products. Everything else stays in float32. */
const halfOps: ReadonlySet<OpName> = new Set<OpName>(['matmul', 'conv2d', 'conv2dInput']);

/** Ops that only move elements: they stay in half precision when their operand is. */
const movingOps: ReadonlySet<OpName> = new Set<OpName>(['reshape', 'transpose']);

/**
 * Mixed precision: products take and give float16, the ops between them float32. Applied to the forward pass, before
 * differentiation, so that the gradients of products are half precision too, and those of parameters float32.
 *
 * @source Micikevicius et al. 2017, https://arxiv.org/abs/1710.03740
 */
export function autocast(outputs: readonly Value[]): Value[] {
  return rewrite(outputs, (node, inputs) => {
    if (halfOps.has(node.op) && node.outputs[0].dtype === 'float32') {
      const half = inputs.map((value) => build.cast(throughCast(value), 'float16'));
      return createNode(node.op, half, node.attributes).map((value) => build.cast(value, 'float32'));
    }
    const source = inputs.length === 1 ? throughCast(inputs[0]) : undefined;
    if (movingOps.has(node.op) && source?.dtype === 'float16') {
      return createNode(node.op, [source], node.attributes).map((value) => build.cast(value, 'float32'));
    }
    return undefined;
  });
}

/** The float16 value that a cast to float32 came from, so that no cast goes there and back. */
function throughCast(value: Value): Value {
  return value.node.op === 'cast' && value.node.inputs[0].dtype === 'float16' ? value.node.inputs[0] : value;
}
