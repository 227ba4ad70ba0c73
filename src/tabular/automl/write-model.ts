import { closeSync, openSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { RuntimeFailure } from '#core';

/**
 * Writes a model file completely or not at all: to a name beside it first, then renamed.
 *
 * @returns the absolute path
 * @throws RuntimeFailure when there is no room or no permission; nothing is left behind
 */
export function writeModelFile(path: string, bytes: Uint8Array): string {
  const target = resolve(path);
  const file = behindLinks(target);
  const part = partOf(file);
  try {
    writeFileSync(part, bytes, { flush: true });
    renameSync(part, file);
  } catch (cause) {
    removeQuietly(part);
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    const reason = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code) ? 'there is no room' : 'writing failed';
    throw new RuntimeFailure(
      `automl: the model of ${bytes.byteLength} bytes must fit into ${dirname(target)}, but ${reason} (${code}). ` +
        'Make room or name another output.',
      { file: target, code },
      { cause },
    );
  }
  return target;
}

/** Makes and removes the file that the model will be written to first. @throws what the file system says */
export function tryWriting(path: string): void {
  const part = partOf(behindLinks(resolve(path)));
  try {
    closeSync(openSync(part, 'w'));
  } finally {
    removeQuietly(part);
  }
}

/** A link keeps pointing to the file it names. */
function behindLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // No such file yet.
    return path;
  }
}

function partOf(path: string): string {
  return `${path}.${process.pid}.part`;
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Where nothing can be written there is nothing to remove.
  }
}
