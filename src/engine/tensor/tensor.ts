import { type DType, type HostTensor, type NumericArray, type Shape, ShapeError, sizeOf } from '#core';
import { gradients } from '../autodiff/gradients.ts';
import * as build from '../ir/build.ts';
import { atUserLine } from '../ir/call-site.ts';
import { printGraph } from '../ir/print-graph.ts';
import { broadcastShapes, resolveAxis } from '../ir/shapes.ts';
import type { Value } from '../ir/value.ts';
import { evaluate } from '../runtime/evaluate.ts';

/** What arithmetic accepts beside a tensor. */
export type TensorLike = Tensor | number;

type Axes = number | readonly number[];

const toValue = (operand: TensorLike): Value | number =>
  typeof operand === 'number' ? operand : operand.value;

/**
 * A value with methods: what model code computes with.
 *
 * Operations are recorded, not carried out; `data()` compiles what was recorded and runs it, a training step is
 * compiled from the same record. A tensor never changes.
 *
 * @example
 * const z = tensor([[0.2, 0.1, -0.1]]);
 * const loss = z.logSoftmax(1).gather(tensor([0], 'int64'), 1).neg().sum();
 * console.log(await loss.item()); // 0.9729
 */
export class Tensor {
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }

  /** Sizes of the axes, outermost first. */
  get shape(): Shape {
    return this.value.shape;
  }

  get dtype(): DType {
    return this.value.dtype;
  }

  /** Number of axes. */
  get rank(): number {
    return this.value.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.value.shape);
  }

  // Results

  /** Computes the tensor now. @returns its elements in row-major order */
  async data(): Promise<NumericArray> {
    return (await this.host()).data;
  }

  /** Computes the tensor now. @returns elements with shape and type */
  async host(): Promise<HostTensor> {
    const [result] = await evaluate([this.value]);
    return result;
  }

  /**
   * The number a tensor of one element holds.
   * @throws ShapeError when it has more elements, or none
   */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new ShapeError(
        `item: the tensor must hold one element, but got [${this.shape.join(', ')}]. Reduce it, or use data().${atUserLine()}`,
        { shape: [...this.shape] },
      );
    }
    return Number((await this.data())[0]);
  }

  /** Computes the tensor now. @returns nested arrays of numbers; a number for a scalar */
  async array(): Promise<NestedArray> {
    return nest(Array.from((await this.data()) as Float32Array, Number), this.shape);
  }

  /** The recorded computation as text. */
  toString(): string {
    return printGraph([this.value]);
  }

  // Element by element

  add(other: TensorLike): Tensor {
    return new Tensor(build.add(this.value, toValue(other)));
  }

  sub(other: TensorLike): Tensor {
    return new Tensor(build.sub(this.value, toValue(other)));
  }

  mul(other: TensorLike): Tensor {
    return new Tensor(build.mul(this.value, toValue(other)));
  }

  div(other: TensorLike): Tensor {
    return new Tensor(build.div(this.value, toValue(other)));
  }

  pow(exponent: TensorLike): Tensor {
    return new Tensor(build.pow(this.value, toValue(exponent)));
  }

  /** Remainder with the divisor's sign. */
  mod(divisor: TensorLike): Tensor {
    return new Tensor(build.mod(this.value, toValue(divisor)));
  }

  maximum(other: TensorLike): Tensor {
    return new Tensor(build.maximum(this.value, toValue(other)));
  }

  minimum(other: TensorLike): Tensor {
    return new Tensor(build.minimum(this.value, toValue(other)));
  }

  /** Limits every element to [low, high]. */
  clip(low: number, high: number): Tensor {
    return this.maximum(low).minimum(high);
  }

  equal(other: TensorLike): Tensor {
    return new Tensor(build.equal(this.value, toValue(other)));
  }

  less(other: TensorLike): Tensor {
    return new Tensor(build.less(this.value, toValue(other)));
  }

  lessEqual(other: TensorLike): Tensor {
    return new Tensor(build.lessEqual(this.value, toValue(other)));
  }

  greater(other: TensorLike): Tensor {
    return new Tensor(build.greater(this.value, toValue(other)));
  }

  greaterEqual(other: TensorLike): Tensor {
    return new Tensor(build.greaterEqual(this.value, toValue(other)));
  }

  and(other: Tensor): Tensor {
    return new Tensor(build.and(this.value, other.value));
  }

  or(other: Tensor): Tensor {
    return new Tensor(build.or(this.value, other.value));
  }

  not(): Tensor {
    return new Tensor(build.not(this.value));
  }

  /** `x` where this (bool) holds, `z` elsewhere. */
  where(x: TensorLike, z: TensorLike): Tensor {
    return new Tensor(build.where(this.value, toValue(x), toValue(z)));
  }

  cast(dtype: DType): Tensor {
    return new Tensor(build.cast(this.value, dtype));
  }

  neg(): Tensor {
    return new Tensor(build.neg(this.value));
  }

  abs(): Tensor {
    return new Tensor(build.abs(this.value));
  }

  sign(): Tensor {
    return new Tensor(build.sign(this.value));
  }

  exp(): Tensor {
    return new Tensor(build.exp(this.value));
  }

  log(): Tensor {
    return new Tensor(build.log(this.value));
  }

  sqrt(): Tensor {
    return new Tensor(build.sqrt(this.value));
  }

  reciprocal(): Tensor {
    return new Tensor(build.reciprocal(this.value));
  }

  erf(): Tensor {
    return new Tensor(build.erf(this.value));
  }

  sigmoid(): Tensor {
    return new Tensor(build.sigmoid(this.value));
  }

  tanh(): Tensor {
    return new Tensor(build.tanh(this.value));
  }

  sin(): Tensor {
    return new Tensor(build.sin(this.value));
  }

  cos(): Tensor {
    return new Tensor(build.cos(this.value));
  }

  floor(): Tensor {
    return new Tensor(build.floor(this.value));
  }

  ceil(): Tensor {
    return new Tensor(build.ceil(this.value));
  }

  /** To the nearest whole number, halves to the even one. */
  round(): Tensor {
    return new Tensor(build.round(this.value));
  }

  isFinite(): Tensor {
    return new Tensor(build.finite(this.value));
  }

  relu(): Tensor {
    return new Tensor(build.relu(this.value));
  }

  silu(): Tensor {
    return new Tensor(build.silu(this.value));
  }

  /** The same value, through which no gradient flows. */
  detach(): Tensor {
    return new Tensor(build.stopGradient(this.value));
  }

  // Reductions: over all axes when none is named

  sum(axes?: Axes, keepDims = false): Tensor {
    return new Tensor(build.sum(this.value, axes, keepDims));
  }

  mean(axes?: Axes, keepDims = false): Tensor {
    return new Tensor(build.mean(this.value, axes, keepDims));
  }

  max(axes?: Axes, keepDims = false): Tensor {
    return new Tensor(build.reduceMax(this.value, axes, keepDims));
  }

  min(axes?: Axes, keepDims = false): Tensor {
    return new Tensor(build.reduceMin(this.value, axes, keepDims));
  }

  logSumExp(axes?: Axes, keepDims = false): Tensor {
    return new Tensor(build.logSumExp(this.value, axes, keepDims));
  }

  /** Index (int64) of the largest element along an axis; the first of equal ones. */
  argMax(axis = -1, keepDims = false): Tensor {
    return new Tensor(build.argMax(this.value, axis, keepDims));
  }

  cumSum(axis = -1, options: { exclusive?: boolean; reverse?: boolean } = {}): Tensor {
    return new Tensor(build.cumSum(this.value, axis, options));
  }

  /** The k largest (smallest) elements along an axis, best first, and their indices (int64). */
  topK(k: number, axis = -1, largest = true): [values: Tensor, indices: Tensor] {
    const [values, indices] = build.topK(this.value, k, axis, largest);
    return [new Tensor(values), new Tensor(indices)];
  }

  softmax(axis = -1): Tensor {
    return new Tensor(build.softmax(this.value, axis));
  }

  logSoftmax(axis = -1): Tensor {
    return new Tensor(build.logSoftmax(this.value, axis));
  }

  // Products

  /** Product of the last two axes; leading axes are batches that broadcast. */
  matmul(other: Tensor, options: { transposeA?: boolean; transposeB?: boolean } = {}): Tensor {
    return new Tensor(build.matmul(this.value, other.value, options));
  }

  // Moving elements

  /** One size may be −1: whatever is left. */
  reshape(shape: Shape): Tensor {
    return new Tensor(build.reshape(this.value, shape));
  }

  /**
   * Joins the axes from `start` on; a scalar becomes `[1]`.
   * @throws ShapeError for an axis that the tensor does not have
   */
  flatten(start = 0): Tensor {
    const at = resolveAxis(start, Math.max(1, this.rank), 'flatten');
    return this.reshape([...this.shape.slice(0, at), sizeOf(this.shape.slice(at))]);
  }

  /** Axes in another order; reversed when none is given. */
  transpose(permutation?: readonly number[]): Tensor {
    return new Tensor(build.transpose(this.value, permutation));
  }

  /** Repeats axes of size 1 up to `shape`. */
  expand(shape: Shape): Tensor {
    return new Tensor(build.expand(this.value, shape));
  }

  /**
   * A new axis of size 1 at `axis` of the result, which has one axis more.
   * @throws ShapeError for an axis that the result does not have
   */
  unsqueeze(axis: number): Tensor {
    const at = resolveAxis(axis, this.rank + 1, 'unsqueeze');
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }

  /**
   * Without its axes of size 1, or without `axis`, which must have size 1.
   * @throws ShapeError for an axis that the tensor does not have, or of another size
   */
  squeeze(axis?: number): Tensor {
    if (axis === undefined) return this.reshape(this.shape.filter((dim) => dim !== 1));
    const at = resolveAxis(axis, this.rank, 'squeeze');
    if (this.shape[at] !== 1) {
      throw new ShapeError(
        `squeeze: the axis must have size 1, but got axis ${axis} of [${this.shape.join(', ')}]. Name an axis of size 1, or take a part with slice().${atUserLine()}`,
        { axis, shape: [...this.shape] },
      );
    }
    return this.reshape(this.shape.filter((_, each) => each !== at));
  }

  /** The elements [start, end) of one axis. */
  slice(axis: number, start: number, end: number): Tensor {
    return new Tensor(build.sliceAxis(this.value, axis, start, end));
  }

  /** Adds `before[i]` and `after[i]` elements of `value` to the ends of axis i. */
  pad(before: readonly number[], after: readonly number[], value = 0): Tensor {
    return new Tensor(build.pad(this.value, before, after, value));
  }

  /** Cuts an axis into parts of the given sizes. */
  split(sizes: readonly number[], axis = 0): Tensor[] {
    return build.split(this.value, sizes, axis).map((value) => new Tensor(value));
  }

  /** Slices along `axis`, chosen by `indices` (int64) of any shape, which takes the axis' place. */
  gather(indices: Tensor, axis = 0): Tensor {
    return new Tensor(build.gather(this.value, indices.value, axis));
  }

  /** One element per index (int64), which lies along `axis`; `indices` has the tensor's rank. */
  gatherElements(indices: Tensor, axis = -1): Tensor {
    return new Tensor(build.gatherElements(this.value, indices.value, axis));
  }

  /** float32 `[…, depth]` with 1 at each index. */
  oneHot(depth: number): Tensor {
    return new Tensor(build.oneHot(this.value, depth));
  }
}

/** The gradients of a scalar in each of `wanted`, as tensors that can be differentiated again. */
export function grad(y: Tensor, wanted: readonly Tensor[], dy?: Tensor): Tensor[] {
  const values = gradients(
    y.value,
    wanted.map((tensor) => tensor.value),
    dy?.value,
  );
  return values.map((value) => new Tensor(value));
}

/** The shape that operands of these shapes broadcast to. */
export function broadcastShape(...shapes: readonly Shape[]): Shape {
  return broadcastShapes(shapes, 'broadcastShape');
}

export type NestedArray = number | NestedArray[];

function nest(values: readonly number[], shape: Shape): NestedArray {
  if (shape.length === 0) return values[0];
  const [length, ...rest] = shape;
  const size = sizeOf(rest);
  return Array.from({ length }, (_, i) => nest(values.slice(i * size, (i + 1) * size), rest));
}
