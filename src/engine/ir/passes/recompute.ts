import * as build from '../build.ts';
import { createNode, withNodeContext } from '../create-node.ts';
import { isFloat } from '../shapes.ts';
import { type GraphNode, sortNodes, type Value } from '../value.ts';
import { keep, rewrite } from './rewrite.ts';

/**
 * Gradient checkpointing: backward nodes that read what a region computed in the forward pass read a second
 * computation of it instead, which starts from the region's inputs and only once the gradient has arrived there. So
 * nothing inside the region has to be kept from the forward to the backward pass. Random numbers are functions of
 * their key, and come out the same.
 *
 * @source Chen et al. 2016, https://arxiv.org/abs/1604.06174
 */
export function recompute(outputs: readonly Value[]): Value[] {
  const nodes = sortNodes(outputs);
  if (nodes.every(({ region }) => region === undefined)) return [...outputs];
  const signals = findSignals(nodes);
  const wanted = new Set(signals.values());
  /** What became of the signals. */
  const arrived = new Map<Value, Value>();
  /** The second computation of values, for each region apart. */
  const copies = new Map<Value, Value>();
  return rewrite(outputs, (node, inputs) => {
    if (node.phase !== 'backward') return undefined;
    const read = inputs.map((value) => {
      const { region, phase } = value.node;
      const signal = region === undefined ? undefined : signals.get(region);
      if (signal === undefined || phase !== 'forward') return value;
      return copyOf(value, region!, arrived.get(signal)!, copies);
    });
    const made = keep(node, read);
    node.outputs.forEach((value, i) => {
      if (wanted.has(value)) arrived.set(value, made[i]);
    });
    return made;
  });
}

/**
 * For every region a value of the backward pass that is there before the region's values are needed: the last gradient
 * made before the first backward node that reads from the region.
 */
function findSignals(nodes: readonly GraphNode[]): Map<number, Value> {
  const signals = new Map<number, Value>();
  let last: Value | undefined;
  for (const node of nodes) {
    if (node.phase !== 'backward') continue;
    for (const { node: from } of node.inputs) {
      const isRead = from.region !== undefined && from.phase === 'forward';
      if (isRead && last !== undefined && !signals.has(from.region!)) signals.set(from.region!, last);
    }
    const [value] = node.outputs;
    if (node.inputs.length > 0 && isFloat(value.dtype)) last = value;
  }
  return signals;
}

function copyOf(value: Value, region: number, signal: Value, copies: Map<Value, Value>): Value {
  const known = copies.get(value);
  if (known !== undefined) return known;
  const { node } = value;
  if (node.region !== region) {
    // A region's input: kept, and read again only after the signal. Weights and constants are there anyway.
    const isLeaf = node.inputs.length === 0;
    const again = isLeaf
      ? value
      : withNodeContext({ phase: 'backward', site: node.site }, () => build.after(value, signal));
    copies.set(value, again);
    return again;
  }
  if (node.inputs.length === 0) return value;
  const inputs = node.inputs.map((input) => copyOf(input, region, signal, copies));
  const made = withNodeContext({ phase: 'backward', site: node.site }, () =>
    createNode(node.op, inputs, node.attributes),
  );
  node.outputs.forEach((output, i) => {
    copies.set(output, made[i]);
  });
  return copies.get(value)!;
}
