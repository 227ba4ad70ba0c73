import type { HostTensor } from '#core';

/** Tensors of one shape one after the other, in `place` where one is given. */
export function stack(tensors: readonly HostTensor[], place?: HostTensor): HostTensor {
  const [{ dtype, shape, data }] = tensors;
  const joined =
    place?.data ?? new (data.constructor as Float32ArrayConstructor)(tensors.length * data.length);
  tensors.forEach((tensor, i) => {
    (joined as Float32Array).set(tensor.data as Float32Array, i * data.length);
  });
  return place ?? ({ dtype, shape: [tensors.length, ...shape], data: joined } as HostTensor);
}

/** One of the tensors that `stack` joined, in the same memory. */
export function unstack({ dtype, shape, data }: HostTensor, index: number): HostTensor {
  const size = data.length / shape[0];
  return {
    dtype,
    shape: shape.slice(1),
    data: data.subarray(index * size, (index + 1) * size),
  } as HostTensor;
}
