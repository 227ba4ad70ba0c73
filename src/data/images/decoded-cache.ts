import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '#core';
import { writeFailure } from '../write-failure.ts';
import { contentHashes, hashBytes, sideFile } from './content-hashes.ts';
import { checkDecodeOptions } from './decode-pixels.ts';
import { buildDecodedFile, type Entry, readEntries, readPicture, readPictureSync } from './decoded-file.ts';
import { removeStalePartials } from './partial-files.ts';
import type { Pixels } from './pixels.ts';

export interface DecodedCacheOptions {
  /** Folder of cache files; made when it is not there. */
  readonly folder: string;
  /** Longest side in pixels; larger pictures are shrunk. As they are when absent. */
  readonly maxSide?: number | undefined;
  /** Shorter side in pixels, instead of `maxSide`; larger pictures are shrunk. As they are when absent. */
  readonly smallestSide?: number | undefined;
  /** Called with pictures done and all pictures while the file is built. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Decoded pictures in one file, read by position without decoding. Its name depends on the content of the pictures,
 * their order and the size they shrink to: moving or touching them changes nothing, and a changed picture gives
 * another file, for which only that picture is decoded. The file appears by a rename once it is whole: an interrupted
 * build is never read, and processes that build it at once do not disturb each other.
 */
export class DecodedCache {
  readonly path: string;
  private readonly file: FileHandle;
  private readonly entries: readonly Entry[];

  private constructor(path: string, file: FileHandle, entries: readonly Entry[]) {
    this.path = path;
    this.file = file;
    this.entries = entries;
  }

  /**
   * Opens the file of these pictures, after building it when it is not there. What killed builders left in the folder
   * is removed.
   *
   * @throws DataError for a picture that is missing or broken, or a cache file that is not whole
   * @throws ConfigError for sides that are not positive whole numbers, or both sides at once
   * @throws RuntimeFailure when the cache cannot be written
   */
  static async open(
    paths: readonly string[],
    { folder, maxSide, smallestSide, onProgress }: DecodedCacheOptions,
  ): Promise<DecodedCache> {
    const size = { maxSide, smallestSide };
    checkDecodeOptions('DecodedCache', size);
    let path = join(folder, sideFile);
    try {
      await mkdir(folder, { recursive: true });
      await removeStalePartials(folder, (name) => name === sideFile || name.endsWith('.pixels'));
      const hashes = await contentHashes(folder, paths);
      path = join(folder, `${sizeName(size)}-${setName(hashes)}.pixels`);
      if ((await stat(path).catch(() => undefined)) === undefined)
        await buildDecodedFile({ path, paths, hashes, size, onProgress });
    } catch (error) {
      throw writeFailure('DecodedCache', path, error);
    }
    const file = await open(path, 'r');
    try {
      return new DecodedCache(path, file, await readEntries(path, file, paths.length));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get length(): number {
    return this.entries.length;
  }

  /**
   * Width and height of a picture, without reading it.
   * @throws DataError for an index out of range
   */
  size(index: number): { readonly width: number; readonly height: number } {
    const [, width, height] = this.entry(index);
    return { width, height };
  }

  /**
   * Reads a picture.
   *
   * @param into memory that the pixels are read into, when it has at least width · height · 3 bytes: `data` is then
   *   its beginning. New memory when absent or too small.
   * @throws DataError for an index out of range, or a file cut short
   */
  async get(index: number, into?: Uint8Array): Promise<Pixels> {
    return readPicture(this.path, this.file, this.entry(index), into);
  }

  /** As `get`, but this thread waits for the file: several times faster where the file is in memory already. */
  getSync(index: number, into?: Uint8Array): Pixels {
    return readPictureSync(this.path, this.file, this.entry(index), into);
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private entry(index: number): Entry {
    const entry = this.entries[index];
    if (entry !== undefined) return entry;
    throw new DataError(
      `DecodedCache: the index must be from 0 to ${this.length - 1}, but got ${index}. Ask for a picture that is there.`,
    );
  }
}

function sizeName({ maxSide, smallestSide }: Pick<DecodedCacheOptions, 'maxSide' | 'smallestSide'>): string {
  if (maxSide !== undefined) return `longest-${maxSide}`;
  return smallestSide !== undefined ? `shorter-${smallestSide}` : 'whole';
}

function setName(hashes: readonly string[]): string {
  return hashBytes(Buffer.from(`decoded pictures 2\n${hashes.join('\n')}`)).slice(0, 32);
}
