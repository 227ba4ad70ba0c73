import { randomUUID } from 'node:crypto';
import { isLock, lockFile } from '#core';
import { removePart } from './receive-part.ts';

/** Where a download puts what has come so far. */
export interface PartFile {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * The place for the beginning of `path`: `path.part`, which a later call finds again, for one process at a time; while
 * that one downloads, others do so apart from it and leave nothing.
 */
export function lockPart(path: string): PartFile {
  const lock = lockFile(`${path}.lock`);
  if (isLock(lock)) return { path: `${path}.part`, release: async () => lock.release() };
  const apart = `${path}.${randomUUID()}.part`;
  return { path: apart, release: () => removePart(apart) };
}
