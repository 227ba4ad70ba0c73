import { createArray, type DType, type HostTensor, hostTensor, type Shape } from '#core';
import { floatToHalf, halfToFloat } from './half-floats.ts';

const kinds: Readonly<Record<DType, 'float' | 'integer' | 'bool'>> = {
  float16: 'float',
  float32: 'float',
  float64: 'float',
  uint8: 'integer',
  int32: 'integer',
  int64: 'integer',
  bool: 'bool',
};
const limits: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

/**
 * The tensor in another element type: floats to the nearest float, integers to integers that hold them and to
 * floats.
 * @param shape of as many elements
 * @returns nothing when a value would be lost: floats to integers, booleans to others, integers out of range
 */
export function convertTensor(tensor: HostTensor, dtype: DType, shape: Shape): HostTensor | undefined {
  const { dtype: from, data } = tensor;
  if (from === dtype) return { ...tensor, shape } as HostTensor;
  if (kinds[from] === 'bool' || kinds[dtype] === 'bool') return undefined;
  if (kinds[from] === 'float' && kinds[dtype] === 'integer') return undefined;
  const [low, high] = limits[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const out = createArray(dtype, data.length);
  for (let i = 0; i < data.length; i++) {
    const value = from === 'float16' ? halfToFloat(Number(data[i])) : data[i];
    if (kinds[dtype] === 'integer' && (value < low || value > high)) return undefined;
    if (out instanceof BigInt64Array) out[i] = BigInt(value);
    else out[i] = dtype === 'float16' ? floatToHalf(Number(value)) : Number(value);
  }
  return hostTensor(dtype, out, shape);
}
