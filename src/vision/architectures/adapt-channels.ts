import type { HostTensor, Shape } from '#core';

/**
 * A convolution's weight for images with another number of channels: one channel gets the sum of all, more get copies
 * in turn, scaled so that an image whose channels are equal gives what it gave.
 *
 * @param given `[out, in, kH, kW]`, float32
 * @param shape wanted, `[out, in', kH, kW]`
 * @returns `undefined` when it fits already, or nothing but the channels could make it fit
 */
export function adaptChannels(given: HostTensor, shape: Shape): HostTensor | undefined {
  const [outputs, before, ...kernel] = given.shape;
  const isSame = String([outputs, ...kernel]) === String([shape[0], ...shape.slice(2)]);
  if (given.shape.length !== 4 || given.dtype !== 'float32' || !isSame || before === shape[1])
    return undefined;
  const after = shape[1];
  const size = kernel[0] * kernel[1];
  const weights = given.data as Float32Array;
  const data = new Float32Array(outputs * after * size);
  for (let out = 0; out < outputs; out++) {
    const source = weights.subarray(out * before * size, (out + 1) * before * size);
    const target = data.subarray(out * after * size, (out + 1) * after * size);
    if (after === 1) for (let i = 0; i < source.length; i++) target[i % size] += source[i];
    else for (let i = 0; i < target.length; i++) target[i] = (source[i % source.length] * before) / after;
  }
  return { dtype: 'float32', shape: [...shape], data };
}
