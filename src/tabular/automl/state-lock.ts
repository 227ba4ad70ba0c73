import { closeSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, currentOwner, isOwnerAlive, RuntimeFailure } from '#core';

const LOCK_FILE = 'lock';

/** Who holds a lock. `started` tells a process from a later one with the same number; null where unknown. */
interface Holder {
  readonly pid: number;
  readonly started: string | null;
}

/**
 * Makes a state folder where there is none and keeps other processes out of it until `release()`. A lock left behind
 * by a process that no longer runs is taken over.
 *
 * @throws ConfigError when another process works in the folder, RuntimeFailure when it cannot be written
 */
export function lockStateFolder(folder: string): { release(): void } {
  makeFolder(folder);
  const path = join(folder, LOCK_FILE);
  const holder: Holder = { pid: process.pid, started: currentOwner().startTime || null };
  for (let attempt = 0; attempt < 3; attempt++) {
    if (writeExclusively(path, JSON.stringify(holder))) return { release: () => removeQuietly(path) };
    const other = readHolder(path);
    if (other !== undefined && isRunning(other)) {
      throw new ConfigError(
        `automl: a state folder must serve one run at a time, but ${folder} is in use by process ${other.pid}. Wait ` +
          'for it, stop it, or choose another folder.',
        { folder, pid: other.pid },
      );
    }
    removeQuietly(path);
  }
  throw new RuntimeFailure(
    `automl: a state folder must be free to be locked, but ${path} is still there after three tries to take it ` +
      'over. Delete it, or choose another folder.',
    { folder },
  );
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

function writeExclusively(path: string, text: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw notWritable(dirname(path), error);
  }
  writeSync(file, text);
  closeSync(file);
  return true;
}

function readHolder(path: string): Holder | undefined {
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const { pid, started } = json as Holder;
    return Number.isInteger(pid) ? { pid, started: started ?? null } : undefined;
  } catch {
    // Gone meanwhile, or torn by a crash: nobody holds it.
    return undefined;
  }
}

const isRunning = ({ pid, started }: Holder): boolean =>
  isOwnerAlive({ host: hostname(), pid, startTime: started ?? '' }) !== false;

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Already gone.
  }
}
