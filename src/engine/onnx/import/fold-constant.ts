import { createArray, type NumericArray, sizeOf } from '#core';
import * as build from '../../ir/build.ts';
import type { OpAttributes } from '../../ir/op-attributes.ts';
import { sortNodes, type Value } from '../../ir/value.ts';
import { interpret } from '../../reference/interpret.ts';
import { bigOf } from './decode-tensor.ts';

/** Larger constants are computed when the graph runs. */
const LARGEST_FOLDED = 65_536;

/** A value that depends on constants alone as one constant: how computations on shapes become plain sizes. */
export function foldConstant(value: Value): Value {
  if (value.node.op === 'constant' || sizeOf(value.shape) > LARGEST_FOLDED) return value;
  if (!dependsOnConstants(value)) return value;
  const [{ data }] = interpret([value]);
  const array = createArray(value.dtype, data.length);
  for (let i = 0; i < data.length; i++) {
    if (array instanceof BigInt64Array) array[i] = bigOf(data[i]);
    else array[i] = data[i];
  }
  return build.constant(array, value.shape, value.dtype);
}

function dependsOnConstants(value: Value): boolean {
  const stack = [value];
  const seen = new Set<Value>();
  while (stack.length > 0) {
    const each = stack.pop()!;
    if (seen.has(each) || each.node.op === 'constant') continue;
    seen.add(each);
    if (each.node.inputs.length === 0 || sizeOf(each.shape) > LARGEST_FOLDED) return false;
    stack.push(...each.node.inputs);
  }
  return sortNodes([value]).every(({ outputs }) => outputs.every(({ dtype }) => dtype !== 'float16'));
}

/** The elements of a constant, `undefined` for another value. */
export function constantNumbers({ node }: Value): number[] | undefined {
  if (node.op !== 'constant') return undefined;
  const data: NumericArray = (node.attributes as OpAttributes['constant']).data;
  return Array.from(data as Float32Array, Number);
}
