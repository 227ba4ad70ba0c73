import { createArray, type HostTensor, hostTensor, stridesOf } from '#core';
import type { MemoryBudget } from './memory-budget.ts';
import type { PickleStorage, PickleTensor } from './pickle-values.ts';
import type { ReadOptions, StateDict } from './state-dict.ts';
import { bytesInMemory, decodeStorage } from './storage-types.ts';

/**
 * Reads the elements of tensors: each storage once, however many tensors share it, and each tensor as a
 * contiguous copy.
 *
 * @param tensors in the order of the result
 * @param read the bytes of a storage, exactly its elements
 * @throws DataError when all of them together take more memory than the budget has
 */
export async function materializeTensors(
  tensors: ReadonlyMap<string, PickleTensor>,
  read: (storage: PickleStorage) => Promise<Uint8Array>,
  budget: MemoryBudget,
  half: ReadOptions['half'],
): Promise<StateDict> {
  const byStorage = new Map<PickleStorage, [string, PickleTensor][]>();
  for (const [key, tensor] of tensors) {
    const { storage, shape } = tensor;
    const views = byStorage.get(storage);
    if (views === undefined) {
      byStorage.set(storage, [[key, tensor]]);
      budget.take(bytesInMemory(storage.type, storage.count, half), key);
    } else views.push([key, tensor]);
    const elements = shape.reduce((product, dim) => product * dim, 1);
    budget.take(bytesInMemory(storage.type, elements, half), key);
  }
  const done = new Map<string, HostTensor>();
  for (const [storage, views] of byStorage) {
    const elements = decodeStorage(storage.type, await read(storage), [storage.count], half);
    for (const [key, tensor] of views) done.set(key, copyView(elements, tensor));
  }
  return new Map([...tensors.keys()].map((key) => [key, done.get(key)!]));
}

/** Row-major elements of a view: out[i₀, i₁, …] = storage[offset + Σ iₐ·strideₐ]. */
function copyView(storage: HostTensor, { offset, shape, strides }: PickleTensor): HostTensor {
  const length = shape.reduce((product, dim) => product * dim, 1);
  const contiguous = stridesOf(shape);
  if (shape.every((dim, axis) => dim <= 1 || strides[axis] === contiguous[axis]) || length === 0) {
    const start = length === 0 ? 0 : offset;
    return hostTensor(storage.dtype, storage.data.slice(start, start + length), shape);
  }
  const data = createArray(storage.dtype, length);
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < length; to++) {
    data[to] = storage.data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      index[axis]++;
      if (index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return hostTensor(storage.dtype, data, shape);
}
