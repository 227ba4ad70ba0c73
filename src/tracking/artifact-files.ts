import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  ConfigError,
  currentOwner,
  DataError,
  isOwnerAlive,
  RuntimeFailure,
  TrainyardError,
  timestamp,
} from '#core';
import type { ArtifactRecord } from './records.ts';
import { resolveInside, safeRelativePath } from './safe-path.ts';

/** Where files are written until they are whole; no key begins with a dot. */
const INCOMING = '.incoming';

/** Bytes read at a time, several of which are in memory. */
const READ_BYTES = 256 * 1024;
/** Bytes written at a time: what a network brings is in small pieces. */
const WRITE_BYTES = 1 << 20;
/** Bytes after which the disk is set to work, so that little is left to flush once a large file is whole. */
const FLUSH_BYTES = 64 << 20;

/** What a file must be, where its sender knows. */
export interface ExpectedContent {
  /** Hexadecimal, in either case. */
  readonly sha256?: string;
  readonly size?: number;
}

/** Inclusive, as in HTTP; without `end` to the last byte. */
export interface ByteRange {
  readonly start?: number;
  readonly end?: number;
}

/**
 * Files of runs and models under one folder: `<folder>/<key>/<path>`. A file is whole or absent: it is written aside,
 * flushed to the disk, and renamed, so that readers, a crash and a power failure see the old one or the new one.
 */
export class ArtifactFiles {
  private readonly folder: string;
  private sweeping: Promise<void> | undefined;

  /** @param folder made at the first write */
  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Streams a file in, with a few chunks in memory at most. Of two at once for one path the later to end stays.
   *
   * @throws ConfigError when the path could leave the key's folder or is a folder, or `expected` is not met
   * @throws RuntimeFailure when the content breaks off or the disk is full; what was there before stays
   */
  async put(
    key: string,
    path: string,
    content: Readable | Uint8Array,
    expected: ExpectedContent = {},
  ): Promise<ArtifactRecord> {
    const inside = checkKey(key, path);
    const incoming = join(this.folder, INCOMING);
    const temporary = join(incoming, temporaryName());
    try {
      await mkdir(incoming, { recursive: true });
      this.sweeping ??= sweep(incoming);
      await this.sweeping;
      const written = await writeNew(temporary, path, content, expected);
      const { file, parent, hasMadeFolders } = await resolveInside(this.folder, inside, { create: true });
      await rename(temporary, file);
      await flushFolders(parent, hasMadeFolders ? this.folder : parent);
      return { path, ...written, createdAt: timestamp() };
    } catch (error) {
      await rm(temporary, { force: true });
      if (!(content instanceof Uint8Array)) content.destroy();
      throw explain(path, error);
    }
  }

  /**
   * A stream of bytes `start` to `end` (both included), which closes the file at its end or when it is destroyed.
   * It goes on reading the file it was opened on when that is replaced.
   *
   * @throws DataError when there is no such file
   * @throws ConfigError when the path could leave the folder, or the range is not within the file
   */
  async open(key: string, path: string, range: ByteRange = {}): Promise<Readable> {
    const { file, isThere } = await resolveInside(this.folder, checkKey(key, path));
    if (!isThere) throw missing(key, path);
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW).catch(
      (error: NodeJS.ErrnoException) => {
        throw error.code === 'ENOENT' ? missing(key, path) : explain(path, error);
      },
    );
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) throw missing(key, path);
      return handle.createReadStream({ ...checkRange(path, range, facts.size), highWaterMark: READ_BYTES });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** One file, or all of a key. What is not there is no error. */
  async remove(key: string, path?: string): Promise<void> {
    if (path === undefined) {
      await rm(join(this.folder, checkKey(key)), { recursive: true, force: true });
      return;
    }
    const { file, parent, isThere } = await resolveInside(this.folder, checkKey(key, path));
    if (!isThere) return;
    await rm(file, { force: true });
    // Folders that hold nothing more go too; the first that does ends it.
    const top = join(this.folder, key);
    for (let folder = parent; folder.startsWith(top); folder = dirname(folder)) {
      const isGone = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!isGone) break;
    }
  }
}

function checkKey(key: string, path?: string): string {
  if (/[/]|^\./.test(safeRelativePath(key))) {
    throw new ConfigError(
      `artifact key: must be one name that does not begin with a dot, but got ${JSON.stringify(key)}. Use a run's id.`,
      { key },
    );
  }
  if (path === undefined) return key;
  safeRelativePath(path);
  return `${key}/${path}`;
}

/** Writes and flushes a file that did not exist. */
async function writeNew(
  temporary: string,
  path: string,
  content: Readable | Uint8Array,
  expected: ExpectedContent,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(temporary, 'wx', 0o644);
  const parts = new PartWriter(handle);
  try {
    for await (const chunk of readContent(path, content)) {
      size += chunk.length;
      if (expected.size !== undefined && size > expected.size) throw wrongSize(path, expected.size, size);
      hash.update(chunk);
      await parts.write(chunk);
    }
    await parts.end();
    if (expected.size !== undefined && size !== expected.size) throw wrongSize(path, expected.size, size);
    const sha256 = hash.digest('hex');
    if (expected.sha256 !== undefined && expected.sha256.toLowerCase() !== sha256) {
      throw new ConfigError(
        `artifact ${JSON.stringify(path)}: the content must have sha256 ${expected.sha256}, but got ${sha256}. Send it again.`,
        { path, sha256 },
      );
    }
    await handle.sync();
    return { size, sha256 };
  } finally {
    await parts.settle();
    await handle.close();
  }
}

/**
 * Collects small pieces into parts of a megabyte, in two places that take turns: the disk works on one while the other
 * is filled, and no memory is left behind.
 */
