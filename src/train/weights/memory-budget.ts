import { DataError } from '#core';

/** Counts bytes before they are taken, and refuses what no honest file of this size asks for. */
export class MemoryBudget {
  readonly limit: number;
  private readonly path: string;
  private used = 0;

  /**
   * @param path named in errors
   * @param fileBytes size of the file
   * @param maxBytes default 16 times the file and 64 MiB
   */
  constructor(path: string, fileBytes: number, maxBytes = 16 * fileBytes + 64 * 2 ** 20) {
    this.path = path;
    this.limit = maxBytes;
  }

  /** @throws DataError when the bytes taken so far and these exceed the limit */
  take(bytes: number, key: string): void {
    this.used += bytes;
    if (!(this.used <= this.limit)) {
      throw new DataError(
        `readWeights: the tensors of "${this.path}" may take ${this.limit} bytes, but with "${key}" they would take ${this.used}. Raise maxBytes if you trust the file.`,
        { file: this.path, key, limit: this.limit },
      );
    }
  }
}
