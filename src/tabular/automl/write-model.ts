import { renameSync, rmSync, writeFileSync } from 'node:fs';
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
  const part = `${target}.${process.pid}.part`;
  try {
    writeFileSync(part, bytes, { flush: true });
    renameSync(part, target);
  } catch (cause) {
    rmSync(part, { force: true });
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new RuntimeFailure(
      `automl: the model of ${bytes.byteLength} bytes must fit into ${dirname(target)}, but writing failed (${code}). ` +
        'Make room or name another output.',
      { file: target, code },
      { cause },
    );
  }
  return target;
}
