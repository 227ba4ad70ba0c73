import { createArray, type NumericArray, sizeOf } from '#core';
import * as build from '../build.ts';
import type { OpAttributes } from '../op-attributes.ts';
import type { OpRule, ReferenceTensor } from '../op-rule.ts';
import { opTable } from '../op-table.ts';
import type { GraphNode, TensorType, Value } from '../value.ts';
import { keep, rewrite } from './rewrite.ts';

/** Larger constants are left to be computed: they would only make the file larger. */
const LARGEST_CONSTANT = 4096;

/**
 * Folds what depends on constants alone (in float64, rounded to the type) and joins nodes that compute the same from
 * the same. Dead code goes by itself, since a graph is what its outputs reach.
 *
 * `after` is never joined: that it is computed again is what it is for.
 */
export function simplify(outputs: readonly Value[]): Value[] {
  const known = new Map<string, readonly Value[]>();
  const numbers = new Map<Value, number>();
  const numberOf = (value: Value): number => {
    let number = numbers.get(value);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(value, number);
    }
    return number;
  };
  return rewrite(outputs, (node, inputs) => {
    const made = fold(node, inputs) ?? keep(node, inputs);
    if (made[0].node.op === 'after') return made;
    const key = keyOf(made[0].node, numberOf);
    if (key === undefined) return made;
    const same = known.get(key);
    if (same === undefined) known.set(key, made);
    return same ?? made;
  });
}

function fold(node: GraphNode, inputs: readonly Value[]): readonly Value[] | undefined {
  const isFoldable =
    inputs.length > 0 &&
    inputs.every(({ node: { op } }) => op === 'constant') &&
    [...inputs, ...node.outputs].every(
      (value) => sizeOf(value.shape) <= LARGEST_CONSTANT && value.dtype !== 'float16',
    );
  if (!isFoldable) return undefined;
  const rule = opTable[node.op] as OpRule<typeof node.op>;
  const results = rule.reference(inputs.map(contents), node.attributes, node.outputs);
  return results.map((data, i) =>
    build.constant(rounded(data, node.outputs[i]), node.outputs[i].shape, node.outputs[i].dtype),
  );
}

function contents({ node, shape }: Value): ReferenceTensor {
  const { data } = node.attributes as OpAttributes['constant'];
  return { shape, data: Float64Array.from(data as Float32Array, Number) };
}

function rounded(data: Float64Array, { dtype }: TensorType): NumericArray {
  const array = createArray(dtype, data.length);
  if (array instanceof BigInt64Array) for (let i = 0; i < data.length; i++) array[i] = BigInt(data[i]);
  else array.set(data);
  return array;
}

/** Equal keys compute equal values. */
function keyOf(node: GraphNode, numberOf: (value: Value) => number): string | undefined {
  if (node.op === 'variable' || node.op === 'input') return undefined;
  if (node.op === 'constant') {
    const { data, dtype, shape } = node.attributes as OpAttributes['constant'];
    // Text of few numbers tells all of them apart, but for the sign of zero.
    if (data.length > 16 || dtype === 'float16') return undefined;
    const text = Array.from(data as Float32Array, (value) => (Object.is(value, -0) ? '-0' : String(value)));
    return `constant ${dtype} [${shape.join()}] ${text.join()}`;
  }
  const attributes = Object.entries(node.attributes).map(([name, value]) => `${name}=${String(value)}`);
  return `${node.op} ${node.inputs.map(numberOf).join()} ${attributes.join(' ')}`;
}
