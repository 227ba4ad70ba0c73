import { randomUUID } from 'node:crypto';
import { type FileHandle, open, realpath, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RuntimeFailure } from '#core';
import { writeFailure } from '#data';

/**
 * Writes a file so that at every moment, a power cut included, `path` holds either what it held before or all
 * of the new bytes: into a temporary file beside it, synced, then renamed over it. A failed write removes the
 * temporary file; a killed process leaves it behind under the name `.NAME.UUID.tmp`.
 *
 * @param where the caller, for errors
 * @param path a link is followed, so that the file it points to is replaced
 * @param chunks written one after the other
 * @param sizeBytes of all chunks together, for the error when the disk is full
 * @throws RuntimeFailure when the disk is full, the folder is missing or not writable
 */
export async function writeFileAtomically(
  where: string,
  path: string,
  chunks: Iterable<Uint8Array>,
  sizeBytes: number,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx');
    for (const chunk of chunks) await writeAll(file, chunk);
    await file.sync();
    await file.close();
    await rename(temporary, target);
  } catch (error) {
    await file?.close().catch(() => undefined);
    if (file !== undefined) await unlink(temporary).catch(() => undefined);
    throw describeFailure(where, path, sizeBytes, error);
  }
  await syncFolder(dirname(target));
}

/** One write call may take fewer bytes than it was given, and at most 2 GiB. */
async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength) {
    const part = Math.min(chunk.byteLength - done, 2 ** 30);
    done += (await file.write(chunk, done, part)).bytesWritten;
  }
}

/** Makes the rename itself durable; not every platform can open a folder, and the file is complete anyway. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close().catch(() => undefined);
}

function describeFailure(where: string, path: string, sizeBytes: number, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new RuntimeFailure(
      `${where}: the disk of "${dirname(path)}" needs room for ${sizeBytes} bytes beside the previous file, but it is full while writing "${path}"; the previous file, if any, is untouched. Free space or write elsewhere.`,
      { file: path, cause: code, sizeBytes },
      { cause: error },
    );
  }
  return writeFailure(where, path, error);
}
