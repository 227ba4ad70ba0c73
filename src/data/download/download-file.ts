import { rename, rm } from 'node:fs/promises';
import { CancelledError, DataError, TrainyardError } from '#core';
import { writeFailure } from '../write-failure.ts';
import { checkSha256 } from './check-sha256.ts';
import { lockPart } from './lock-part.ts';
import { DownloadFault, receivePart, removePart, sizeOf } from './receive-part.ts';

export interface DownloadOptions {
  /** Longest time for the whole download; 10 minutes unless told. */
  readonly timeoutMs?: number | undefined;
  /** Longest time in which nothing comes; 1 minute unless told. */
  readonly idleTimeoutMs?: number | undefined;
  /** Largest accepted size; 20 GB unless told. */
  readonly maxBytes?: number | undefined;
  /** SHA-256 that the file must have, in hexadecimal; the first digits are enough. */
  readonly sha256?: string | undefined;
  /** More tries after ones that brought nothing new, where the fault may pass; 2 unless told. */
  readonly retries?: number | undefined;
  /** Pause before the first of them, doubled for each further one; half a second unless told. */
  readonly retryDelayMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DownloadedFile {
  /** In hexadecimal. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
}

/**
 * Downloads an http(s) address into a file, which is whole or absent.
 *
 * What came before a fault is kept beside it, as `path.part`: the next try or call goes on from there when the server
 * says that its file is the same.
 *
 * @param where the caller, for errors
 * @param path in a folder that exists; a file that is there is replaced in the end
 * @throws DataError when the server cannot be reached, answers with an error, is too slow or sends too much, when the
 *   connection breaks, or the file has another checksum
 * @throws RuntimeFailure when the file cannot be written
 * @throws CancelledError when `signal` fires
 */
export async function downloadFile(
  where: string,
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<DownloadedFile> {
  const { timeoutMs = 600_000, signal } = options;
  const limit = timeoutMs <= longestTimerMs ? AbortSignal.timeout(timeoutMs) : undefined;
  const stop = AbortSignal.any([signal, limit].filter((each) => each !== undefined));
  try {
    const part = lockPart(path);
    try {
      const sha256 = await receiveWhole(where, url, part.path, options, stop);
      const size = await sizeOf(part.path);
      await rename(part.path, path);
      await rm(`${part.path}.json`, { force: true });
      return { sha256, size };
    } finally {
      await part.release();
    }
  } catch (error) {
    if (signal?.aborted) throw new CancelledError(`${where}: was cancelled.`, { reason: 'signal' });
    if (limit?.aborted) {
      throw new DataError(
        `${where}: a download must end in ${timeoutMs / 1000} s, but ${url} did not. Raise timeoutMs or download it first.`,
        { file: url },
      );
    }
    if (error instanceof DownloadFault) throw describeFault(where, url, error, options);
    throw writeFailure(where, path, error);
  }
}

const longestTimerMs = 2 ** 31 - 1;

/**
 * Fills `part` and compares its checksum. A beginning that was kept may turn out to be another file's: then all of it
 * is asked for once more.
 */
async function receiveWhole(
  where: string,
  url: string,
  part: string,
  options: DownloadOptions,
  stop: AbortSignal,
): Promise<string> {
  for (let isSecond = false; ; isSecond = true) {
    const isJoined = await receiveWithRetries(url, part, options, stop);
    try {
      return await checkSha256(where, part, options.sha256, url);
    } catch (error) {
      if (error instanceof TrainyardError) await removePart(part);
      if (!isJoined || isSecond) throw error;
    }
  }
}

/** @returns whether the file was joined from several tries */
async function receiveWithRetries(
  url: string,
  part: string,
  options: DownloadOptions,
  stop: AbortSignal,
): Promise<boolean> {
  const { idleTimeoutMs = 60_000, maxBytes = 20e9, retries = 2, retryDelayMs = 500 } = options;
  let most = await sizeOf(part);
  for (let vain = 0; ; ) {
    stop.throwIfAborted();
    try {
      return await receivePart(url, part, { idleTimeoutMs, maxBytes, signal: stop });
    } catch (error) {
      if (error instanceof DownloadFault && error.kind === 'tooLarge') await removePart(part);
      if (!(error instanceof DownloadFault && error.isPassing)) throw error;
      const size = await sizeOf(part);
      vain = size > most ? 1 : vain + 1;
      most = Math.max(most, size);
      if (vain > retries) throw error;
      await pause(retryDelayMs * 2 ** (vain - 1), stop);
    }
  }
}

/** Ends early, without an error, when `signal` fires. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

function describeFault(
  where: string,
  url: string,
  fault: DownloadFault,
  options: DownloadOptions,
): DataError {
  const sentences: Readonly<Record<DownloadFault['kind'], string>> = {
    unreachable: `the address must be reachable and send the whole file, but ${url} did not: ${fault.message}. Check the address and the network, and call again to go on.`,
    refused: `the address must answer with the file, but ${url} did not: ${fault.message}. Check the address.`,
    tooLarge: `a download may have ${options.maxBytes ?? 20e9} bytes, but ${url} has more. Raise maxBytes or download it first.`,
  };
  return new DataError(`${where}: ${sentences[fault.kind]}`, { file: url }, { cause: fault });
}
