import { DataError, TrainyardError } from '#core';
import { collate } from './collate.ts';
import type { Dataset, Sample } from './dataset.ts';

/**
 * Reads samples in the given order; those of an asynchronous data set at the same time.
 * @throws DataError naming the first sample that cannot be read
 */
export function readSamples(dataset: Dataset, indices: ArrayLike<number>): Promise<readonly Sample[]> {
  return Promise.all(Array.from(indices, (index) => readSample(dataset, index)));
}

/** Reads samples and joins them, in the data set's own way where it has one. */
export async function readBatch(dataset: Dataset, indices: ArrayLike<number>): Promise<Sample> {
  return dataset.getBatch?.(indices) ?? collate(await readSamples(dataset, indices));
}

async function readSample(dataset: Dataset, index: number): Promise<Sample> {
  try {
    return await dataset.get(index);
  } catch (error) {
    const details = error instanceof TrainyardError ? error.details : {};
    throw new DataError(
      `DataLoader: every sample must be readable, but sample ${index} is not: ${(error as Error).message}`,
      { ...details, index },
      { cause: error },
    );
  }
}
