import { readSync } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '#core';
import { hashBytes, picturesAtOnce, readPictureFile } from './content-hashes.ts';
import { type DecodePixelsOptions, decodeBytes } from './decode-pixels.ts';
import { partialPath, publish } from './partial-files.ts';
import type { Pixels } from './pixels.ts';

/** Where the bytes of a picture are, and the hash of the file that it was decoded from. */
export type Entry = readonly [offset: number, width: number, height: number, hash: string];

export interface DecodedFilePlan {
  /** Of the new file. Files whose name begins alike up to the last `-` hold pictures of the same sizes. */
  readonly path: string;
  readonly paths: readonly string[];
  /** Hashes of the contents, by picture. */
  readonly hashes: readonly string[];
  readonly size: Pick<DecodePixelsOptions, 'maxSide' | 'smallestSide'>;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Writes the pictures, then their entries as JSON, then the length of that text in 8 bytes. Equal pictures are there
 * once; those of other files of the folder are copied instead of decoded.
 */
export async function buildDecodedFile(plan: DecodedFilePlan): Promise<void> {
  const { path, hashes } = plan;
  const others = await openSiblings(path, new Set(hashes));
  try {
    await writeDecodedFile(plan, others.read);
  } finally {
    await others.close();
  }
}

/** A picture from another file, where one has it. */
type ReadPicture = (hash: string, otherwise: () => Promise<Pixels>) => Promise<Pixels>;

async function writeDecodedFile(plan: DecodedFilePlan, read: ReadPicture): Promise<void> {
  const { path, paths, hashes, onProgress } = plan;
  const partial = partialPath(path);
  const file = await open(partial, 'wx');
  try {
    const entries: Entry[] = [];
    const written = new Map<string, Entry>();
    let offset = 0;
    for (let from = 0; from < paths.length; from += picturesAtOnce) {
      const some = hashes.slice(from, from + picturesAtOnce);
      const fresh = some.map((hash, j) => !written.has(hash) && some.indexOf(hash) === j);
      const pictures = await Promise.all(
        some.map((hash, j) => (fresh[j] ? read(hash, () => decode(plan, from + j)) : undefined)),
      );
      for (const [j, hash] of some.entries()) {
        const picture = pictures[j];
        if (picture !== undefined) {
          await file.writeFile(picture.data);
          written.set(hash, [offset, picture.width, picture.height, hash]);
          offset += picture.data.length;
        }
        entries.push(written.get(hash) as Entry);
      }
      onProgress?.(entries.length, paths.length);
    }
    const text = Buffer.from(JSON.stringify(entries));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    await file.writeFile(Buffer.concat([text, length]));
    await file.sync();
    await file.close();
    await publish(partial, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}

async function decode({ paths, hashes, size }: DecodedFilePlan, i: number): Promise<Pixels> {
  const bytes = await readPictureFile(paths[i]);
  if (hashBytes(bytes) !== hashes[i]) {
    throw new DataError(
      `DecodedCache: pictures must stay the same while they are read, but "${paths[i]}" changed. Open it again.`,
      { file: paths[i] },
    );
  }
  return decodeBytes(bytes, size, paths[i]);
}

/** The wanted pictures among those of the same sizes in the folder's other files; a damaged file has none. */
async function openSiblings(path: string, wanted: ReadonlySet<string>) {
  const name = basename(path);
  const prefix = name.slice(0, name.lastIndexOf('-') + 1);
  const places = new Map<string, readonly [path: string, file: FileHandle, entry: Entry]>();
  const files: FileHandle[] = [];
  for (const other of await readdir(dirname(path))) {
    if (!other.startsWith(prefix) || !other.endsWith('.pixels') || other === name) continue;
    const otherPath = join(dirname(path), other);
    const file = await open(otherPath, 'r').catch(() => undefined);
    const entries = file === undefined ? [] : await readEntries(otherPath, file).catch(() => []);
    const useful = entries.filter(([, , , hash]) => wanted.has(hash) && !places.has(hash));
    if (file === undefined || useful.length === 0) {
      await file?.close();
      continue;
    }
    files.push(file);
    for (const entry of useful) places.set(entry[3], [otherPath, file, entry]);
  }
  const read: ReadPicture = async (hash, otherwise) => {
    const place = places.get(hash);
    return place === undefined ? otherwise() : readPicture(...place);
  };
  return {
    read,
    close: async () => {
      for (const file of files) await file.close();
    },
  };
}

/**
 * @param count pictures that must be there, any number when absent
 * @throws DataError when the file is not whole
 */
export async function readEntries(path: string, file: FileHandle, count?: number): Promise<Entry[]> {
  const { size } = await file.stat();
  if (size < 8) throw torn(path);
  const length = Number(Buffer.from(await readAt(path, file, size - 8, new Uint8Array(8))).readBigUInt64LE());
  const end = size - 8 - length;
  if (end < 0) throw torn(path);
  try {
    const text = await readAt(path, file, end, new Uint8Array(length));
    const entries: Entry[] = JSON.parse(Buffer.from(text).toString());
    const isWhole = entries.every(([offset, width, height]) => offset + width * height * 3 <= end);
    if (!isWhole || entries.length !== (count ?? entries.length)) throw torn(path);
    return entries;
  } catch (error) {
    throw error instanceof DataError ? error : torn(path);
  }
}

/** @param into memory for the pixels, when it is large enough */
export async function readPicture(
  path: string,
  file: FileHandle,
  [offset, width, height]: Entry,
  into?: Uint8Array,
): Promise<Pixels> {
  const data = memoryFor(width * height * 3, into);
  return { width, height, data: await readAt(path, file, offset, data) };
}

/** As `readPicture`, in this thread. */
export function readPictureSync(
  path: string,
  { fd }: FileHandle,
  [offset, width, height]: Entry,
  into?: Uint8Array,
): Pixels {
  const data = memoryFor(width * height * 3, into);
  let done = 0;
  while (done < data.length) {
    const bytesRead = readSync(fd, data, done, data.length - done, offset + done);
    if (bytesRead === 0) throw torn(path);
    done += bytesRead;
  }
  return { width, height, data };
}

function memoryFor(length: number, into: Uint8Array | undefined): Uint8Array {
  return into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length);
}

async function readAt(path: string, file: FileHandle, offset: number, data: Uint8Array): Promise<Uint8Array> {
  let done = 0;
  while (done < data.length) {
    const { bytesRead } = await file.read(data, done, data.length - done, offset + done);
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
