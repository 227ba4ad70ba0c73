import { TrainyardError } from '#core';
import { CallSite } from './call-site.ts';
import type { OpAttributes, OpName } from './op-attributes.ts';
import type { OpRule } from './op-rule.ts';
import { opTable } from './op-table.ts';
import type { GraphNode, Phase, TensorType, Value } from './value.ts';

let nextId = 1;

interface NodeContext {
  readonly phase: Phase;
  /** Site that new nodes carry; captured from the stack when `undefined`. */
  readonly site: CallSite | undefined;
  readonly region?: number | undefined;
}

let nextRegion = 1;

let context: NodeContext = { phase: 'forward', site: undefined };

/** Runs `make` so that the nodes it creates carry the given phase and site. */
export function withNodeContext<T>(next: NodeContext, make: () => T): T {
  const previous = context;
  context = next;
  try {
    return make();
  } finally {
    context = previous;
  }
}

/**
 * Runs `make` so that the forward nodes it creates are a region: what the backward pass needs of it is computed again
 * from the region's inputs, which saves the memory of keeping it.
 */
export function withRegion<T>(make: () => T): T {
  return withNodeContext({ ...context, region: nextRegion++ }, make);
}

/**
 * Makes a node after checking its operands.
 * @returns its outputs
 * @throws ShapeError or DTypeError naming the op, the shapes and the user's line
 */
export function createNode<K extends OpName>(
  op: K,
  inputs: readonly Value[],
  attributes: OpAttributes[K],
): readonly Value[] {
  const site = context.site ?? CallSite.capture();
  const rule = opTable[op] as OpRule<K>;
  let types: readonly TensorType[];
  try {
    types = rule.infer(inputs, attributes, op);
  } catch (error) {
    throw withSite(error, op, site);
  }
  const outputs: Value[] = [];
  const node: GraphNode<K> = {
    id: nextId++,
    op,
    inputs,
    attributes,
    outputs,
    site,
    phase: context.phase,
    region: context.region,
  };
  types.forEach(({ dtype, shape }, index) => {
    outputs.push({ dtype, shape, node: node as unknown as GraphNode, index });
  });
  return outputs;
}

/** The node once more, right behind it in order. */
export function repeatNode(node: GraphNode): readonly Value[] {
  const outputs: Value[] = [];
  const copy: GraphNode = { ...node, id: node.id + 0.5, outputs };
  for (const { dtype, shape, index } of node.outputs) outputs.push({ dtype, shape, node: copy, index });
  return outputs;
}

/** Adds the user's line to an error of a shape rule. */
function withSite(error: unknown, op: OpName, site: CallSite): unknown {
  const line = site.toString();
  if (!(error instanceof TrainyardError) || line === '' || error.message.endsWith(`(${line})`)) return error;
  const ErrorClass = error.constructor as new (message: string, details: object) => TrainyardError;
  return new ErrorClass(`${error.message} (${line})`, { ...error.details, op, site: line });
}
