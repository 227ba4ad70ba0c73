import type { DType, HostTensor, Shape } from '#core';
import { bytesPerElement, createArray, hostTensor } from '#core';
import { bfloatToFloat, floatToHalf, halfToFloat } from './half-floats.ts';
import type { ReadOptions } from './state-dict.ts';

/** Element types of files, by their names in safetensors. */
export type StorageType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'U16'
  | 'I16'
  | 'I8'
  | 'U8'
  | 'BOOL';

/** Bytes per element in the file. */
export const storageBytes: Readonly<Record<StorageType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  U16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** The file's name of each element type of ours. */
export const storageTypeOf: Readonly<Record<DType, StorageType>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  int64: 'I64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
};

/** Whether `name` is an element type that can be read. */
export function isStorageType(name: unknown): name is StorageType {
  return typeof name === 'string' && Object.hasOwn(storageBytes, name);
}

/** The element type in memory: the same or the narrowest that holds every value (16-bit floats: `half`). */
function dtypeInMemory(type: StorageType, half: ReadOptions['half'] = 'float32'): DType {
  switch (type) {
    case 'F64':
      return 'float64';
    case 'F32':
      return 'float32';
    case 'F16':
    case 'BF16':
      return half;
    case 'I64':
      return 'int64';
    case 'I32':
    case 'U16':
    case 'I16':
    case 'I8':
      return 'int32';
    case 'U8':
      return 'uint8';
    case 'BOOL':
      return 'bool';
  }
}

/**
 * Little-endian elements as a tensor.
 * @param bytes exactly the elements, row-major
 */
export function decodeStorage(
  type: StorageType,
  bytes: Uint8Array,
  shape: Shape,
  half: ReadOptions['half'] = 'float32',
): HostTensor {
  const dtype = dtypeInMemory(type, half);
  const length = bytes.byteLength / storageBytes[type];
  const data = createArray(dtype, length);
  if (storageTypeOf[dtype] === type) {
    new Uint8Array(data.buffer).set(bytes);
    if (type === 'BOOL') for (let i = 0; i < length; i++) data[i] = data[i] === 0 ? 0 : 1;
    return hostTensor(dtype, data, shape);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readers[type as keyof typeof readers];
  const toElement = dtype === 'float16' ? floatToHalf : (value: number) => value;
  const width = storageBytes[type];
  for (let i = 0; i < length; i++) data[i] = toElement(read(view, i * width));
  return hostTensor(dtype, data, shape);
}

/** The types that change on reading. */
const readers = {
  F16: (view: DataView, at: number) => halfToFloat(view.getUint16(at, true)),
  BF16: (view: DataView, at: number) => bfloatToFloat(view.getUint16(at, true)),
  U16: (view: DataView, at: number) => view.getUint16(at, true),
  I16: (view: DataView, at: number) => view.getInt16(at, true),
  I8: (view: DataView, at: number) => view.getInt8(at),
};

/** What `count` elements take in memory. */
export function bytesInMemory(type: StorageType, count: number, half?: ReadOptions['half']): number {
  return count * bytesPerElement(dtypeInMemory(type, half));
}
