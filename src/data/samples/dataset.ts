import { ConfigError, createArray, DataError, type HostTensor, Rng, type Shape } from '#core';

/** Inputs and target of one sample, or of a batch of them. */
export type Sample = readonly HostTensor[];

/** Samples by index. */
export interface Dataset {
  readonly length: number;
  /** The sample at `index`, in [0, length). */
  get(index: number): Sample | Promise<Sample>;
  /** A whole batch at once, where that is faster than one sample at a time. */
  getBatch?(indices: ArrayLike<number>): Sample;
}

function checkIndex(index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new DataError(
    `Dataset: the index must lie in [0, ${length}), but got ${index}. Use one below the length.`,
    {
      index,
      length,
    },
  );
}

/** Copies rows of the first axis. */
function takeRows({ dtype, shape, data }: HostTensor, indices: ArrayLike<number>): HostTensor {
  const size = data.length / Math.max(1, shape[0]);
  const rows = createArray(dtype, indices.length * size) as Float32Array;
  const source = data as Float32Array;
  for (let i = 0; i < indices.length; i++) {
    const start = indices[i] * size;
    if (size === 1) rows[i] = source[start];
    else rows.set(source.subarray(start, start + size), i * size);
  }
  return { dtype, shape: [indices.length, ...shape.slice(1)], data: rows } as HostTensor;
}

/**
 * Tensors that share their first axis: row i of each is sample i.
 *
 * @throws DataError when the first axes differ or there is no tensor
 * @example
 * const dataset = new TensorDataset(images, labels); // [60000, 1, 28, 28] and [60000]
 */
export class TensorDataset implements Dataset {
  readonly tensors: readonly HostTensor[];
  readonly length: number;

  constructor(...tensors: readonly HostTensor[]) {
    const lengths = tensors.map(({ shape }) => shape[0]);
    if (tensors.length === 0 || lengths.some((length) => length === undefined || length !== lengths[0])) {
      throw new DataError(
        `TensorDataset: tensors must have as many rows as each other, but got ${lengths.join(' and ') || 'none'}. Cut the longer ones.`,
        { lengths },
      );
    }
    this.tensors = tensors;
    this.length = lengths[0];
  }

  get(index: number): Sample {
    checkIndex(index, this.length);
    return this.tensors.map((tensor) => {
      const row = takeRows(tensor, [index]);
      return { ...row, shape: row.shape.slice(1) } as HostTensor;
    });
  }

  getBatch(indices: ArrayLike<number>): Sample {
    return this.tensors.map((tensor) => takeRows(tensor, indices));
  }
}

/** Any array, turned into samples by a function when they are asked for. */
export class ArrayDataset<T> implements Dataset {
  readonly items: readonly T[];
  private readonly toSample: (item: T, index: number) => Sample | Promise<Sample>;

  constructor(items: readonly T[], toSample: (item: T, index: number) => Sample | Promise<Sample>) {
    this.items = items;
    this.toSample = toSample;
  }

  get length(): number {
    return this.items.length;
  }

  get(index: number): Sample | Promise<Sample> {
    checkIndex(index, this.length);
    return this.toSample(this.items[index], index);
  }
}

/** Some samples of a data set, in the given order. */
export class Subset implements Dataset {
  readonly source: Dataset;
  readonly indices: ArrayLike<number>;
  readonly getBatch?: (indices: ArrayLike<number>) => Sample;

  constructor(source: Dataset, indices: ArrayLike<number>) {
    this.source = source;
    this.indices = indices;
    for (let i = 0; i < indices.length; i++) checkIndex(indices[i], source.length);
    if (source.getBatch !== undefined) {
      this.getBatch = (chosen) => source.getBatch!(Array.from(chosen, (index) => indices[index]));
    }
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number): Sample | Promise<Sample> {
    checkIndex(index, this.length);
    return this.source.get(this.indices[index]);
  }
}

/** One data set behind another. */
export class ConcatDataset implements Dataset {
  readonly parts: readonly Dataset[];
  readonly length: number;

  constructor(parts: readonly Dataset[]) {
    this.parts = parts;
    this.length = parts.reduce((total, part) => total + part.length, 0);
  }

  get(index: number): Sample | Promise<Sample> {
    checkIndex(index, this.length);
    let rest = index;
    for (const part of this.parts) {
      if (rest < part.length) return part.get(rest);
      rest -= part.length;
    }
    throw new DataError(`ConcatDataset: the index must lie in [0, ${this.length}), but got ${index}.`, {
      index,
    });
  }
}

/**
 * Parts of a data set that share no sample, chosen at random from a seed.
 *
 * @param parts numbers of samples, or shares that add up to 1
 * @throws ConfigError when the parts do not add up
 */
export function randomSplit(dataset: Dataset, parts: readonly number[], seed: number): Subset[] {
  const total = parts.reduce((sum, part) => sum + part, 0);
  const areShares = Math.abs(total - 1) < 1e-9 && dataset.length !== 1;
  if (!areShares && (total !== dataset.length || parts.some((part) => !Number.isInteger(part) || part < 0))) {
    throw new ConfigError(
      `randomSplit: parts must add up to ${dataset.length} samples or to 1, but got [${parts.join(', ')}]. Change them.`,
      { parts: [...parts], length: dataset.length },
    );
  }
  const ends = parts.map((_, i) => {
    const sum = parts.slice(0, i + 1).reduce((a, b) => a + b, 0);
    return areShares ? Math.round(sum * dataset.length) : sum;
  });
  const order = new Rng(seed).permutation(dataset.length);
  return ends.map((end, i) => new Subset(dataset, order.slice(ends[i - 1] ?? 0, end)));
}

/** Joins samples along a new first axis. */
export function collate(samples: readonly Sample[]): Sample {
  return samples[0].map((first, i) => {
    const size = first.data.length;
    const data = createArray(first.dtype, samples.length * size) as Float32Array;
    samples.forEach((sample, row) => {
      if (String(sample[i].shape) !== String(first.shape) || sample[i].dtype !== first.dtype) {
        throw differing(first.shape, sample[i].shape, row);
      }
      data.set(sample[i].data as Float32Array, row * size);
    });
    return { dtype: first.dtype, shape: [samples.length, ...first.shape], data } as HostTensor;
  });
}

function differing(first: Shape, other: Shape, row: number): DataError {
  return new DataError(
    `collate: samples of a batch must have one shape, but got [${first.join(', ')}] and [${other.join(', ')}]. Resize or pad them, or pass collate.`,
    { row },
  );
}

/**
 * Checks class indices before training.
 * @throws DataError naming the first row outside [0, classes)
 */
export function checkLabels({ data }: HostTensor, classes: number): void {
  for (let row = 0; row < data.length; row++) {
    const label = Number(data[row]);
    if (Number.isInteger(label) && label >= 0 && label < classes) continue;
    throw new DataError(
      `checkLabels: labels must be whole numbers in [0, ${classes}), but row ${row} has ${label}. Map the labels, or raise the number of classes.`,
      { row, label, classes },
    );
  }
}
