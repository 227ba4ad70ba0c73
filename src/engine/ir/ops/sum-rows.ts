import { type Shape, sizeOf } from '#core';
import type { Emitter } from '../op-rule.ts';

/**
 * The sum of the rows of a float32 matrix as a product with ones: on the CPU that takes a twelfth of the time of
 * `ReduceSum`, which goes down the columns. The sum gets the given shape.
 */
export function sumRows(e: Emitter, name: string, rows: number, shape: Shape): string {
  const ones = e.constant(new Float32Array(rows).fill(1), [rows], 'float32', 'ones');
  const sum = e.node('MatMul', [ones, e.reshape(name, [rows, sizeOf(shape)])]);
  return shape.length === 1 ? sum : e.reshape(sum, shape);
}