class PartWriter {
  private readonly handle: FileHandle;
  private places: [Buffer, Buffer] | undefined;
  private filled = 0;
  private unflushed = 0;
  private writing: Promise<void> = Promise.resolve();
  private flushing: Promise<void> | undefined;

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.places ??= [Buffer.allocUnsafeSlow(WRITE_BYTES), Buffer.allocUnsafeSlow(WRITE_BYTES)];
    for (let taken = 0; taken < chunk.length; ) {
      const count = Math.min(chunk.length - taken, WRITE_BYTES - this.filled);
      this.places[0].set(chunk.subarray(taken, taken + count), this.filled);
      taken += count;
      this.filled += count;
      if (this.filled === WRITE_BYTES) await this.pass();
    }
  }

  /** Writes what is left. */
  async end(): Promise<void> {
    if (this.filled > 0) await this.pass();
    await this.writing;
    await this.flushing;
  }

  /** Waits for what is being written, whatever comes of it. */
  async settle(): Promise<void> {
    await this.writing.catch(() => {});
    await this.flushing?.catch(() => {});
  }

  private async pass(): Promise<void> {
    // The other place is free only then.
    await this.writing;
    const [full, free] = this.places!;
    this.writing = writeAll(this.handle, full.subarray(0, this.filled));
    // Raised where it is waited for.
    this.writing.catch(() => {});
    this.places = [free, full];
    this.unflushed += this.filled;
    this.filled = 0;
    if (this.unflushed >= FLUSH_BYTES && this.flushing === undefined) {
      this.unflushed = 0;
      // A failure stays and is raised at the end: the system tells it once, so that the last flush may not.
      this.flushing = this.handle.datasync().then(() => {
        this.flushing = undefined;
      });
      this.flushing.catch(() => {});
    }
  }
}

async function* readContent(path: string, content: Readable | Uint8Array): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    if (content.length > 0) yield content;
    return;
  }
  try {
    for await (const chunk of content) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  } catch (error) {
    if (error instanceof TrainyardError) throw error;
    throw new RuntimeFailure(
      `artifact ${JSON.stringify(path)}: the content must come to its end, but it broke off: ${(error as Error).message}. Send it again.`,
      { path },
      { cause: error },
    );
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

/** A renamed file survives a power failure only when its folder, and those made for it, were flushed. */
async function flushFolders(from: string, top: string): Promise<void> {
  // Windows cannot open folders; NTFS keeps a journal of its own.
  if (process.platform === 'win32') return;
  for (let folder = from; folder.startsWith(top); folder = dirname(folder)) {
    const handle = await open(folder, constants.O_RDONLY).catch(() => undefined);
    await handle?.sync();
    await handle?.close();
  }
}

const hostDigest = (): string => createHash('sha256').update(hostname()).digest('hex').slice(0, 12);

function temporaryName(): string {
  const { pid, startTime } = currentOwner();
  return `${hostDigest()}_${pid}_${startTime.replace(/[^\w]/g, '-')}_${randomUUID()}`;
}

/** Removes what processes of this host that are gone have left; another host sweeps its own. */
async function sweep(incoming: string): Promise<void> {
  const host = hostDigest();
  for (const name of await readdir(incoming)) {
    const [from, pid, startTime = ''] = name.split('_');
    if (from !== host || !/^\d+$/.test(pid ?? '')) continue;
    // What `ps` says was changed to fit a name; there the number alone must do.
    const start = /^\d+$/.test(startTime) ? startTime : '';
    if (isOwnerAlive({ host: hostname(), pid: Number(pid), startTime: start }) !== false) continue;
    await rm(join(incoming, name), { force: true });
  }
}

function checkRange(path: string, { start = 0, end }: ByteRange, size: number) {
  const last = Math.min(end ?? size - 1, size - 1);
  const isWhole = Number.isSafeInteger(start) && (end === undefined || Number.isSafeInteger(end));
  const isEmpty = size === 0 && start === 0 && end === undefined;
  if (isEmpty) return {};
  if (isWhole && start >= 0 && start <= last) return { start, end: last };
  throw new ConfigError(
    `artifact ${JSON.stringify(path)}: a range must be whole numbers within its ${size} bytes, but got ${start} to ${end ?? 'the end'}. Read from 0.`,
    { path, size },
  );
}

function wrongSize(path: string, expected: number, got: number): ConfigError {
  return new ConfigError(
    `artifact ${JSON.stringify(path)}: the content must have ${expected} bytes, but got ${got > expected ? 'more' : got}. Send it again.`,
    { path, expected },
  );
}

function missing(key: string, path: string): DataError {
  return new DataError(
    `artifact ${JSON.stringify(path)}: the file must exist, but ${key} has none of that name. List its artefacts.`,
    { key, path },
  );
}

function explain(path: string, error: unknown): Error {
  if (error instanceof TrainyardError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const name = JSON.stringify(path);
  if (code === 'EISDIR' || code === 'ENOTEMPTY' || code === 'EEXIST') {
    return new ConfigError(`artifact path: must be a file, but ${name} is a folder. Choose another name.`, {
      path,
    });
  }
  if (code === 'ELOOP') {
    return new ConfigError(
      `artifact path: must be a file, but ${name} is a symbolic link. Remove the link.`,
      {
        path,
      },
    );
  }
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new RuntimeFailure(
    isFull
      ? `artifact ${name}: there must be room for the file, but the disk is full. Free space and send it again.`
      : `artifact ${name}: the file must be readable and writable, but got: ${message}. Check the workspace's folder.`,
    { path, cause: code },
    { cause: error },
  );
}
