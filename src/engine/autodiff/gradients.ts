import { GraphError, ShapeError } from '#core';
import * as build from '../ir/build.ts';
import { atUserLine } from '../ir/call-site.ts';
import { withNodeContext } from '../ir/create-node.ts';
import type { OpRule } from '../ir/op-rule.ts';
import { opTable } from '../ir/op-table.ts';
import { formatShape } from '../ir/shapes.ts';
import { type GraphNode, sortNodes, type Value } from '../ir/value.ts';

/**
 * Reverse-mode differentiation: the gradient of a scalar in each of `wanted`, as new graph values, so that it can be
 * differentiated again.
 *
 * Nodes are visited once, from `y` back; each hands its output's gradient to its op's rule, and the parts that reach
 * a value are added up. Where an op broadcast an operand, the part is summed over the repeated axes here, for all ops
 * alike.
 *
 * @param y scalar, or any value when `dy` is given
 * @param dy gradient of `y`, of its shape; 1 when absent
 * @returns one value per entry of `wanted`, of its shape; zeros where `y` does not depend on it
 * @throws ShapeError when `y` is no scalar and `dy` is absent
 * @throws GraphError when `y` cannot be differentiated
 */
export function gradients(y: Value, wanted: readonly Value[], dy?: Value): Value[] {
  checkStart(y, dy);
  const nodes = sortNodes([y]);
  const ends = new Set(wanted);
  const needed = dependents(nodes, ends);
  const parts = new Map<Value, Value>();
  parts.set(y, dy ?? withNodeContext({ phase: 'backward', site: y.node.site }, () => onesLike(y)));
  for (const node of nodes.reverse()) {
    if (needed.has(node) && node.outputs.some((output) => parts.has(output))) {
      withNodeContext({ phase: 'backward', site: node.site }, () => propagate(node, needed, ends, parts));
    }
  }
  return wanted.map((value) => parts.get(value) ?? build.expand(build.scalar(0, value.dtype), value.shape));
}

function onesLike(y: Value): Value {
  return build.expand(build.scalar(1, y.dtype), y.shape);
}

function checkStart(y: Value, dy: Value | undefined): void {
  if (!build.isDifferentiable(y)) {
    throw new GraphError(
      `gradients: only floating point values have gradients, but got ${y.dtype}. Differentiate a loss of float32.${atUserLine()}`,
      { dtype: y.dtype },
    );
  }
  if (dy === undefined && y.shape.some((dim) => dim !== 1)) {
    throw new ShapeError(
      `gradients: a value without a given gradient must be a scalar, but got ${formatShape(y.shape)}. Take its sum or mean.${atUserLine()}`,
      { shape: [...y.shape] },
    );
  }
}

/** Nodes between `wanted` and the end: the only ones that a gradient must pass. */
function dependents(nodes: readonly GraphNode[], ends: ReadonlySet<Value>): Set<GraphNode> {
  const result = new Set<GraphNode>();
  for (const node of nodes) {
    const reaches = node.inputs.some((value) => ends.has(value) || result.has(value.node));
    if (reaches || node.outputs.some((value) => ends.has(value))) result.add(node);
  }
  return result;
}

function propagate(
  node: GraphNode,
  needed: ReadonlySet<GraphNode>,
  ends: ReadonlySet<Value>,
  parts: Map<Value, Value>,
): void {
  const rule = opTable[node.op] as OpRule<typeof node.op>;
  if (rule.gradient === 'none' || node.inputs.length === 0) return;
  const needs = node.inputs.map(
    (value) => build.isDifferentiable(value) && (needed.has(value.node) || ends.has(value)),
  );
  if (!needs.includes(true)) return;
  const given = node.outputs.map((output) => parts.get(output));
  const results = rule.gradient({
    build,
    node,
    inputs: node.inputs,
    outputs: node.outputs,
    gradients: given,
    needs,
  });
  results.forEach((part, i) => {
    if (part === undefined || !needs[i]) return;
    const value = node.inputs[i];
    const reduced = build.sumTo(part, value.shape);
    const held = parts.get(value);
    parts.set(value, held === undefined ? reduced : build.add(held, reduced));
  });
}
