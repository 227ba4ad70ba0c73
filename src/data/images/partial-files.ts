import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { currentOwner, isOwnerAlive, type ProcessOwner, timestamp } from '#core';

const ending = '.partial';

/** A name beside `path` for a file that is being written, which tells the process that writes it. */
export function partialPath(path: string): string {
  const { host, pid, startTime } = currentOwner();
  const owner = [pid, startTime, host].map((part) => encodeURIComponent(part)).join('~');
  return `${path}~${owner}~${randomUUID()}${ending}`;
}

/** Gives a whole file its name. Another process may have been first, with the same content. */
export async function publish(partial: string, path: string): Promise<void> {
  try {
    await rename(partial, path);
  } catch (error) {
    // Windows refuses to replace a file that somebody has open.
    if ((await stat(path).catch(() => undefined)) === undefined) throw error;
    await rm(partial, { force: true });
  }
}

/** Replaces a small file in one step: readers see what it held before or all of the new text. */
export async function replaceText(path: string, text: string): Promise<void> {
  const partial = partialPath(path);
  try {
    await writeFile(partial, text, { flag: 'wx', flush: true });
    await publish(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/**
 * Removes what killed processes left in a folder. Files of living processes stay; those whose process nobody here can
 * ask (another host's) stay until an hour after their last change.
 *
 * @param isOurs whether a file of this name, without what `partialPath` adds, would be written here
 */
export async function removeStalePartials(folder: string, isOurs: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(ending) || !isOurs(name.split('~')[0])) continue;
    const path = join(folder, name);
    if (await isStale(path, name)) await rm(path, { force: true }).catch(() => undefined);
  }
}

async function isStale(path: string, name: string): Promise<boolean> {
  const owner = ownerOf(name);
  const isAlive = owner === undefined ? undefined : isOwnerAlive(owner);
  if (isAlive !== undefined) return !isAlive;
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < Date.parse(timestamp()) - 3_600_000;
}

function ownerOf(name: string): ProcessOwner | undefined {
  try {
    const [pid, startTime, host] = name.split('~').slice(1, 4).map(decodeURIComponent);
    return host === undefined ? undefined : { host, pid: Number(pid), startTime };
  } catch {
    return undefined;
  }
}
