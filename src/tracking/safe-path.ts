import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, RuntimeFailure } from '#core';

/** What every common file system takes; Linux counts bytes, Windows and macOS characters. */
const MAX_PATH_BYTES = 1024;
const MAX_PART_BYTES = 255;

/** Names that Windows gives to devices, with any extension. */
const devices = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i;

/**
 * A path below some folder, with `/` between its parts, in any script. It means the same file on every system, which
 * lies in the folder.
 *
 * @returns the path as given
 * @throws ConfigError for `.`, `..`, empty parts, absolute paths, backslashes, control characters, percent-encoded
 *   dots and separators, device names of Windows, parts of more than 255 or paths of more than 1,024 bytes
 */
export function safeRelativePath(path: string): string {
  const fault = findFault(path);
  if (fault === undefined) return path;
  throw new ConfigError(
    `artifact path: ${fault}, but got ${shorten(path)}. Name a file of the folder, as in outputs/model.onnx.`,
    { path },
  );
}

function findFault(path: string): string | undefined {
  if (typeof path !== 'string' || path === '') return 'must not be empty';
  if (!path.isWellFormed()) return 'must be text that UTF-8 can hold';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `may have ${MAX_PATH_BYTES} bytes`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x1f\x7f]/.test(path)) return 'must be without control characters';
  if (path.includes('\\')) return "must have '/' between its parts, no backslash";
  if (path.startsWith('/') || /^[a-z]:/i.test(path)) return 'must be relative';
  // Encoded twice or more: %25 is the percent sign itself.
  if (/%(25)*(2e|2f|5c|00)/i.test(path)) return 'must be without percent-encoded dots and separators';
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') return "must be without '.', '..' and empty parts";
    if (Buffer.byteLength(part) > MAX_PART_BYTES) return `may have ${MAX_PART_BYTES} bytes between two '/'`;
    if (/[. ]$/.test(part)) return 'may not have parts that end with a dot or a space';
    if (devices.test(part)) return 'may not have parts that are devices of Windows';
  }
  return undefined;
}

function shorten(path: string): string {
  const text = JSON.stringify(path) ?? typeof path;
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
}

/**
 * The file that a safe path means, after a look at every folder on the way: none may be a link, which could lead out.
 *
 * @param create makes folders that are missing
 * @returns the file, which need not exist, and whether its folder does
 * @throws ConfigError when a part of the way is a link or a file
 */
export async function resolveInside(
  folder: string,
  path: string,
  { create = false }: { create?: boolean } = {},
): Promise<{ file: string; parent: string; isThere: boolean; hasMadeFolders: boolean }> {
  let hasMadeFolders = false;
  const parts = safeRelativePath(path).split('/');
  const last = parts.pop() as string;
  let parent = folder;
  for (const part of parts) {
    parent = join(parent, part);
    if (create) {
      const isNew = await mkdir(parent).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false;
          throw error;
        },
      );
      hasMadeFolders ||= isNew;
    }
    const facts = await lstatIfThere(parent);
    if (facts === undefined) return { file: join(folder, path), parent, isThere: false, hasMadeFolders };
    if (facts.isSymbolicLink()) throw refuseLink(path, part);
    if (!facts.isDirectory()) {
      throw new ConfigError(
        `artifact path: its parts must be folders, but in ${JSON.stringify(path)} ${JSON.stringify(part)} is a file. Choose another name.`,
        { path },
      );
    }
  }
  const file = join(parent, last);
  const facts = await lstatIfThere(file);
  if (facts?.isSymbolicLink()) throw refuseLink(path, last);
  return { file, parent, isThere: facts !== undefined, hasMadeFolders };
}

async function lstatIfThere(path: string) {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new RuntimeFailure(
      `artifact path: must be readable, but ${path} is not: ${error.message}. Check its permissions.`,
      { path },
      { cause: error },
    );
  });
}

function refuseLink(path: string, part: string): ConfigError {
  return new ConfigError(
    `artifact path: must lead through folders of its own, but in ${JSON.stringify(path)} ${JSON.stringify(part)} is a symbolic link. Remove the link.`,
    { path },
  );
}
