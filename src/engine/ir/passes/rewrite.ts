import { createNode, withNodeContext } from '../create-node.ts';
import { type GraphNode, sortNodes, type Value } from '../value.ts';

/**
 * Replaces a node, given what its inputs have become; `undefined` keeps it. Runs with the node's site and phase, which
 * nodes that it makes carry too.
 */
export type Rewrite = (node: GraphNode, inputs: readonly Value[]) => readonly Value[] | undefined;

/**
 * Goes through a graph, inputs first, and replaces nodes. What nothing reads any more is gone from the result: a graph
 * is what its outputs reach.
 *
 * @returns what became of `outputs`
 */
export function rewrite(outputs: readonly Value[], change: Rewrite): Value[] {
  const results = new Map<Value, Value>();
  for (const node of sortNodes(outputs)) {
    const inputs = node.inputs.map((value) => results.get(value) ?? value);
    const made = withNodeContext(
      { phase: node.phase, site: node.site, region: node.region },
      () => change(node, inputs) ?? keep(node, inputs),
    );
    node.outputs.forEach((value, i) => {
      results.set(value, made[i]);
    });
  }
  return outputs.map((value) => results.get(value)!);
}

/** The node itself, or a copy over other inputs. */
export function keep(node: GraphNode, inputs: readonly Value[]): readonly Value[] {
  if (inputs.every((value, i) => value === node.inputs[i])) return node.outputs;
  return createNode(node.op, inputs, node.attributes);
}

/** Replaces values: every reader of a key reads the entry instead. */
export function replaceValues(outputs: readonly Value[], replacements: ReadonlyMap<Value, Value>): Value[] {
  return rewrite(outputs, (node, inputs) => {
    if (!node.outputs.some((value) => replacements.has(value))) return undefined;
    const kept = keep(node, inputs);
    return node.outputs.map((value, i) => replacements.get(value) ?? kept[i]);
  });
}
