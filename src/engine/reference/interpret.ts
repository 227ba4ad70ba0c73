import { GraphError, type HostTensor, sizeOf } from '#core';
import type { OpAttributes } from '../ir/op-attributes.ts';
import type { OpRule, ReferenceTensor } from '../ir/op-rule.ts';
import { opTable } from '../ir/op-table.ts';
import { type GraphNode, sortNodes, type Value } from '../ir/value.ts';

/** Contents of graph inputs by name; variables use their own data unless named here too. */
export type Bindings = Readonly<Record<string, ReferenceTensor>>;

/** Any array of numbers as a tensor of the interpreter. */
export function referenceTensor(data: ArrayLike<number | bigint>, shape: readonly number[]): ReferenceTensor {
  return { shape, data: Float64Array.from(data as ArrayLike<number>, Number) };
}

/** A tensor of this process in float64; float16 is not read. */
function toReference({ data, shape }: HostTensor): ReferenceTensor {
  return referenceTensor(data as ArrayLike<number>, shape);
}

/**
 * Evaluates a graph in float64 with the plain loops of the op table, which define what every op means. Slow, and
 * exact enough to check gradients by finite differences.
 *
 * @throws GraphError when an input is not bound or has another size
 */
export function interpret(outputs: readonly Value[], bindings: Bindings = {}): ReferenceTensor[] {
  const results = new Map<Value, ReferenceTensor>();
  for (const node of sortNodes(outputs)) {
    const values = evaluate(node, results, bindings);
    node.outputs.forEach((output, i) => {
      results.set(output, { shape: output.shape, data: values[i] });
    });
  }
  return outputs.map((output) => results.get(output)!);
}

function evaluate(
  node: GraphNode,
  results: ReadonlyMap<Value, ReferenceTensor>,
  bindings: Bindings,
): readonly Float64Array[] {
  if (node.op === 'input') return [bound(node, (node.attributes as OpAttributes['input']).name, bindings)];
  if (node.op === 'variable') {
    const { variable } = node.attributes as OpAttributes['variable'];
    if (bindings[variable.name] !== undefined) return [bound(node, variable.name, bindings)];
    return [toReference({ dtype: variable.dtype, data: variable.data, shape: variable.shape }).data];
  }
  const rule = opTable[node.op] as OpRule<typeof node.op>;
  const inputs = node.inputs.map((value) => results.get(value)!);
  return rule.reference(inputs, node.attributes, node.outputs);
}

function bound(node: GraphNode, name: string, bindings: Bindings): Float64Array {
  const tensor = bindings[name];
  const { shape } = node.outputs[0];
  if (tensor === undefined || tensor.data.length !== sizeOf(shape)) {
    throw new GraphError(
      `interpret: every input needs ${sizeOf(shape)} values as its shape says, but "${name}" has ${tensor === undefined ? 'none' : tensor.data.length}. Bind it.`,
      { name },
    );
  }
  return tensor.data;
}
