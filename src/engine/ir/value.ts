import type { DType, NumericArray, Shape } from '#core';
import type { CallSite } from './call-site.ts';
import type { OpAttributes, OpName } from './op-attributes.ts';

/** Element type and static shape of a value. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/**
 * Named state of a model: a parameter, a buffer or an optimiser's slot. Its contents live in host memory between
 * steps; a graph refers to it through the leaf op `variable`.
 */
export interface Variable extends TensorType {
  /** For people: printed graphs, profiles, errors. Need not be unique. */
  name: string;
  data: NumericArray;
}

/** One result of a node. Values are immutable and are compared by identity. */
export interface Value extends TensorType {
  readonly node: GraphNode;
  /** Which of the node's outputs this is. */
  readonly index: number;
}

/** An op applied to values. A graph is what is reachable from its outputs; there is no other container. */
export interface GraphNode<K extends OpName = OpName> {
  /** Grows with creation, so that sorting by it is a topological order. */
  readonly id: number;
  readonly op: K;
  readonly inputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  readonly outputs: readonly Value[];
  /** Where the user's code called for it; gradient nodes carry the site of the node they belong to. */
  readonly site: CallSite | undefined;
  /** `backward` for nodes that differentiation made. */
  readonly phase: Phase;
  /** Number of the region that the backward pass computes again instead of keeping; see `recompute`. */
  readonly region: number | undefined;
}

export type Phase = 'forward' | 'backward';

/** Values to compute, in order. */
export interface Graph {
  readonly outputs: readonly Value[];
}

/** Whether the value is what ReLU left. */
export const isRelu = ({ node: { op, attributes } }: Value): boolean =>
  op === 'relu' ||
  ((op === 'affineSum' || op === 'gemm') && (attributes as OpAttributes['affineSum' | 'gemm']).relu);

/** Nodes that `outputs` depend on, inputs first: ascending ids. */
export function sortNodes(outputs: readonly Value[]): GraphNode[] {
  const seen = new Set<GraphNode>();
  const stack = outputs.map((value) => value.node);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) if (!seen.has(input.node)) stack.push(input.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/** How many nodes read each value; a graph output counts as one more reader. */
export function countUses(nodes: readonly GraphNode[], outputs: readonly Value[]): Map<Value, number> {
  const uses = new Map<Value, number>();
  const add = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(add);
  outputs.forEach(add);
  return uses;
}
