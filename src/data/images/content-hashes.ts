import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DataError } from '#core';
import { replaceText } from './partial-files.ts';

/** What a file looked like when its content was hashed. */
type Known = readonly [sizeBytes: number, mtimeMs: number, ctimeMs: number, hash: string];

/** Where a cache folder remembers hashes. */
export const sideFile = 'contents.json';

/** Pictures read at once: a few keep the disk and the decoder's threads busy, and memory bounded. */
export const picturesAtOnce = 4;

export function hashBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * SHA-256 of the content of every file, in order. `FOLDER/contents.json` remembers them by path, size and times of
 * change, so that a file is read again only after a change.
 *
 * @throws DataError for a picture that is missing
 */
export async function contentHashes(folder: string, paths: readonly string[]): Promise<string[]> {
  const side = join(folder, sideFile);
  const known = await readKnown(side);
  const hashes: string[] = new Array(paths.length);
  const fresh = new Map<string, Known>();
  let next = 0;
  const work = async () => {
    while (next < paths.length) {
      const i = next++;
      const path = resolve(paths[i]);
      // Before the content: a change in between gives another time, and the next open reads it again.
      const found = await readable(paths[i], () => stat(path));
      const before = known.get(path);
      if (before !== undefined && isUnchanged(before, found)) {
        hashes[i] = before[3];
        continue;
      }
      hashes[i] = hashBytes(await readPictureFile(path));
      fresh.set(path, [found.size, found.mtimeMs, found.ctimeMs, hashes[i]]);
    }
  };
  await Promise.all(Array.from({ length: picturesAtOnce }, work));
  // What another process adds in the meantime may get lost, which costs reading those pictures once more.
  if (fresh.size > 0)
    await replaceText(side, JSON.stringify(Object.fromEntries([...(await readKnown(side)), ...fresh])));
  return hashes;
}

/** Unpacked and copied files may keep their old `mtime`; `ctime` tells them. */
function isUnchanged([size, mtime, ctime]: Known, found: Stats): boolean {
  return size === found.size && mtime === found.mtimeMs && ctime === found.ctimeMs;
}

/** What the side file remembers; nothing when it is not there or not readable, since it only saves time. */
async function readKnown(side: string): Promise<Map<string, Known>> {
  try {
    const entries = Object.entries(JSON.parse(await readFile(side, 'utf8')) as Record<string, Known>);
    return new Map(entries.filter(([, known]) => typeof known[3] === 'string'));
  } catch {
    return new Map();
  }
}

/** @throws DataError for a picture that is missing */
export function readPictureFile(path: string): Promise<Uint8Array> {
  return readable(path, () => readFile(path));
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  return read().catch((error: Error) => {
    throw new DataError(
      `DecodedCache: pictures must be there, but "${path}" is not: ${error.message}. Run checkImages first.`,
      { file: path },
      { cause: error },
    );
  });
}
