import { ShapeError } from './errors.ts';

/** Element types of tensors. Booleans are bytes of 0 and 1; float16 values are kept as their 16-bit patterns. */
export type DType = 'float32' | 'float16' | 'float64' | 'uint8' | 'int32' | 'int64' | 'bool';

/** Sizes of a tensor's axes, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

interface ArrayOfDType {
  readonly float32: Float32Array;
  readonly float16: Uint16Array;
  readonly float64: Float64Array;
  readonly uint8: Uint8Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly bool: Uint8Array;
}

export type NumericArray = ArrayOfDType[DType];

/** A tensor in the memory of this process: row-major `data` of `sizeOf(shape)` elements. */
export interface HostTensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: ArrayOfDType[D];
}

const arrayTypes = {
  float32: Float32Array,
  float16: Uint16Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

/** Bytes per element. */
export function bytesPerElement(dtype: DType): number {
  return arrayTypes[dtype].BYTES_PER_ELEMENT;
}

/** A zero-filled array of the type that holds `dtype`. */
export function createArray<D extends DType>(dtype: D, length: number): ArrayOfDType[D] {
  return new arrayTypes[dtype](length) as ArrayOfDType[D];
}

/** Elements to skip in the data for one step along each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/**
 * Pairs data with a shape.
 * @throws ShapeError when the sizes differ or a size is no whole number
 */
export function hostTensor<D extends DType>(
  dtype: D,
  data: ArrayOfDType[D],
  shape: Shape = [data.length],
): HostTensor<D> {
  if (shape.some((dim) => !Number.isInteger(dim) || dim < 0) || sizeOf(shape) !== data.length) {
    throw new ShapeError(
      `hostTensor: data must fill the shape, but got ${data.length} values for [${shape.join(', ')}]. Pass a shape whose product is ${data.length}.`,
      { shape: [...shape], length: data.length },
    );
  }
  return { dtype, data, shape };
}
