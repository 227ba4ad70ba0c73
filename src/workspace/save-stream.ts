import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RuntimeFailure, TrainyardError } from '#core';

/**
 * Streams content into a file, which is whole or absent; folders are made.
 *
 * @param sha256 what the content must have, hexadecimal
 * @throws RuntimeFailure when the content is damaged, breaks off, or cannot be written
 */
export async function saveStream(content: Readable, file: string, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  const temporary = join(dirname(file), `.${basename(file).slice(0, 100)}.${randomUUID()}.part`);
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await mkdir(dirname(file), { recursive: true });
    await pipeline(content, count, createWriteStream(temporary, { flags: 'wx' }));
    const found = hash.digest('hex');
    if (found !== sha256) {
      throw new RuntimeFailure(
        `download: ${file} must have sha256 ${sha256}, but got ${found}. The stored file is damaged: make it again.`,
        { file, sha256: found },
      );
    }
    await rename(temporary, file);
  } catch (error) {
    content.destroy();
    await rm(temporary, { force: true });
    if (error instanceof TrainyardError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RuntimeFailure(
      `download: ${file} must be writable, but got: ${code === 'ENOSPC' ? 'the disk is full' : message}. Choose another folder.`,
      { file, cause: code },
      { cause: error },
    );
  }
}
