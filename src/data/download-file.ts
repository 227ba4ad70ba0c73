import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CancelledError, DataError } from '#core';

export interface DownloadOptions {
  /** Longest time for the whole download; 10 minutes unless told. */
  readonly timeoutMs?: number | undefined;
  /** Largest accepted size; 20 GB unless told. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams an http(s) address into a new file.
 *
 * @throws DataError when the server cannot be reached, answers with an error, is too slow or sends too much, or
 *   when the connection breaks
 */
export async function downloadFile(
  where: string,
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<void> {
  const { timeoutMs = 600_000, maxBytes = 20e9, signal } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const response = await fetch(url, { signal: stop, redirect: 'follow' });
    if (!response.ok || response.body === null) {
      throw new DataError(
        `${where}: the address must answer with the file, but got ${response.status} ${response.statusText} from ${url}. ` +
          'Check the address.',
        { file: url, status: response.status },
      );
    }
    let received = 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        received += chunk.length;
        done(received > maxBytes ? tooLarge(where, url, maxBytes) : null, chunk);
      },
    });
    if (Number(response.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(where, url, maxBytes);
    await pipeline(Readable.fromWeb(response.body), count, createWriteStream(path), { signal: stop });
  } catch (error) {
    if (error instanceof DataError) throw error;
    if (signal?.aborted) throw new CancelledError(`${where}: was cancelled.`, { reason: 'signal' });
    if (timeout.aborted) {
      throw new DataError(
        `${where}: a download must end in ${timeoutMs / 1000} s, but ${url} did not. Raise timeoutMs or download it first.`,
        { file: url },
      );
    }
    const cause = (error as Error).cause;
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : (error as Error).message;
    throw new DataError(
      `${where}: the address must be reachable, but ${url} failed: ${reason}. Check the address and the network.`,
      { file: url },
      { cause: error },
    );
  }
}

function tooLarge(where: string, url: string, maxBytes: number): DataError {
  return new DataError(
    `${where}: a download may have ${maxBytes} bytes, but ${url} has more. Raise maxBytes or download it first.`,
    { file: url },
  );
}
