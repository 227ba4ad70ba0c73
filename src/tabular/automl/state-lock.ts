import { join } from 'node:path';
import { ConfigError, type FileLock, isLock, lockFile, makeFolder, RuntimeFailure } from '#core';

/**
 * Makes a state folder where there is none and keeps other processes out of it until `release()`. A lock left behind
 * by a process that no longer runs is taken over.
 *
 * @throws ConfigError when another process works in the folder, RuntimeFailure when it cannot be written
 */
export function lockStateFolder(folder: string): FileLock {
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
    makeFolder(folder);
    return lockFile(join(folder, 'lock'));
  } catch (error) {
    throw error instanceof RuntimeFailure ? error : notWritable(folder, error);
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
