import { randomUUID } from 'node:crypto';
import { open, realpath, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, makeFolder } from '#core';

/**
 * Makes sure that a file can be written, before the work that ends with it: its folder is made, and a trial file is
 * written there and removed, since rights alone do not tell (read-only disks, root). A file that is there stays as it is.
 *
 * @param name of the option, for errors
 * @throws ConfigError when the path is empty, a folder or a device, or cannot be written
 */
export async function prepareOutput(where: string, name: string, path: string): Promise<void> {
  if (path.trim() === '') {
    throw new ConfigError(`${where}: ${name} must be a path, but got an empty text. Name one.`);
  }
  try {
    makeFolder(dirname(path));
    const present = await stat(path).catch(() => undefined);
    if (present !== undefined && !present.isFile())
      throw notAFile(`${where}: ${name}`, path, present.isDirectory());
    const target = await realpath(path).catch(() => path);
    await tryWriting(join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      `${where}: ${name} must be writable, but "${path}" is not (${code}). Write elsewhere or change permissions.`,
      { file: path, cause: code },
    );
  }
}

function notAFile(what: string, path: string, isFolder: boolean): ConfigError {
  const got = isFolder ? 'a folder. Name a file in it' : 'none. Write elsewhere';
  return new ConfigError(`${what} must be a file, but "${path}" is ${got}.`, { file: path });
}

async function tryWriting(path: string): Promise<void> {
  const file = await open(path, 'wx');
  await file.close();
  await unlink(path);
}
