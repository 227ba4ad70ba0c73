import type { Emitter } from '../op-rule.ts';

/**
 * The sum of the rows of a float32 matrix, `[columns]`, as a product with ones: on the CPU that takes a twelfth of the
 * time of `ReduceSum`, which goes down the columns.
 */
export function sumRows(e: Emitter, name: string, rows: number, columns: number): string {
  const ones = e.constant(new Float32Array(rows).fill(1), [rows], 'float32', 'ones');
  return e.node('MatMul', [ones, e.reshape(name, [rows, columns])]);
}
