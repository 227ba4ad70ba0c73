import { type DType, Rng, type Shape, sizeOf } from '#core';
import type { OpName } from '../op-attributes.ts';
import type { Value } from '../value.ts';

/** Contents of an operand: random normal numbers of a shape unless `data` is given. */
export interface CaseInput {
  readonly shape: Shape;
  readonly data?: readonly number[];
  readonly dtype?: DType;
  /** Random numbers are drawn from (0.2, 2.2). */
  readonly positive?: boolean;
}

export interface OpCase {
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly make: (...inputs: Value[]) => Value | readonly Value[];
  /** Outputs for the given `data`, the arithmetic in a comment beside it. */
  readonly expected?: readonly (readonly number[])[];
  /** Gradients exist and are smooth at the operands: first and second derivative are checked. */
  readonly smooth?: boolean;
  /** The gradient is checked once: piecewise linear functions. */
  readonly linear?: boolean;
}

/** Data for an input: its own, or numbers from a seed. */
export function caseData({ shape, data, positive }: CaseInput, seed: number): number[] {
  if (data !== undefined) return [...data];
  const rng = new Rng(seed);
  // Rounded to float32, so that the interpreter and ONNX Runtime see the same numbers.
  return Array.from({ length: sizeOf(shape) }, () =>
    Math.fround(positive ? 0.2 + 2 * rng.uniform() : rng.normal()),
  );
}

export const of = (...data: number[]): CaseInput => ({ shape: [data.length], data });
export const random = (...shape: number[]): CaseInput => ({ shape });
export const positive = (...shape: number[]): CaseInput => ({ shape, positive: true });
export const bools = (...data: number[]): CaseInput => ({ shape: [data.length], data, dtype: 'bool' });
export const whole = (shape: Shape, ...data: number[]): CaseInput => ({ shape, data, dtype: 'int64' });

export const conv = (strides: number, pads: readonly number[], dilation = 1, groups = 1) => ({
  strides: [strides, strides] as const,
  pads: pads as readonly [number, number, number, number],
  dilations: [dilation, dilation] as const,
  groups,
});
export const pool = (kernel: number, stride: number, pads: readonly number[] = [0, 0, 0, 0]) => ({
  kernel: [kernel, kernel] as const,
  strides: [stride, stride] as const,
  pads: pads as readonly [number, number, number, number],
});
export const same = [1, 1, 1, 1];

/** Cases of some of the ops. */
export type OpCases<K extends OpName> = { readonly [Op in K]: readonly OpCase[] };
