import { repeatNode } from '../create-node.ts';
import { type GraphNode, sortNodes, type Value } from '../value.ts';
import { keep, rewrite } from './rewrite.ts';

/**
 * What scales and shifts channels in the forward pass is computed a second time where the backward pass reads it,
 * unless its operand would have to be kept for that alone: batch normalisation's input is kept anyway. One pass over
 * the image saves the memory of keeping it, which is about a quarter of a network of such layers.
 *
 * The second computation is placed right behind the first. ONNX Runtime computes what was written last first where it
 * has the choice, and so comes to it only once the gradient is there.
 */
export function repeatAffine(outputs: readonly Value[]): Value[] {
  const readers = new Map<Value, GraphNode[]>();
  for (const node of sortNodes(outputs))
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  const isReadBackward = (value: Value) => (readers.get(value) ?? []).some(isBackward);
  const isRepeated = ({ node }: Value): boolean =>
    node.op === 'channelAffine' &&
    node.phase === 'forward' &&
    node.outputs[0].shape.length === 4 &&
    (readers.get(node.outputs[0]) ?? []).some((reader) => !isBackward(reader)) &&
    isReadBackward(node.inputs[0]);
  const copies = new Map<Value, Value>();
  return rewrite(outputs, (node, inputs) => {
    if (!isBackward(node) || !node.inputs.some(isRepeated)) return undefined;
    return keep(
      node,
      inputs.map((value, i) => {
        if (!isRepeated(node.inputs[i])) return value;
        const copy = copies.get(value) ?? repeatNode(value.node)[value.index];
        copies.set(value, copy);
        return copy;
      }),
    );
  });
}

const isBackward = ({ phase }: GraphNode): boolean => phase === 'backward';
