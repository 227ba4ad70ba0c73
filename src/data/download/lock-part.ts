import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { currentOwner, isOwnerAlive, type ProcessOwner } from '#core';
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
export async function lockPart(path: string): Promise<PartFile> {
  const lock = `${path}.lock`;
  const owner = await readOwner(lock);
  if (owner !== undefined && isOwnerAlive(owner) === false) await rm(lock, { force: true });
  try {
    await writeFile(lock, JSON.stringify(currentOwner()), { flag: 'wx' });
    return { path: `${path}.part`, release: () => rm(lock, { force: true }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const apart = `${path}.${randomUUID()}.part`;
    return { path: apart, release: () => removePart(apart) };
  }
}

async function readOwner(lock: string): Promise<ProcessOwner | undefined> {
  try {
    return JSON.parse(await readFile(lock, 'utf8')) as ProcessOwner;
  } catch {
    return undefined;
  }
}
