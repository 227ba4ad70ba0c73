import { pathToFileURL } from 'node:url';
import { ConfigError, distFile, Rng } from '#core';
import { checkIndex, type Dataset, type Sample } from './dataset.ts';
import { type DatasetDescription, openDataset } from './open-dataset.ts';

interface SubsetSettings {
  readonly source: DatasetDescription;
  readonly indices: Uint32Array;
}

/**
 * Some samples of a data set, in the given order.
 * @throws DataError for an index that the data set does not have
 */
export class Subset implements Dataset {
  readonly source: Dataset;
  readonly indices: Uint32Array;
  readonly getBatch?: (indices: ArrayLike<number>) => Sample | Promise<Sample>;

  constructor(source: Dataset, indices: ArrayLike<number>) {
    for (let i = 0; i < indices.length; i++) checkIndex(indices[i], source.length);
    this.source = source;
    const own = Uint32Array.from(indices);
    this.indices = own;
    if (source.getBatch !== undefined) {
      this.getBatch = (chosen) => {
        const mapped = Uint32Array.from(chosen, (index) => {
          checkIndex(index, own.length);
          return own[index];
        });
        return source.getBatch!(mapped);
      };
    }
  }

  get length(): number {
    return this.indices.length;
  }

  get worker(): DatasetDescription | undefined {
    const source = this.source.worker;
    if (source === undefined) return undefined;
    const settings: SubsetSettings = { source, indices: this.indices };
    const module = pathToFileURL(distFile('data', 'samples', 'subset.js')).href;
    return { module, create: 'openSubset', settings };
  }

  get(index: number): Sample | Promise<Sample> {
    checkIndex(index, this.length);
    return this.source.get(this.indices[index]);
  }
}

/** @public Called by its name in worker threads. */
export async function openSubset({ source, indices }: SubsetSettings): Promise<Subset> {
  return new Subset(await openDataset(source), indices);
}

/**
 * Parts of a data set that share no sample, chosen at random from a seed.
 *
 * @param parts numbers of samples that add up to the length, or shares that add up to 1
 * @throws ConfigError when the parts do not add up
 */
export function randomSplit(dataset: Dataset, parts: readonly number[], seed: number): Subset[] {
  const { length } = dataset;
  const total = parts.reduce((sum, part) => sum + part, 0);
  const areCounts = total === length && parts.every((part) => Number.isInteger(part));
  if (!(areCounts || Math.abs(total - 1) < 1e-9) || parts.some((part) => part < 0)) {
    throw new ConfigError(
      `randomSplit: parts must be at least 0 and add up to ${length} samples or to 1, but got [${parts.join(', ')}]. Change them.`,
      { parts: [...parts], length },
    );
  }
  let sum = 0;
  const ends = parts.map((part) => {
    sum += part;
    return areCounts ? sum : Math.round(sum * length);
  });
  const order = new Rng(seed).permutation(length);
  return ends.map((end, i) => new Subset(dataset, order.subarray(ends[i - 1] ?? 0, end)));
}
