import * as build from '../build.ts';
import type { OpAttributes, PoolAttributes } from '../op-attributes.ts';
import { countUses, sortNodes, type Value } from '../value.ts';
import { rewrite } from './rewrite.ts';

/**
 * Max pooling before ReLU instead of after it: both never change an order, so the values are the same, and where one
 * is above zero so is its place in the window, so the gradients are the same too. ReLU and its gradient then go over
 * a fraction of the elements. For the forward pass, before it is differentiated.
 */
export function poolFirst(outputs: readonly Value[]): Value[] {
  const uses = countUses(sortNodes(outputs), outputs);
  return rewrite(outputs, (node, [x]) => {
    if (node.op !== 'maxPool2d' || x.node.op !== 'relu' || uses.get(node.inputs[0]) !== 1) return undefined;
    const { kernel, strides, pads } = node.attributes as OpAttributes['maxPool2d'];
    if (!everyWindowHasPixels({ kernel, strides, pads })) return undefined;
    return [build.relu(build.maxPool2d(x.node.inputs[0], { kernel, strides, pads }))];
  });
}

/** The maximum of padding alone is −∞, which ReLU must not see. */
const everyWindowHasPixels = ({ kernel, pads }: PoolAttributes): boolean =>
  pads.every((pad, side) => pad < kernel[side % 2]);
