import { dirname } from 'node:path';
import { RuntimeFailure, TrainyardError } from '#core';

/** What the file system (or DuckDB) said about writing `path`, in one sentence with the way out. */
export function writeFailure(where: string, path: string, error: unknown): TrainyardError {
  if (error instanceof TrainyardError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const folder = dirname(path);
  const full = code === 'ENOSPC' || code === 'EDQUOT' || /No space left/i.test(message);
  const denied =
    code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || /Permission denied/i.test(message);
  const sentence = full
    ? `there must be room for the file, but the disk of "${folder}" is full. Free space or write elsewhere.`
    : denied
      ? `the folder must be writable, but permission to write "${path}" was denied. Write elsewhere or change permissions.`
      : code === 'ENOENT' || code === 'ENOTDIR'
        ? `the folder must exist, but there is no folder "${folder}". Create it first.`
        : code === 'EISDIR'
          ? `the target must be a file, but "${path}" is a folder. Name a file in it.`
          : `the file must be writable, but writing "${path}" failed: ${message}. Write elsewhere.`;
  return new RuntimeFailure(`${where}: ${sentence}`, { file: path, cause: code }, { cause: error });
}
