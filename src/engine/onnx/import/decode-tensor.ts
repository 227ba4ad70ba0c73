import {
  bytesPerElement,
  createArray,
  DataError,
  type DType,
  type HostTensor,
  UnsupportedError,
} from '#core';
import { dtypeOfCode } from '../dtype.ts';
import type { RawTensor } from './raw-model.ts';

/** Element type of a number of `TensorProto.DataType`; half precision becomes float32. */
export function importedDType(code: number | undefined, what: string): DType {
  const dtype = dtypeOfCode(code ?? 0);
  if (dtype !== undefined && dtype !== 'string') return dtype === 'float16' ? 'float32' : dtype;
  throw new UnsupportedError(
    `importOnnx: elements must be floating point, int32, int64, uint8 or bool, but ${what} has the ONNX type ${code ?? 0}${dtype === undefined ? '' : ` (${dtype})`}. Export the model in float32, without quantisation.`,
    { code: code ?? 0 },
  );
}

/**
 * Contents of a tensor; float16 as float32.
 *
 * @throws DataError when the declared sizes and the contents differ; nothing of the declared size is allocated before
 * @throws UnsupportedError for an element type that is not used here, and for contents in another file
 */
export function decodeTensor(tensor: RawTensor, what: string): HostTensor {
  const shape = (tensor.dims ?? []).map(Number);
  const dtype = importedDType(tensor.dataType, what);
  if (tensor.dataLocation === 1) {
    throw new UnsupportedError(
      `importOnnx: a model must be one file, but ${what} lies in another one (external data). Save it with its weights inside.`,
      { tensor: what },
    );
  }
  const count = countElements(shape);
  const isHalf = dtypeOfCode(tensor.dataType ?? 0) === 'float16';
  const raw = tensor.rawData;
  const held =
    raw !== undefined && raw.length > 0 ? raw.length / (isHalf ? 2 : bytesPerElement(dtype)) : undefined;
  const listed = listedElements(tensor, dtype, isHalf);
  if (count === undefined || (held ?? listed.length) !== count) {
    throw new DataError(
      `importOnnx: a tensor must hold what its sizes say, but ${what} declares [${shape.join(', ')}] and holds ${held ?? listed.length} elements. Export the model again.`,
      { tensor: what, shape, held: held ?? listed.length },
    );
  }
  if (raw === undefined || held === undefined) {
    const data = createArray(dtype, count);
    for (let i = 0; i < count; i++) {
      if (data instanceof BigInt64Array) data[i] = bigOf(listed[i]);
      else data[i] = isHalf ? halfToFloat(listed[i]) : listed[i];
    }
    return { dtype, shape, data } as HostTensor;
  }
  // A copy, which is aligned as typed arrays must be.
  const bytes = Uint8Array.from(raw);
  if (isHalf) {
    const data = Float32Array.from(new Uint16Array(bytes.buffer), halfToFloat);
    return { dtype: 'float32', shape, data };
  }
  const Contents = createArray(dtype, 0).constructor as new (buffer: ArrayBuffer) => Float32Array;
  return { dtype, shape, data: new Contents(bytes.buffer) } as HostTensor;
}

function countElements(shape: readonly number[]): number | undefined {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0) && Number.isSafeInteger(count)
    ? count
    : undefined;
}

function listedElements(tensor: RawTensor, dtype: DType, isHalf: boolean): readonly number[] {
  if (isHalf) return tensor.int32Data ?? [];
  if (dtype === 'float32') return tensor.floatData ?? [];
  if (dtype === 'float64') return tensor.doubleData ?? [];
  return (dtype === 'int64' ? tensor.int64Data : tensor.int32Data) ?? [];
}

const LARGEST = 2n ** 63n - 1n;

/** A whole number as int64; what rounding to float64 has carried over the end is the end. */
export function bigOf(value: number): bigint {
  const big = BigInt(Math.trunc(value));
  return big > LARGEST ? LARGEST : big;
}

/** The value of a 16-bit pattern. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
