import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { RuntimeFailure } from './errors.ts';
import { currentOwner, isOwnerAlive, isSameOwner, type ProcessOwner } from './process-owner.ts';

/** A lock that this process holds. */
export interface FileLock {
  /** Removes the lock file, if it is still this one. */
  release(): void;
}

/** What a lock file says: who holds it, and a mark that tells two locks of one process apart. */
interface Held extends ProcessOwner {
  readonly mark: string;
}

/** Times that a lock left behind is taken away before giving up: others may want it too. */
const ATTEMPTS = 3;

/**
 * Takes the lock of which the file is the sign, or tells which process holds it. A lock that a dead process left, or
 * that cannot be read, is taken over; one of another host counts as held, since nobody here can ask.
 *
 * The file appears with its contents, so that no other process sees half of them.
 *
 * @returns the lock, or its holder
 * @throws NodeJS.ErrnoException when the file cannot be written
 * @throws RuntimeFailure when it cannot be taken over
 */
export function lockFile(path: string): FileLock | ProcessOwner {
  const own: Held = { ...currentOwner(), mark: randomUUID() };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (create(path, own)) return { release: () => removeOwn(path, own) };
    const holder = readHeld(path);
    if (holder !== undefined && isOwnerAlive(holder) !== false) return holder;
    takeAway(path, holder);
  }
  throw new RuntimeFailure(
    `lock: a file that nobody holds must be free to be taken, but ${path} is still there after ${ATTEMPTS} tries. Delete it.`,
    { path },
  );
}

/** Whether `lockFile` gave the lock. */
export const isLock = (result: FileLock | ProcessOwner): result is FileLock => 'release' in result;

/** @returns whether the file was not there and is now */
function create(path: string, own: Held): boolean {
  const text = JSON.stringify(own);
  const draft = `${path}.${own.mark}`;
  try {
    writeFileSync(draft, text, { flag: 'wx' });
    linkSync(draft, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // A file system without hard links.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS' || code === 'EMLINK')
      return createPlainly(path, text);
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function createPlainly(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock that nobody holds; one that another process has put in its place meanwhile goes back. */
function takeAway(path: string, stale: Held | undefined): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    // Released or taken away meanwhile.
    return;
  }
  const found = readHeld(aside);
  const isAnothers = found !== undefined && found.mark !== stale?.mark && isOwnerAlive(found) !== false;
  try {
    if (isAnothers) linkSync(aside, path);
    unlinkSync(aside);
  } catch {
    // Taken by a third one meanwhile, or no file at all, which stays where it was.
    if (isAnothers) rmSync(aside, { force: true });
    else renameSync(aside, path);
  }
}

function removeOwn(path: string, own: Held): void {
  const held = readHeld(path);
  if (held !== undefined && isSameOwner(held, own) && held.mark === own.mark) rmSync(path, { force: true });
}

function readHeld(path: string): Held | undefined {
  try {
    const { host, pid, startTime, mark } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Held>;
    const isOwner = typeof host === 'string' && Number.isInteger(pid) && typeof startTime === 'string';
    return isOwner ? { host, pid: pid!, startTime, mark: String(mark) } : undefined;
  } catch {
    // Gone meanwhile, or torn by a crash.
    return undefined;
  }
}
