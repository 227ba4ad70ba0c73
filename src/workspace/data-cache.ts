import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, isLock, lockFile, TrainyardError } from '#core';

/** A downloaded file in the cache. */
export interface CachedFile {
  readonly url: string;
  /** Its name in the cache: the content's digest and the address's extension. */
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
  /** The server's mark of this content, to ask whether it has changed. */
  readonly validator: string | null;
}

export interface FetchLimits {
  /** Longest time for the whole download; default 10 minutes. What came until then is kept. */
  readonly timeoutMs?: number;
  /** Largest accepted file; default 20 GB. */
  readonly maxBytes?: number;
}

/** What was received so far, and of which content. */
interface Partial {
  readonly received: number;
  readonly validator: string | null;
}

/**
 * Copies of http(s) files in a workspace, by content: an address is downloaded once, a download that broke off goes on
 * where it was when the server allows, and a file that has changed at its address is another copy.
 */
export class DataCache {
  private readonly folder: string;

  /** @param folder made at the first download */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Where a cached file is. */
  pathOf(name: string): string {
    return join(this.folder, name);
  }

  /**
   * The content of an address now: the copy that is there when the server says it is unchanged, or cannot be asked.
   *
   * @throws DataError when it cannot be downloaded and there is no copy, breaks off, is too slow or too large
   */
  async fetch(url: string, { timeoutMs = 600_000, maxBytes = 20e9 }: FetchLimits = {}): Promise<CachedFile> {
    await mkdir(this.folder, { recursive: true });
    const key = createHash('sha256').update(url).digest('hex').slice(0, 32);
    const known = await this.findKnown(key);
    const lock = lockFile(join(this.folder, `${key}.lock`));
    const isMine = isLock(lock);
    // While another process downloads the same address this one does so apart from it.
    const part = join(this.folder, isMine ? `${key}.part` : `${key}.${randomUUID()}.part`);
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const found = await this.download(url, part, known, { signal, maxBytes });
      await writeAside(join(this.folder, `${key}.json`), JSON.stringify(found));
      return found;
    } finally {
      if (isMine) lock.release();
      else for (const file of [part, `${part}.json`]) await rm(file, { force: true });
    }
  }

  private async findKnown(key: string): Promise<CachedFile | undefined> {
    const found = await readJson<CachedFile>(join(this.folder, `${key}.json`));
    if (found === undefined) return undefined;
    const size = await sizeOf(this.pathOf(found.name));
    return size === found.size ? found : undefined;
  }

  private async download(
    url: string,
    part: string,
    known: CachedFile | undefined,
    { signal, maxBytes }: { signal: AbortSignal; maxBytes: number },
  ): Promise<CachedFile> {
    const resumable = await this.findPartial(part);
    const response = await ask(url, known, resumable, signal);
    if (known !== undefined && (response === undefined || response.status === 304)) {
      await response?.body?.cancel();
      return known;
    }
    if (response === undefined) throw unreachable(url, 'it cannot be reached');
    const isRest = response.status === 206 && resumable !== undefined;
    if (!response.ok || response.body === null || (response.status === 206 && !isRest)) {
      await response.body?.cancel();
      // What was kept is more than the server has.
      if (response.status === 416) await rm(part, { force: true });
      throw unreachable(url, `it answers ${response.status} ${response.statusText}`);
    }
    const validator = validatorOf(response);
    const before = isRest ? resumable.received : 0;
    const length = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
    await writeFile(`${part}.json`, JSON.stringify({ validator }));
    try {
      await receive(response.body, part, isRest ? 'a' : 'w', maxBytes - before);
    } catch (error) {
      throw unreachable(url, (error as Error).message, error);
    }
    const size = (await sizeOf(part)) ?? 0;
    if (length !== null && size !== before + Number(length)) {
      throw unreachable(url, `it sent ${size} of ${before + Number(length)} bytes`);
    }
    return this.keep(url, part, validator, size);
  }

  private async keep(url: string, part: string, validator: string | null, size: number) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(part)) hash.update(chunk as Buffer);
    const sha256 = hash.digest('hex');
    const name = `${sha256}${extensionOf(url)}`;
    await rename(part, this.pathOf(name));
    await rm(`${part}.json`, { force: true });
    return { url, name, sha256, size, validator };
  }

  private async findPartial(part: string): Promise<Partial | undefined> {
    const [received, note] = [await sizeOf(part), await readJson<Partial>(`${part}.json`)];
    // Without the server's mark nobody knows whether the rest belongs to the beginning.
    if (received === undefined || received === 0 || typeof note?.validator !== 'string') return undefined;
    return { received, validator: note.validator };
  }
}

/** @returns the server's answer, `undefined` when it gives none */
async function ask(
  url: string,
  known: CachedFile | undefined,
  resumable: Partial | undefined,
  signal: AbortSignal,
): Promise<Response | undefined> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (resumable?.validator) {
    headers['range'] = `bytes=${resumable.received}-`;
    headers['if-range'] = resumable.validator;
  } else if (known?.validator) {
    headers[isEntityTag(known.validator) ? 'if-none-match' : 'if-modified-since'] = known.validator;
  }
  try {
    return await fetch(url, { headers, redirect: 'follow', signal });
  } catch (error) {
    if (known !== undefined) return undefined;
    const { cause, message } = error as Error;
    throw unreachable(url, cause instanceof Error && cause.message !== '' ? cause.message : message, error);
  }
}

/** Writes what arrives; when it breaks off all of that is kept. */
async function receive(
  body: AsyncIterable<Uint8Array>,
  part: string,
  flags: 'a' | 'w',
  maxBytes: number,
): Promise<void> {
  const handle = await open(part, flags);
  let received = 0;
  try {
    for await (const chunk of body) {
      received += chunk.length;
      if (received > maxBytes) throw new Error('it sends more than maxBytes allows');
      await handle.writeFile(chunk);
    }
  } finally {
    await handle.sync();
    await handle.close();
  }
}

/** Weak marks name no bytes, so that ranges of them cannot be joined (RFC 9110, section 13.1.5). */
function validatorOf(response: Response): string | null {
  const tag = response.headers.get('etag');
  return tag !== null && !tag.startsWith('W/') ? tag : response.headers.get('last-modified');
}

const isEntityTag = (validator: string) => validator.startsWith('"');

function extensionOf(url: string): string {
  return /(\.[a-z0-9]{1,8}){1,2}$/i.exec(new URL(url).pathname)?.[0].toLowerCase() ?? '.csv';
}

function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (facts) => facts.size,
    () => undefined,
  );
}

/** `undefined` when it is not there or torn. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

async function writeAside(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  const handle = await open(temporary, 'wx');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

function unreachable(url: string, found: string, cause?: unknown): Error {
  if (cause instanceof TrainyardError) return cause;
  return new DataError(
    `dataset: the address must answer with the file, but ${url} did not: ${found}. Check the address, and call again to go on.`,
    { file: url },
    { cause },
  );
}
