import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkSha256, downloadFile } from '#data';

export interface FetchWeightsOptions {
  /**
   * SHA-256 the file must have, in hexadecimal; the first digits are enough. By default the ones in the address's
   * name, where it ends as in `resnet18-f37072fd.pth`.
   */
  readonly sha256?: string | undefined;
  /** Folder of downloaded files; `TRAINYARD_CACHE`, or `~/.cache/trainyard`, by default. */
  readonly cacheFolder?: string | undefined;
  /** More tries after ones that brought nothing new, where the fault may pass; 2 by default. */
  readonly retries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is known of a file in the cache. */
interface CacheNote {
  readonly url: string;
  readonly sha256: string;
  readonly size: number;
}

const where = 'loadPretrained';

/**
 * The path of a file of weights: a local one as it is, one at an http(s) address from the cache, to which it is
 * downloaded first. A download that broke off goes on where it was, when the server allows and its file is the same.
 *
 * @throws DataError when it cannot be downloaded, breaks off, or has another checksum
 * @throws CancelledError when `signal` fires; what came until then is kept
 */
export async function fetchWeights(fileOrUrl: string, options: FetchWeightsOptions = {}): Promise<string> {
  const { sha256 = checksumInName(fileOrUrl), retries, signal } = options;
  if (!/^https?:\/\//i.test(fileOrUrl)) {
    const path = fileOrUrl.startsWith('file:') ? fileURLToPath(fileOrUrl) : fileOrUrl;
    if (options.sha256 !== undefined) await checkSha256(where, path, options.sha256);
    return path;
  }
  const root =
    options.cacheFolder ?? process.env['TRAINYARD_CACHE'] ?? join(homedir(), '.cache', 'trainyard');
  const folder = join(root, 'weights');
  await mkdir(folder, { recursive: true });
  const key = createHash('sha256').update(fileOrUrl).digest('hex').slice(0, 16);
  const path = join(folder, `${key}-${basename(new URL(fileOrUrl).pathname) || 'weights'}`);
  if (await isCached(path, sha256)) return path;
  // Slow is not wrong: what stands still is given up, what comes is waited for.
  const limits = { timeoutMs: Number.POSITIVE_INFINITY, sha256, retries, signal };
  const found = await downloadFile(where, fileOrUrl, path, limits);
  const note: CacheNote = { url: fileOrUrl, ...found };
  await writeFile(`${path}.json`, JSON.stringify(note));
  return path;
}

/** The first digits of the checksum, as torchvision and timm have them in names. */
function checksumInName(url: string): string | undefined {
  return /^https?:.*-([0-9a-f]{8,64})\.(?:pth|pt|safetensors|onnx)$/i.exec(url)?.[1];
}

async function isCached(path: string, sha256 = ''): Promise<boolean> {
  try {
    const note = JSON.parse(await readFile(`${path}.json`, 'utf8')) as CacheNote;
    return note.size === (await stat(path)).size && note.sha256.startsWith(sha256.toLowerCase());
  } catch {
    // Not there, or torn.
    return false;
  }
}
