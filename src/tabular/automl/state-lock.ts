import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, type FileLock, isLock, lockFile, RuntimeFailure } from '#core';

/**
 * Makes a state folder where there is none and keeps other processes out of it until `release()`. A lock left behind
 * by a process that no longer runs is taken over.
 *
 * @throws ConfigError when another process works in the folder, RuntimeFailure when it cannot be written
 */
export function lockStateFolder(folder: string): FileLock {
  makeFolder(folder);
  const lock = takeLock(folder);
  if (isLock(lock)) return lock;
  throw new ConfigError(
    `automl: a state folder must serve one run at a time, but ${folder} is in use by process ${lock.pid}. Wait ` +
      'for it, stop it, or choose another folder.',
    { folder, pid: lock.pid },
  );
}

function takeLock(folder: string): ReturnType<typeof lockFile> {
  try {
    return lockFile(join(folder, 'lock'));
  } catch (error) {
    throw error instanceof RuntimeFailure ? error : notWritable(folder, error);
  }
}

/** The folder and those above it. `mkdirSync` with `recursive` does not return where nothing can be made, as in /proc. */
function makeFolder(folder: string): void {
  const path = resolve(folder);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    const made = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (!made) throw notWritable(path, error);
  }
}

function notWritable(folder: string, cause: unknown): RuntimeFailure {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  return new RuntimeFailure(
    `automl: the state folder must be writable, but ${folder} is not (${code}). Name another folder.`,
    { folder, code },
    { cause },
  );
}
