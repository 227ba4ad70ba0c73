import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '#core';
import { decodePixels } from './decode-pixels.ts';
import type { Pixels } from './pixels.ts';

export interface DecodedCacheOptions {
  /** Folder of cache files; made when it is not there. */
  readonly folder: string;
  /** Longest side in pixels; larger pictures are shrunk. As they are when absent. */
  readonly maxSide?: number;
  /** Called with pictures done and all pictures while the file is built. */
  readonly onProgress?: (done: number, total: number) => void;
}

type Entry = readonly [offset: number, width: number, height: number];

/**
 * Decoded pictures in one file, read by position without decoding. Its name depends on the paths, sizes and times of
 * change of the pictures and on `maxSide`, so that a changed picture gives another file. It appears by a rename once
 * it is whole: an interrupted build is never read, and processes that build it at once do not disturb each other.
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
   * Opens the file of these pictures, after building it when it is not there.
   * @throws DataError for a picture that is missing or broken
   */
  static async open(
    paths: readonly string[],
    { folder, maxSide, onProgress }: DecodedCacheOptions,
  ): Promise<DecodedCache> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${await keyOf(paths, maxSide)}.pixels`);
    if ((await stat(path).catch(() => undefined)) === undefined)
      await build(path, paths, maxSide, onProgress);
    const file = await open(path, 'r');
    return new DecodedCache(path, file, await readEntries(path, file));
  }

  get length(): number {
    return this.entries.length;
  }

  /** @throws DataError for an index out of range, or a file cut short */
  async get(index: number): Promise<Pixels> {
    const entry = this.entries[index];
    if (entry === undefined) {
      throw new DataError(
        `DecodedCache: the index must be from 0 to ${this.length - 1}, but got ${index}. Ask for a picture that is there.`,
      );
    }
    const [offset, width, height] = entry;
    return { width, height, data: await readAt(this.path, this.file, offset, width * height * 3) };
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

async function keyOf(paths: readonly string[], maxSide: number | undefined): Promise<string> {
  const hash = createHash('sha256').update(`decoded pictures 1 ${maxSide}\n`);
  for (const path of paths) {
    const found = await stat(path).catch((error: Error) => {
      throw new DataError(
        `DecodedCache: pictures must be there, but "${path}" is not: ${error.message}. Run checkImages first.`,
        { file: path },
      );
    });
    hash.update(JSON.stringify([path, found.size, found.mtimeMs]));
  }
  return hash.digest('hex').slice(0, 32);
}

/** The pictures, then their places as JSON, then the length of that text in 8 bytes. */
async function build(
  path: string,
  paths: readonly string[],
  maxSide: number | undefined,
  onProgress: DecodedCacheOptions['onProgress'],
): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  const file = await open(partial, 'wx');
  try {
    const entries: Entry[] = [];
    let offset = 0;
    for (let from = 0; from < paths.length; from += 4) {
      // The decoder works in threads of its own: a few at once keep them busy and memory bounded.
      const some = paths.slice(from, from + 4);
      for (const { width, height, data } of await Promise.all(
        some.map((p) => decodePixels(p, { maxSide })),
      )) {
        await file.writeFile(data);
        entries.push([offset, width, height]);
        offset += data.length;
      }
      onProgress?.(entries.length, paths.length);
    }
    const text = Buffer.from(JSON.stringify(entries));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    await file.writeFile(Buffer.concat([text, length]));
    await file.sync();
    await file.close();
    await rename(partial, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}

async function readEntries(path: string, file: FileHandle): Promise<Entry[]> {
  const { size } = await file.stat();
  if (size < 8) throw torn(path);
  const length = Number(Buffer.from(await readAt(path, file, size - 8, 8)).readBigUInt64LE());
  if (length > size - 8) throw torn(path);
  try {
    return JSON.parse(Buffer.from(await readAt(path, file, size - 8 - length, length)).toString());
  } catch (error) {
    throw error instanceof DataError ? error : torn(path);
  }
}

async function readAt(path: string, file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const data = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(data, done, length - done, offset + done);
    if (bytesRead === 0) throw torn(path);
    done += bytesRead;
  }
  return data;
}

function torn(path: string): DataError {
  return new DataError(
    `DecodedCache: the file must be whole, but "${path}" is not. Remove it; it is built again.`,
    { file: path },
  );
}
