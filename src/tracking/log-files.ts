import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, RuntimeFailure } from '#core';
import { safeRelativePath } from './safe-path.ts';

/** Longest character of UTF-8 in bytes. */
const CHARACTER_BYTES = 4;
const DEFAULT_READ_BYTES = 65_536;
const MAX_READ_BYTES = 16 * 1024 * 1024;

/** Logs of runs, one UTF-8 file each, which only grow. Several processes may append at once. */
export class LogFiles {
  private readonly folder: string;

  /** @param folder made at the first write */
  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Adds to the end in one piece: what two processes write is not mixed.
   *
   * @returns where the log ends after it, in bytes
   * @throws RuntimeFailure when it cannot be written
   */
  async append(runId: string, text: string): Promise<number> {
    const path = this.pathOf(runId);
    try {
      await mkdir(this.folder, { recursive: true });
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
      const handle = await open(path, flags, 0o644);
      try {
        if (text !== '') await handle.appendFile(text);
        return (await handle.stat()).size;
      } finally {
        await handle.close();
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const found = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : message;
      throw new RuntimeFailure(
        `log of run ${runId}: must be writable, but got: ${found}. Free space or check the workspace's folder.`,
        { runId, cause: code },
        { cause: error },
      );
    }
  }

  /**
   * Text from byte `offset`, and where to go on. A character is never cut: one that begins before `offset` is passed
   * over, one that goes beyond `maxBytes` is left for the next call. A run without a log has an empty one.
   *
   * @param options.offset bytes, from 0; default 0
   * @param options.maxBytes 1 to 16,777,216; default 65,536. Fewer than 4 read as 4
   * @throws ConfigError for other numbers
   */
  async read(
    runId: string,
    { offset = 0, maxBytes = DEFAULT_READ_BYTES }: { offset?: number; maxBytes?: number } = {},
  ): Promise<{ text: string; next: number }> {
    checkWhole(runId, 'offset', offset, 0, Number.MAX_SAFE_INTEGER);
    checkWhole(runId, 'maxBytes', maxBytes, 1, MAX_READ_BYTES);
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
    const handle = await open(this.pathOf(runId), flags).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new RuntimeFailure(
        `log of run ${runId}: must be readable, but got: ${error.message}. Check the workspace's folder.`,
        { runId, cause: error.code },
        { cause: error },
      );
    });
    if (handle === undefined) return { text: '', next: offset };
    try {
      const bytes = await readUpTo(handle, offset, Math.max(maxBytes, CHARACTER_BYTES));
      const from = firstStart(bytes);
      const to = wholeCharacters(bytes);
      if (to <= from) return { text: '', next: offset };
      return { text: bytes.toString('utf8', from, to), next: offset + to };
    } finally {
      await handle.close();
    }
  }

  /** What is not there is no error. */
  async remove(runId: string): Promise<void> {
    await rm(this.pathOf(runId), { force: true });
  }

  private pathOf(runId: string): string {
    if (safeRelativePath(runId).includes('/')) {
      throw new ConfigError(
        `run id: must be one name, but got ${JSON.stringify(runId)}. Use the id of a run.`,
        {
          runId,
        },
      );
    }
    return join(this.folder, `${runId}.log`);
  }
}

async function readUpTo(handle: FileHandle, offset: number, maxBytes: number): Promise<Buffer> {
  const { size } = await handle.stat();
  const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(maxBytes, size - offset)));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

/** Where the first character begins. */
function firstStart(bytes: Buffer): number {
  let i = 0;
  while (i < CHARACTER_BYTES - 1 && isContinuation(bytes[i])) i++;
  return i;
}

/** Bytes up to the end of the last whole character. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back < CHARACTER_BYTES && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function checkWhole(runId: string, field: string, value: number, lowest: number, highest: number): void {
  if (Number.isSafeInteger(value) && value >= lowest && value <= highest) return;
  throw new ConfigError(
    `log of run ${runId}: ${field} must be a whole number from ${lowest} to ${highest}, but got ${value}. Leave it out for the default.`,
    { runId, field },
  );
}
