import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';

/** Why an address gave no whole file this time. */
export class DownloadFault extends Error {
  readonly kind: 'unreachable' | 'refused' | 'tooLarge';
  /** Another try may go better. */
  readonly isPassing: boolean;

  constructor(kind: DownloadFault['kind'], message: string, isPassing: boolean, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.isPassing = isPassing;
  }
}

export interface ReceiveOptions {
  readonly maxBytes: number;
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Statuses of servers that are busy or out of order for a while. */
const passingStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);
/** What networks do now and then, unlike a name that does not exist or a certificate that is wrong. */
const passingCodes = new Set([
  'EAI_AGAIN',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** Beginning of a file, and the server's mark of the content that it belongs to. */
interface Kept {
  readonly size: number;
  readonly validator: string;
}

/**
 * One try: appends to `part` what it lacks where the server still has the same content, else writes it anew.
 *
 * @returns whether what was there before was used
 * @throws DownloadFault when the whole file did not come; what came is kept
 * @throws the file system's error when `part` cannot be written
 */
export async function receivePart(url: string, part: string, options: ReceiveOptions): Promise<boolean> {
  const kept = await findKept(part);
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), options.idleTimeoutMs);
  try {
    const headers = {
      'accept-encoding': 'identity',
      ...(kept === undefined ? {} : { range: `bytes=${kept.size}-`, 'if-range': kept.validator }),
    };
    const signal = AbortSignal.any([options.signal, idle.signal]);
    const response = await fetch(url, { headers, signal, redirect: 'follow' });
    const isRest = response.status === 206 && kept !== undefined;
    if (kept !== undefined && (response.status === 416 || (isRest && !belongsTo(response, kept)))) {
      await response.body?.cancel();
      await removePart(part);
      // Nothing is kept now, so that this happens once.
      return await receivePart(url, part, options);
    }
    if (!response.ok || response.body === null || (response.status === 206 && !isRest)) {
      await response.body?.cancel();
      const found = `it answers ${response.status} ${response.statusText}`.trimEnd();
      throw new DownloadFault('refused', found, passingStatuses.has(response.status));
    }
    const before = isRest ? kept.size : 0;
    await writeBody(response, response.body, part, {
      before,
      maxBytes: options.maxBytes,
      alive: () => timer.refresh(),
    });
    return isRest;
  } catch (error) {
    if (error instanceof DownloadFault) throw error;
    if (idle.signal.aborted && !options.signal.aborted) {
      throw new DownloadFault(
        'unreachable',
        `it sent nothing for ${options.idleTimeoutMs / 1000} s`,
        true,
        error,
      );
    }
    throw networkFault(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Writes what arrives; when it breaks off all of that is kept. */
async function writeBody(
  response: Response,
  body: AsyncIterable<Uint8Array>,
  part: string,
  { before, maxBytes, alive }: { before: number; maxBytes: number; alive: () => void },
): Promise<void> {
  const isEncoded = response.headers.get('content-encoding') !== null;
  const length = response.headers.get('content-length');
  // The length of encoded content is not that of the file.
  const whole = isEncoded || length === null ? undefined : before + Number(length);
  if ((whole ?? 0) > maxBytes) throw new DownloadFault('tooLarge', `it has ${whole} bytes`, false);
  const validator = isEncoded ? null : validatorOf(response);
  if (validator === null) await rm(`${part}.json`, { force: true });
  else await writeFile(`${part}.json`, JSON.stringify({ validator }));
  let size = before;
  const handle = await open(part, before > 0 ? 'a' : 'w');
  try {
    for await (const chunk of body) {
      alive();
      size += chunk.length;
      if (size > maxBytes) throw new DownloadFault('tooLarge', 'it has more', false);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (whole !== undefined && size !== whole) {
    throw new DownloadFault('unreachable', `it sent ${size} of ${whole} bytes`, true);
  }
}

/** Whether the rest that came continues what was kept: servers may ignore `If-Range`. */
function belongsTo(response: Response, { size, validator }: Kept): boolean {
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  const found = validatorOf(response);
  return (start === undefined || Number(start) === size) && (found === null || found === validator);
}

/** Weak marks name no bytes, so that ranges of them cannot be joined (RFC 9110, section 13.1.5). */
function validatorOf(response: Response): string | null {
  const tag = response.headers.get('etag');
  return tag !== null && !tag.startsWith('W/') ? tag : response.headers.get('last-modified');
}

/** `fetch` throws a TypeError for all that goes wrong in the network, with the reason as its cause. */
function networkFault(error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const cause = error.cause instanceof Error ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const found = cause.message === '' ? code || error.message : cause.message;
  return new DownloadFault('unreachable', found, passingCodes.has(code), error);
}

/** `undefined` where nothing is kept, or nobody knows of which content. */
async function findKept(part: string): Promise<Kept | undefined> {
  const size = await sizeOf(part);
  if (size === 0) return undefined;
  try {
    const { validator } = JSON.parse(await readFile(`${part}.json`, 'utf8')) as Partial<Kept>;
    return typeof validator === 'string' ? { size, validator } : undefined;
  } catch {
    return undefined;
  }
}

export async function removePart(part: string): Promise<void> {
  for (const file of [part, `${part}.json`]) await rm(file, { force: true });
}

/** In bytes; 0 for a file that is not there. */
export function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
