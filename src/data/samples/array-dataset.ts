import { checkIndex, type Dataset, type Sample } from './dataset.ts';

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
