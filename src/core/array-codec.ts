import { DataError } from './errors.ts';

const constructors = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

export type ArrayDType = keyof typeof constructors;

type ArrayOf<D extends ArrayDType> = InstanceType<(typeof constructors)[D]>;

/** Every array type the codec knows. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** A typed array inside a JSON document: its element type and its little-endian bytes in base64. */
export interface EncodedArray {
  readonly dtype: ArrayDType;
  readonly data: string;
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A typed array as plain JSON data; `decodeArray` gives it back bit for bit. */
export function encodeArray(array: TypedArray): EncodedArray {
  const dtype = (Object.keys(constructors) as ArrayDType[]).find(
    (name) => array instanceof constructors[name],
  );
  if (dtype === undefined) {
    throw new DataError(
      `encodeArray: the array must be a typed array, but got ${String(array)}. Pass one of ${Object.keys(constructors).join(', ')}.`,
    );
  }
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return { dtype, data: toLittleEndian(bytes, array.BYTES_PER_ELEMENT).toString('base64') };
}

/**
 * The array `encodeArray` encoded, in memory of its own.
 * @param value anything read from a JSON document
 * @param dtype the element type it must have; any when absent
 * @param where names the document in errors
 * @throws DataError when `value` is no encoded array or of another element type
 */
export function decodeArray(value: unknown): TypedArray;
export function decodeArray<D extends ArrayDType>(value: unknown, dtype: D, where?: string): ArrayOf<D>;
export function decodeArray(value: unknown, dtype?: ArrayDType, where = 'decodeArray'): TypedArray {
  const encoded = value as EncodedArray | null;
  const ArrayType =
    typeof encoded === 'object' && encoded !== null && Object.hasOwn(constructors, encoded.dtype)
      ? constructors[encoded.dtype]
      : undefined;
  if (ArrayType === undefined || typeof encoded?.data !== 'string') {
    throw new DataError(
      `${where}: an array must be written as { dtype, data }, but got ${describe(value)}. Save the document again.`,
    );
  }
  if (dtype !== undefined && encoded.dtype !== dtype) {
    throw new DataError(
      `${where}: the array must hold ${dtype}, but it holds ${encoded.dtype}. Save the document again.`,
    );
  }
  const bytes = Buffer.from(encoded.data, 'base64');
  if (bytes.length % ArrayType.BYTES_PER_ELEMENT !== 0) {
    throw new DataError(
      `${where}: an array of ${encoded.dtype} must hold a multiple of ${ArrayType.BYTES_PER_ELEMENT} bytes, ` +
        `but got ${bytes.length}. The document is cut off or damaged; save it again.`,
    );
  }
  const native = toLittleEndian(bytes, ArrayType.BYTES_PER_ELEMENT);
  const memory = new ArrayBuffer(native.length);
  new Uint8Array(memory).set(native);
  return new ArrayType(memory);
}

/** The bytes with every element's byte order turned on a big-endian machine; its own inverse. */
function toLittleEndian(bytes: Buffer, size: number): Buffer {
  if (littleEndian || size === 1) return bytes;
  const turned = Buffer.from(bytes);
  for (let start = 0; start < turned.length; start += size) turned.subarray(start, start + size).reverse();
  return turned;
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
