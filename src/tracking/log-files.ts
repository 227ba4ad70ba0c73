import { appendFile, mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Logs of runs, one file each. */
export class LogFiles {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async append(runId: string, text: string): Promise<number> {
    await mkdir(this.folder, { recursive: true });
    await appendFile(join(this.folder, `${runId}.log`), text);
    return (await stat(join(this.folder, `${runId}.log`))).size;
  }

  async read(
    runId: string,
    { offset, maxBytes }: { offset: number; maxBytes: number },
  ): Promise<{ text: string; next: number }> {
    const file = await open(join(this.folder, `${runId}.log`)).catch(() => undefined);
    if (file === undefined) return { text: '', next: offset };
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, offset);
      return { text: buffer.toString('utf8', 0, bytesRead), next: offset + bytesRead };
    } finally {
      await file.close();
    }
  }

  async remove(runId: string): Promise<void> {
    await rm(join(this.folder, `${runId}.log`), { force: true });
  }
}
