import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { timestamp } from '#core';
import type { ArtifactRecord } from './records.ts';

/** Files of runs and models under one folder. */
export class ArtifactFiles {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async put(
    key: string,
    path: string,
    content: Readable | Uint8Array,
    _expected?: { sha256?: string; size?: number },
  ): Promise<ArtifactRecord> {
    const file = join(this.folder, key, path);
    await mkdir(dirname(file), { recursive: true });
    const parts: Buffer[] = [];
    for await (const part of content instanceof Uint8Array ? Readable.from([content]) : content)
      parts.push(Buffer.from(part));
    const bytes = Buffer.concat(parts);
    await writeFile(`${file}.part`, bytes);
    await rename(`${file}.part`, file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { path, size: bytes.length, sha256, createdAt: timestamp() };
  }

  async open(key: string, path: string, range?: { start?: number; end?: number }): Promise<Readable> {
    return createReadStream(join(this.folder, key, path), range);
  }

  async remove(key: string, path?: string): Promise<void> {
    await rm(join(this.folder, key, path ?? ''), { recursive: true, force: true });
  }
}
