import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';
import { ConfigError, DataError, RuntimeFailure } from '#core';
import { downloadFile } from './download/download-file.ts';
import type { SourceFile } from './source-files.ts';

/** A local, uncompressed, UTF-8 (or binary Parquet) file ready for DuckDB. */
export interface PreparedFile {
  readonly path: string;
  readonly label: string;
  readonly delimiter: string | undefined;
  /** Starts with a byte order mark. */
  readonly bom: boolean;
}

export interface PrepareOptions {
  readonly encoding?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Prepared files; `remove` deletes the temporary copies and must be called in the end. */
export interface PreparedFiles {
  readonly files: readonly PreparedFile[];
  remove(): Promise<void>;
}

/**
 * Downloads, decompresses and transcodes where needed, into a temporary folder. Compressed files are unpacked here
 * rather than by DuckDB because that one reads a truncated gzip file as a shorter table, without an error.
 */
export async function prepareFiles(
  where: string,
  sources: readonly SourceFile[],
  options: PrepareOptions,
  repairs: string[],
): Promise<PreparedFiles> {
  const workspace = new Workspace();
  try {
    const files: PreparedFile[] = [];
    for (const source of sources) files.push(await prepareFile(where, source, options, repairs, workspace));
    return { files, remove: () => workspace.remove() };
  } catch (error) {
    await workspace.remove();
    throw error;
  }
}

/** A temporary folder, made on first use. */
class Workspace {
  private folder: string | undefined;
  private count = 0;

  async next(): Promise<string> {
    this.folder ??= await mkdtemp(join(tmpdir(), 'trainyard-'));
    return join(this.folder, `${this.count++}`);
  }

  async remove(): Promise<void> {
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
  }
}

async function prepareFile(
  where: string,
  file: SourceFile,
  options: PrepareOptions,
  repairs: string[],
  workspace: Workspace,
): Promise<PreparedFile> {
  const { label } = file;
  let path = label;
  if (file.kind === 'url') {
    path = await workspace.next();
    await downloadFile(where, label, path, options);
  }
  if ((await stat(path)).size === 0) throw emptyFile(where, label);
  let head = await readHead(path, 4);
  if (head[0] === 0x1f && head[1] === 0x8b) {
    const unpacked = await workspace.next();
    await gunzip(where, label, path, unpacked);
    path = unpacked;
    if ((await stat(path)).size === 0) throw emptyFile(where, label);
    head = await readHead(path, 4);
  } else if (file.gzip) {
    throw new DataError(
      `${where}: a .gz file must be gzip-compressed, but "${label}" is not. Remove the .gz ending or compress it.`,
      { file: label },
    );
  }
  if (file.format === 'parquet') {
    if (head.toString('latin1') !== 'PAR1') {
      throw new DataError(
        `${where}: a Parquet file must start with PAR1, but "${label}" does not. Write the file again or name its format.`,
        { file: label },
      );
    }
    return { path, label, delimiter: undefined, bom: false };
  }
  const encoding = options.encoding ?? utf16Mark(head);
  if (encoding !== undefined && !/^utf-?8$/i.test(encoding)) {
    const text = await workspace.next();
    await transcode(where, label, path, text, encoding);
    if (options.encoding === undefined) repairs.push(`${label}: read as ${encoding} (byte order mark)`);
    return { path: text, label, delimiter: file.delimiter, bom: false };
  }
  const bom = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
  if (bom) repairs.push(`${label}: byte order mark removed`);
  return { path, label, delimiter: file.delimiter, bom };
}

function utf16Mark(head: Buffer): string | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  return undefined;
}

export function emptyFile(where: string, label: string): DataError {
  return new DataError(
    `${where}: a table must have rows, but "${label}" is empty. Name a file with a header and at least one row.`,
    { file: label },
  );
}

/** The first `size` bytes of a file, fewer when it is shorter. */
export async function readHead(path: string, size: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(buffer, filled, size - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

async function gunzip(where: string, label: string, from: string, to: string): Promise<void> {
  try {
    await pipeline(createReadStream(from), createGunzip(), createWriteStream(to));
  } catch (error) {
    throw writeFailure(where, error) ?? corruptGzip(where, label, error as Error);
  }
}

function corruptGzip(where: string, label: string, error: Error): DataError {
  return new DataError(
    `${where}: a gzip file must be whole, but "${label}" is damaged or cut short (${error.message}). Fetch it again.`,
    { file: label },
    { cause: error },
  );
}

/** A full disk is not the file's fault. */
function writeFailure(where: string, error: unknown): RuntimeFailure | undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') return undefined;
  return new RuntimeFailure(
    `${where}: unpacking needs room in the temporary folder, but "${tmpdir()}" is full. Free space or set TMPDIR.`,
    {},
    { cause: error },
  );
}

async function transcode(
  where: string,
  label: string,
  from: string,
  to: string,
  encoding: string,
): Promise<void> {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch {
    throw new ConfigError(
      `${where}: encoding must be a known name, but got "${encoding}". Use utf-8, latin1, windows-1252 or utf-16le.`,
      { encoding },
    );
  }
  const decode = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        done(null, Buffer.from(decoder.decode(chunk, { stream: true })));
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        done(null, Buffer.from(decoder.decode()));
      } catch (error) {
        done(error as Error);
      }
    },
  });
  try {
    await pipeline(createReadStream(from), decode, createWriteStream(to));
  } catch (error) {
    throw (
      writeFailure(where, error) ??
      new DataError(
        `${where}: the file must be in the encoding given, but "${label}" is not valid ${encoding}. Name another encoding.`,
        { file: label },
        { cause: error },
      )
    );
  }
}
