import { createArray, DataError, type HostTensor } from '#core';
import type { Sample } from './dataset.ts';

const describeSample = (sample: Sample): string =>
  sample.map(({ dtype, shape }) => `${dtype} [${shape.join(', ')}]`).join(' and ') || 'no tensor';

/**
 * Joins samples along a new first axis.
 * @throws DataError when they differ in number of tensors, element type or shape, or there is none
 */
export function collate(samples: readonly Sample[]): Sample {
  if (samples.length === 0) {
    throw new DataError('collate: a batch must hold a sample, but got none. Leave empty batches out.');
  }
  const kind = describeSample(samples[0]);
  const odd = samples.findIndex((sample) => describeSample(sample) !== kind);
  if (odd >= 0) {
    throw new DataError(
      `collate: samples of a batch must have one shape, but the first is ${kind} and number ${odd + 1} is ${describeSample(samples[odd])}. Resize or pad them, or pass collate.`,
      { row: odd },
    );
  }
  return samples[0].map(({ dtype, shape, data: { length: size } }, i) => {
    const data = createArray(dtype, samples.length * size) as Float32Array;
    samples.forEach((sample, row) => {
      data.set(sample[i].data as Float32Array, row * size);
    });
    return { dtype, shape: [samples.length, ...shape], data } as HostTensor;
  });
}
