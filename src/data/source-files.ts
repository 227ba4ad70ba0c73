import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, DataError, nearestName } from '#core';
import { queryRows, sqlText, withConnection } from './duckdb.ts';

/** What a table file holds. `csv` covers every delimiter; `jsonl` is one JSON object per line or one array. */
export type TableFormat = 'csv' | 'jsonl' | 'parquet';

/** One file, folder, glob pattern or http(s) address, or a list of these. */
export type TableSource = string | URL | readonly (string | URL)[];

/** A file or address as the caller named it, before download or decompression. */
export interface SourceFile {
  /** Path or URL to show in reports and errors. */
  readonly label: string;
  readonly kind: 'file' | 'url';
  readonly format: TableFormat;
  readonly gzip: boolean;
  /** Delimiter implied by the extension. */
  readonly delimiter: string | undefined;
}

const extensions: Readonly<Record<string, { format: TableFormat; delimiter?: string }>> = {
  csv: { format: 'csv' },
  txt: { format: 'csv' },
  data: { format: 'csv' },
  tsv: { format: 'csv', delimiter: '\t' },
  tab: { format: 'csv', delimiter: '\t' },
  jsonl: { format: 'jsonl' },
  ndjson: { format: 'jsonl' },
  json: { format: 'jsonl' },
  parquet: { format: 'parquet' },
  pq: { format: 'parquet' },
};
const known = '.csv, .tsv, .txt, .jsonl, .ndjson, .json, .parquet, each also with .gz';

interface NameFacts {
  readonly format: TableFormat | undefined;
  readonly gzip: boolean;
  readonly delimiter: string | undefined;
}

function inferFromName(name: string): NameFacts {
  const lower = name.toLowerCase();
  const gzip = /\.(gz|gzip)$/.test(lower);
  const extension = lower.replace(/\.(gz|gzip)$/, '').match(/\.([a-z0-9]+)$/)?.[1];
  const facts =
    extension !== undefined && Object.hasOwn(extensions, extension) ? extensions[extension] : undefined;
  return { format: facts?.format, gzip, delimiter: facts?.delimiter };
}

/**
 * Lists the files behind a source, in the order given; a folder or glob lists its data files sorted by path.
 *
 * @throws DataError when a file is missing (naming the near one), unreadable or of unknown extension, when a folder
 *   holds no data file or files of several formats
 */
export async function resolveSources(
  where: string,
  source: TableSource,
  format?: TableFormat,
): Promise<SourceFile[]> {
  const parts = Array.isArray(source) ? (source as readonly (string | URL)[]) : [source as string | URL];
  if (parts.length === 0) {
    throw new ConfigError(`${where}: there must be a source, but got an empty list. Name a file or folder.`);
  }
  const files: SourceFile[] = [];
  for (const part of parts) files.push(...(await resolvePart(where, part, format)));
  const formats = [...new Set(files.map((file) => file.format))];
  if (formats.length > 1) {
    throw new DataError(
      `${where}: files of one table must be of one format, but got ${formats.join(' and ')}. ` +
        'Name one of them or a pattern such as folder/*.csv.',
      { files: files.map((file) => file.label) },
    );
  }
  return files;
}

async function resolvePart(where: string, part: string | URL, format?: TableFormat): Promise<SourceFile[]> {
  if (part instanceof URL && part.protocol === 'file:')
    return resolvePath(where, fileURLToPath(part), format);
  const text = String(part);
  if (/^https?:\/\//i.test(text)) {
    const facts = inferFromName(new URL(text).pathname);
    return [{ label: text, kind: 'url', ...facts, format: format ?? facts.format ?? 'csv' }];
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw new DataError(
      `${where}: an address must start with http:// or https://, but got "${text}". Download the file and name its path.`,
      { file: text },
    );
  }
  return resolvePath(where, text, format);
}

async function resolvePath(where: string, path: string, format?: TableFormat): Promise<SourceFile[]> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (!(facts instanceof Error)) {
    if (facts.isDirectory()) return listFolder(where, path, format);
    await checkReadable(where, path);
    return [sourceFile(where, path, format)];
  }
  if (facts.code === 'EACCES' || facts.code === 'EPERM') throw unreadable(where, path);
  if (/[*?[]/.test(path)) {
    const found = await withConnection((connection) =>
      queryRows(connection, `SELECT file FROM glob(${sqlText(path)}) ORDER BY file`),
    );
    if (found.length === 0) {
      throw new DataError(
        `${where}: the pattern must match a file, but "${path}" matches none. Check the folder.`,
        { file: path },
      );
    }
    const files = found.map(([file]) => String(file));
    for (const file of files) await checkReadable(where, file);
    return files.map((file) => sourceFile(where, file, format));
  }
  throw await missing(where, path);
}

async function missing(where: string, path: string): Promise<DataError> {
  const folder = dirname(resolve(path));
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) {
    return new DataError(
      `${where}: the file must exist, but there is no "${path}", nor its folder "${dirname(path)}". Check the path.`,
      { file: path },
    );
  }
  const near = nearestName(basename(path), names);
  return new DataError(
    `${where}: the file must exist, but there is no "${path}". ` +
      (near === undefined ? 'Check the path.' : `Did you mean "${join(dirname(path), near)}"?`),
    { file: path, ...(near === undefined ? {} : { near }) },
  );
}

async function checkReadable(where: string, path: string): Promise<void> {
  await access(path, constants.R_OK).catch(() => {
    throw unreadable(where, path);
  });
}

function unreadable(where: string, path: string): DataError {
  return new DataError(
    `${where}: the file must be readable, but permission to read "${path}" was denied. Change its permissions.`,
    { file: path },
  );
}

function sourceFile(where: string, path: string, format?: TableFormat): SourceFile {
  const facts = inferFromName(path);
  const chosen = format ?? facts.format;
  if (chosen === undefined) {
    throw new DataError(
      `${where}: the extension must tell the format (${known}), but got "${basename(path)}". ` +
        "Rename the file or give the format: 'csv', 'jsonl' or 'parquet'.",
      { file: path },
    );
  }
  return { label: path, kind: 'file', format: chosen, gzip: facts.gzip, delimiter: facts.delimiter };
}

async function listFolder(where: string, folder: string, format?: TableFormat): Promise<SourceFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES' || error.code === 'EPERM') throw unreadable(where, folder);
      throw error;
    },
  );
  const paths = entries
    .filter((entry) => entry.isFile() && !/^[._]/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const files = paths.filter((path) => {
    const found = inferFromName(path).format;
    // Text files beside the data are more often notes than tables.
    return found !== undefined && (format === undefined ? !/\.txt$/i.test(path) : found === format);
  });
  if (files.length === 0) {
    throw new DataError(
      `${where}: a folder must hold data files (${known}), but got none in "${folder}"` +
        `${paths.length > 0 ? ` among ${paths.length} files` : ''}. Name another folder or the file itself.`,
      { file: folder },
    );
  }
  for (const path of files) await checkReadable(where, path);
  return files.map((path) => sourceFile(where, path, format));
}
