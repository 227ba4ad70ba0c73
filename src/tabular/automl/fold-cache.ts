import type { FeatureMatrix } from '../features/matrix.ts';

/** Bytes a matrix takes. */
export function matrixBytes(matrix: FeatureMatrix): number {
  let bytes = 0;
  for (const column of matrix.columns) {
    bytes += column.values.byteLength + (column.kind === 'sparse' ? column.rows.byteLength : 0);
  }
  return bytes;
}

/** Keeps the most recently used values up to a number of bytes; at least one value is kept. */
export class FoldCache<V> {
  private readonly limit: number;
  private readonly entries = new Map<string, { value: V; bytes: number }>();
  private bytes = 0;

  constructor(limitBytes: number) {
    this.limit = limitBytes;
  }

  /** The value of `key`, made now when it is not there. */
  get(key: string, make: () => { value: V; bytes: number }): V {
    const found = this.entries.get(key);
    if (found !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, found);
      return found.value;
    }
    const made = make();
    this.entries.set(key, made);
    this.bytes += made.bytes;
    for (const [oldest, { bytes }] of this.entries) {
      if (this.bytes <= this.limit || oldest === key) break;
      this.entries.delete(oldest);
      this.bytes -= bytes;
    }
    return made.value;
  }
}
