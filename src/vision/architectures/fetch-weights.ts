import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CancelledError, DataError, TrainyardError } from '#core';

export interface FetchWeightsOptions {
  /**
   * SHA-256 the file must have, in hexadecimal; the first digits are enough. By default the ones in the address's
   * name, where it ends as in `resnet18-f37072fd.pth`.
   */
  readonly sha256?: string | undefined;
  /** Folder of downloaded files; `TRAINYARD_CACHE`, or `~/.cache/trainyard`, by default. */
  readonly cacheFolder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is known of a file in the cache. */
interface CacheNote {
  readonly url: string;
  readonly sha256: string;
  readonly size: number;
}

/**
 * The path of a file of weights: a local one as it is, one at an http(s) address from the cache, to which it is
 * downloaded first. A download that broke off goes on where it was, when the server allows and its file is the same.
 *
 * @throws DataError when it cannot be downloaded, breaks off, or has another checksum
 * @throws CancelledError when `signal` fires; what came until then is kept
 */
export async function fetchWeights(fileOrUrl: string, options: FetchWeightsOptions = {}): Promise<string> {
  const { sha256 = checksumInName(fileOrUrl), signal } = options;
  if (!/^https?:\/\//i.test(fileOrUrl)) {
    const path = fileOrUrl.startsWith('file:') ? fileURLToPath(fileOrUrl) : fileOrUrl;
    if (options.sha256 !== undefined) checkDigest(path, await digestOf(path), options.sha256);
    return path;
  }
  const root =
    options.cacheFolder ?? process.env['TRAINYARD_CACHE'] ?? join(homedir(), '.cache', 'trainyard');
  const folder = join(root, 'weights');
  await mkdir(folder, { recursive: true });
  const key = createHash('sha256').update(fileOrUrl).digest('hex').slice(0, 16);
  const path = join(folder, `${key}-${basename(new URL(fileOrUrl).pathname) || 'weights'}`);
  const note = await readJson<CacheNote>(`${path}.json`);
  if (note !== undefined && note.size === (await sizeOf(path)) && startsAs(note.sha256, sha256)) return path;
  const release = await lock(`${path}.lock`);
  // While another process downloads the same file, this one does so apart from it.
  const part = release === undefined ? `${path}.${randomUUID()}.part` : `${path}.part`;
  try {
    await download(fileOrUrl, part, signal);
    const digest = await digestOf(part);
    if (!startsAs(digest, sha256)) await removePart(part);
    checkDigest(fileOrUrl, digest, sha256);
    const found: CacheNote = { url: fileOrUrl, sha256: digest, size: (await sizeOf(part)) ?? 0 };
    await rename(part, path);
    await writeFile(`${path}.json`, JSON.stringify(found));
    await rm(`${part}.json`, { force: true });
    return path;
  } finally {
    if (release === undefined) await removePart(part);
    else await release();
  }
}

/** Appends to `part` what it lacks, or writes it anew. */
async function download(url: string, part: string, signal: AbortSignal | undefined): Promise<void> {
  const before = (await sizeOf(part)) ?? 0;
  const validator = (await readJson<{ validator: string | null }>(`${part}.json`))?.validator;
  const isResumable = before > 0 && typeof validator === 'string';
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (isResumable) {
    headers['range'] = `bytes=${before}-`;
    headers['if-range'] = validator;
  }
  try {
    const response = await fetch(url, { headers, redirect: 'follow', ...(signal ? { signal } : {}) });
    const isRest = response.status === 206 && isResumable;
    if (!response.ok || response.body === null || (response.status === 206 && !isRest)) {
      await response.body?.cancel();
      // More was kept than the server has.
      if (response.status === 416) await removePart(part);
      throw unreachable(url, `it answers ${response.status} ${response.statusText}`);
    }
    await writeFile(`${part}.json`, JSON.stringify({ validator: validatorOf(response) }));
    const start = isRest ? before : 0;
    const length = response.headers.get('content-length');
    const received = await receive(response.body, part, isRest ? 'a' : 'w');
    if (length !== null && received !== Number(length)) {
      throw unreachable(url, `it sent ${start + received} of ${start + Number(length)} bytes`);
    }
  } catch (error) {
    if (signal?.aborted) throw new CancelledError(`loadPretrained: was cancelled.`, { reason: 'signal' });
    if (error instanceof TrainyardError) throw error;
    const { cause, message } = error as Error;
    throw unreachable(url, cause instanceof Error && cause.message !== '' ? cause.message : message, error);
  }
}

async function receive(body: AsyncIterable<Uint8Array>, part: string, flags: 'a' | 'w'): Promise<number> {
  const handle = await open(part, flags);
  let received = 0;
  try {
    for await (const chunk of body) {
      await handle.writeFile(chunk);
      received += chunk.length;
    }
  } finally {
    await handle.sync();
    await handle.close();
  }
  return received;
}

/** Weak marks name no bytes, so that ranges of them cannot be joined (RFC 9110, section 13.1.5). */
function validatorOf(response: Response): string | null {
  const tag = response.headers.get('etag');
  return tag !== null && !tag.startsWith('W/') ? tag : response.headers.get('last-modified');
}

/** The first digits of the checksum, as torchvision and timm have them in names. */
function checksumInName(url: string): string | undefined {
  return /^https?:.*-([0-9a-f]{8,64})\.(?:pth|pt|safetensors|onnx)$/i.exec(url)?.[1];
}

const startsAs = (digest: string, expected: string | undefined): boolean =>
  expected === undefined || digest.startsWith(expected.toLowerCase());

function checkDigest(from: string, digest: string, expected: string | undefined): void {
  if (startsAs(digest, expected)) return;
  throw new DataError(
    `loadPretrained: the file must have the SHA-256 ${expected}, but ${from} has ${digest}. Check the address, or pass the checksum of the file you mean.`,
    { file: from, expected, sha256: digest },
  );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** @returns how to give the lock back; `undefined` while a living process has it */
async function lock(path: string): Promise<(() => Promise<void>) | undefined> {
  const owner = Number(await readFile(path, 'utf8').catch(() => 'none'));
  if (Number.isInteger(owner) && !isAlive(owner)) await rm(path, { force: true });
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return () => rm(path, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function removePart(part: string): Promise<void> {
  for (const file of [part, `${part}.json`]) await rm(file, { force: true });
}

function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** `undefined` when it is not there or torn. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

function unreachable(url: string, found: string, cause?: unknown): DataError {
  return new DataError(
    `loadPretrained: the address must answer with the file, but ${url} did not: ${found}. Check the address, and call again to go on.`,
    { file: url },
    { cause },
  );
}
