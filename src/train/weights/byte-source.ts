import { open } from 'node:fs/promises';
import { DataError } from '#core';

/** Bytes that are read piece by piece, so that sizes are judged before memory is taken. */
export interface ByteSource {
  /** The file's path, for errors. */
  readonly path: string;
  readonly size: number;
  /** Exactly `length` bytes from `position`; the caller has checked that they exist. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/**
 * Opens a file for the time of `use`.
 * @throws DataError when there is no such file, it cannot be read, or it shrinks meanwhile
 */
export async function withFile<T>(
  where: string,
  path: string,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(where, path, error);
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) {
      throw new DataError(`${where}: weights are read from a file, but "${path}" is none. Name a file.`, {
        file: path,
      });
    }
    const read = async (position: number, length: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const part = Math.min(length - done, 2 ** 30);
        const { bytesRead } = await file.read(bytes, done, part, position + done).catch((error: unknown) => {
          throw unreadable(where, path, error);
        });
        if (bytesRead === 0) {
          throw new DataError(
            `${where}: "${path}" must hold ${position + length} bytes, but it ends at ${position + done}. Copy it again.`,
            { file: path },
          );
        }
        done += bytesRead;
      }
      return bytes;
    };
    return await use({ path, size: info.size, read });
  } finally {
    await file.close();
  }
}

function unreadable(where: string, path: string, error: unknown): DataError {
  const { code, message } = error as NodeJS.ErrnoException;
  const got =
    code === 'ENOENT'
      ? 'there is no such file'
      : code === 'EACCES' || code === 'EPERM'
        ? 'permission was denied'
        : `reading failed: ${message}`;
  return new DataError(
    `${where}: the file must be readable, but for "${path}" ${got}. Check the path.`,
    { file: path, cause: code },
    { cause: error },
  );
}
