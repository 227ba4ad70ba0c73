import { createArray, DataError, type HostTensor } from '#core';
import { checkIndex, type Dataset, type Sample } from './dataset.ts';
import type { Transform } from './transforms.ts';

/**
 * Tensors that share their first axis: row i of each is sample i. Batches are gathered by copying rows.
 *
 * @throws DataError when the first axes differ, there is no tensor, or data does not fill its shape
 * @example
 * const dataset = new TensorDataset(images, labels); // [60000, 1, 28, 28] and [60000]
 */
export class TensorDataset implements Dataset {
  readonly tensors: readonly HostTensor[];
  readonly length: number;

  constructor(...tensors: readonly HostTensor[]) {
    const lengths = tensors.map(({ shape }) => (shape.length === 0 ? Number.NaN : shape[0]));
    if (tensors.length === 0 || lengths.some((length) => length !== lengths[0])) {
      const shapes = tensors.map(({ shape }) => `[${shape.join(', ')}]`);
      throw new DataError(
        `TensorDataset: tensors must have as many rows as each other, but got ${shapes.join(' and ') || 'none'}. Cut the longer ones.`,
        { shapes },
      );
    }
    const unfilled = tensors.find(({ shape, data }) => shape.reduce((a, b) => a * b, 1) !== data.length);
    if (unfilled !== undefined) {
      throw new DataError(
        `TensorDataset: data must fill its shape, but got ${unfilled.data.length} values for [${unfilled.shape.join(', ')}]. Mend the shape.`,
        { shape: [...unfilled.shape], length: unfilled.data.length },
      );
    }
    this.tensors = tensors;
    this.length = tensors[0].shape[0];
  }

  get(index: number): Sample {
    checkIndex(index, this.length);
    return this.tensors.map((tensor) => {
      const row = takeRows(tensor, [index]);
      return { ...row, shape: row.shape.slice(1) } as HostTensor;
    });
  }

  getBatch(indices: ArrayLike<number>, place?: Sample): Sample {
    for (let i = 0; i < indices.length; i++) checkIndex(indices[i], this.length);
    return this.tensors.map((tensor, i) => takeRows(tensor, indices, place?.[i]));
  }

  /**
   * Applies a transform once, to all rows together; for one per epoch, see the loader's `transform`.
   * @param position of the tensor that is transformed; 0, the input, by default
   */
  map(transform: Transform, position = 0): TensorDataset {
    return new TensorDataset(
      ...this.tensors.map((tensor, i) => (i === position ? transform(tensor) : tensor)),
    );
  }
}

/** Copies rows of the first axis, into the memory of `place` where one of that size is given. */
function takeRows(
  { dtype, shape, data }: HostTensor,
  indices: ArrayLike<number>,
  place?: HostTensor,
): HostTensor {
  const size = data.length / Math.max(1, shape[0]);
  const length = indices.length * size;
  const fits = place?.dtype === dtype && place.data.length === length;
  const rows = (fits ? place.data : createArray(dtype, length)) as Float32Array;
  const source = data as Float32Array;
  for (let i = 0; i < indices.length; i++) {
    const start = indices[i] * size;
    if (size === 1) rows[i] = source[start];
    else rows.set(source.subarray(start, start + size), i * size);
  }
  return { dtype, shape: [indices.length, ...shape.slice(1)], data: rows } as HostTensor;
}
