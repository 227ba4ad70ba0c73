import type { OpAttributes, OpName } from './op-attributes.ts';
import { formatType } from './shapes.ts';
import { type GraphNode, sortNodes, type Value } from './value.ts';

/**
 * A graph as text, one line per node, values numbered in order of use: what tests snapshot.
 *
 * ```
 * %0 = input(name=x) : float32[2, 3]
 * %1 = relu(%0) : float32[2, 3]
 * return %1
 * ```
 */
export function printGraph(outputs: readonly Value[]): string {
  const names = new Map<Value, string>();
  const lines: string[] = [];
  for (const node of sortNodes(outputs)) {
    for (const output of node.outputs) names.set(output, `%${names.size}`);
    const results = node.outputs.map((output) => names.get(output)).join(', ');
    const inputs = node.inputs.map((input) => names.get(input));
    const parts = [...inputs, ...formatAttributes(node)].join(', ');
    lines.push(`${results} = ${node.op}(${parts}) : ${node.outputs.map(formatType).join(', ')}`);
  }
  lines.push(`return ${outputs.map((output) => names.get(output)).join(', ')}`);
  return lines.join('\n');
}

/** Attributes that differ from what the type already says. */
function formatAttributes(node: GraphNode): string[] {
  const { op, attributes } = node;
  if (op === 'constant') return [formatConstant(attributes as OpAttributes['constant'])];
  if (op === 'variable') return [`name=${(attributes as OpAttributes['variable']).variable.name}`];
  return Object.entries(attributes)
    .filter(([name]) => !isImplied(op, name))
    .map(([name, value]) => `${name}=${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}`);
}

function isImplied(op: OpName, name: string): boolean {
  if (op === 'input') return name !== 'name';
  return name === 'shape' || name === 'to';
}

const SHOWN = 6;

function formatConstant({ data }: OpAttributes['constant']): string {
  const shown = Array.from(data.slice(0, SHOWN) as Float32Array, (value) => String(Number(value)));
  return `[${shown.join(', ')}${data.length > SHOWN ? ', …' : ''}]`;
}
