import {
  createArray,
  type DType,
  type HostTensor,
  type NumericArray,
  Rng,
  type Shape,
  ShapeError,
  sizeOf,
} from '#core';
import * as build from '../ir/build.ts';
import { atUserLine } from '../ir/call-site.ts';
import { type NestedArray, Tensor } from './tensor.ts';

/**
 * A tensor of given elements: nested arrays of numbers, a number, or a typed array with its shape.
 *
 * @example
 * const x = tensor([[1, 2], [3, 4]]); // float32 [2, 2]
 * const y = tensor([2, 0, 1], 'int64'); // int64 [3]
 * @throws ShapeError when rows have different lengths
 */
export function tensor(data: NestedArray | readonly NestedArray[], dtype: DType = 'float32'): Tensor {
  const shape = shapeOf(data as NestedArray);
  const flat = createArray(dtype, sizeOf(shape));
  let at = 0;
  const fill = (part: NestedArray, axis: number): void => {
    if (typeof part === 'number') {
      if (axis !== shape.length) throw ragged(shape);
      if (flat instanceof BigInt64Array) flat[at++] = BigInt(part);
      else flat[at++] = part;
      return;
    }
    if (part.length !== shape[axis]) throw ragged(shape);
    for (const each of part) fill(each, axis + 1);
  };
  fill(data as NestedArray, 0);
  return new Tensor(build.constant(flat, shape, dtype));
}

function shapeOf(data: NestedArray): number[] {
  const shape: number[] = [];
  for (let part = data; typeof part !== 'number'; part = part[0]) {
    shape.push(part.length);
    if (part.length === 0) break;
  }
  return shape;
}

function ragged(shape: Shape): ShapeError {
  return new ShapeError(
    `tensor: rows must have equal lengths, but got others beside a first of [${shape.join(', ')}]. Pad or cut them.${atUserLine()}`,
    { shape: [...shape] },
  );
}

/** A tensor over an array in host memory, which must not change afterwards. */
export function fromHost({ dtype, data, shape }: HostTensor): Tensor {
  return new Tensor(build.constant(data as NumericArray, shape, dtype));
}

/** Every element `value`. */
export function full(shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  return new Tensor(build.expand(build.scalar(value, dtype), shape));
}

export function zeros(shape: Shape, dtype: DType = 'float32'): Tensor {
  return full(shape, 0, dtype);
}

export function ones(shape: Shape, dtype: DType = 'float32'): Tensor {
  return full(shape, 1, dtype);
}

/** 0, 1, …, n − 1. */
export function arange(n: number, dtype: DType = 'float32'): Tensor {
  return tensor(
    Array.from({ length: n }, (_, i) => i),
    dtype,
  );
}

/** Standard normal numbers from a seed. */
export function randn(shape: Shape, seed: number): Tensor {
  const rng = new Rng(seed);
  return fromHost({
    dtype: 'float32',
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, () => rng.normal()),
  });
}

/** Joins tensors along an existing axis. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  return new Tensor(
    build.concat(
      tensors.map((each) => each.value),
      axis,
    ),
  );
}

/** Joins tensors of one shape along a new axis. */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  return new Tensor(
    build.stack(
      tensors.map((each) => each.value),
      axis,
    ),
  );
}

/** A tensor that is fed on every run of a compiled graph. */
export function placeholder(name: string, dtype: DType, shape: Shape): Tensor {
  return new Tensor(build.input(name, dtype, shape));
}
