import { GraphError } from '#core';
import type { OpRule } from './op-rule.ts';
import { opTable } from './op-table.ts';
import { formatType, sameShape } from './shapes.ts';
import { type GraphNode, sortNodes, type Value } from './value.ts';

/**
 * Checks a graph: every node comes after its inputs, and the types of its outputs are those its shape rule gives.
 * Tests run it over every graph that a pass makes.
 *
 * @throws GraphError naming the node and the user's line
 */
export function verifyGraph(outputs: readonly Value[]): void {
  for (const node of sortNodes(outputs)) {
    for (const value of node.inputs) {
      if (value.node.id >= node.id)
        throw fault(node, `inputs must be made before it, but %${value.node.id} is not`);
      if (value.node.outputs[value.index] !== value)
        throw fault(node, 'inputs must be outputs of their nodes, but one is not');
    }
    const rule = opTable[node.op] as OpRule<typeof node.op>;
    const types = rule.infer(node.inputs, node.attributes, node.op);
    const agrees =
      types.length === node.outputs.length &&
      types.every(
        (type, i) => type.dtype === node.outputs[i].dtype && sameShape(type.shape, node.outputs[i].shape),
      );
    if (!agrees) {
      throw fault(
        node,
        `outputs must be ${types.map(formatType).join(', ')}, but got ${node.outputs.map(formatType).join(', ')}`,
      );
    }
  }
}

function fault(node: GraphNode, text: string): GraphError {
  const line = node.site?.toString() ?? '';
  return new GraphError(
    `verifyGraph: ${node.op}'s ${text}. Build nodes with the functions of the engine.${line && ` (${line})`}`,
    {
      op: node.op,
      site: line,
    },
  );
}
