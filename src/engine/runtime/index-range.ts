import { DataError, type NumericArray } from '#core';

/** What indices must be: whole numbers in [0, size), or one number that stands for none. */
export interface IndexRange {
  /** Name of the graph input that holds them. */
  readonly input: string;
  readonly size: number;
  readonly except?: number | undefined;
  /** Who takes them, and what for: `crossEntropy: labels`. */
  readonly what: string;
  /** The user's line, '' when unknown. */
  readonly site: string;
}

/**
 * @throws DataError naming the first index out of range
 */
export function checkIndices(
  data: NumericArray,
  { size, except, what, site }: Omit<IndexRange, 'input'>,
): void {
  const at = findOutside(data, size, except);
  if (at < 0) return;
  const or = except === undefined ? '' : ` or ${except}`;
  const line = site === '' ? '' : ` (${site})`;
  throw new DataError(
    `${what} must be whole numbers in [0, ${size})${or}, but number ${at} is ${data[at]}. Mend the data, or raise the size.${line}`,
    { at, index: Number(data[at]), size, ...(site === '' ? {} : { site }) },
  );
}

/** Where the first index out of range is, −1 when all are right. */
function findOutside(data: NumericArray, size: number, except: number | undefined): number {
  if (data instanceof BigInt64Array) return findOutsideLong(data, size, except);
  return (data as Float64Array).findIndex(
    (index) => !(Number.isInteger(index) && index >= 0 && index < size) && index !== except,
  );
}

/** The same by halves: numbers of 32 bits are read many times faster than those of 64. */
function findOutsideLong(data: BigInt64Array, size: number, except: number | undefined): number {
  const halves = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
  for (let i = 0; i < data.length; i++) {
    const [low, high] = [halves[2 * i], halves[2 * i + 1]];
    if (high === 0 && low >= 0 && low < size) continue;
    if (Number(data[i]) !== except) return i;
  }
  return -1;
}
