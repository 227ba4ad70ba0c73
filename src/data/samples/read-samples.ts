import { DataError, TrainyardError } from '#core';
import { collate } from './collate.ts';
import type { Dataset, Sample } from './dataset.ts';

/**
 * Reads samples in the given order; those of an asynchronous data set at the same time. Of several failures the first in
 * that order is raised, whichever came first, so that a run fails in the same way every time.
 *
 * @throws DataError naming the sample that cannot be read
 */
export async function readSamples(dataset: Dataset, indices: ArrayLike<number>): Promise<readonly Sample[]> {
  const results = await Promise.allSettled(Array.from(indices, async (index) => dataset.get(index)));
  return results.map((result, i) => {
    if (result.status === 'fulfilled') return result.value;
    throw sampleFailure(result.reason, indices[i]);
  });
}

/** Reads samples and joins them, in the data set's own way where it has one, which may be in the memory of `place`. */
export async function readBatch(
  dataset: Dataset,
  indices: ArrayLike<number>,
  place?: Sample,
): Promise<Sample> {
  return dataset.getBatch?.(indices, place) ?? collate(await readSamples(dataset, indices));
}

function sampleFailure(error: unknown, index: number): DataError {
  const details = error instanceof TrainyardError ? error.details : {};
  const message = error instanceof Error ? error.message : String(error);
  return new DataError(
    `DataLoader: every sample must be readable, but sample ${index} is not: ${message.replace(/\.$/, '')}. Mend it or leave it out.`,
    { ...details, index },
    { cause: error },
  );
}
