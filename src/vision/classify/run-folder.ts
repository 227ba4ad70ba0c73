import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type FileLock, isLock, lockFile, RuntimeFailure } from '#core';
import { writeFailure } from '#data';
import { writeFileAtomically } from '#train';
import type { ClassifySettings } from './classify-settings.ts';

/** What a run was begun with. */
export interface RunDescription {
  readonly settings: ClassifySettings;
  readonly classes: readonly string[];
  /** Fingerprint of the pictures' paths, classes, groups and folds. */
  readonly data: string;
}

const DESCRIPTION = 'run.json';

/**
 * A folder that one training works in, held by a lock file while it does: `run.json`, `checkpoints/`, `cache/`,
 * `model.onnx`, `weights.safetensors`, `report.html`, `result.json`.
 */
export class RunFolder {
  readonly path: string;
  private readonly lock: FileLock;

  private constructor(path: string) {
    this.path = path;
    this.lock = takeLock(path);
  }

  /**
   * Makes or takes the folder.
   * @throws ConfigError when another process works in it, or it holds a run and `resume` is not set
   */
  static async open(path: string, { resume }: { readonly resume: boolean }): Promise<RunFolder> {
    await mkdir(path, { recursive: true }).catch((error: unknown) => {
      throw writeFailure('classify', path, error);
    });
    const run = new RunFolder(path);
    const held = await readJson<RunDescription>(run.file(DESCRIPTION));
    if (held !== undefined && !resume) {
      run.close();
      throw new ConfigError(
        `classify: the run folder must be new, but "${path}" holds a run. Go on with it (resume), or name another folder.`,
        { path },
      );
    }
    return run;
  }

  file(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  /**
   * Writes down what the run is begun with, or compares it with what is there.
   * @throws ConfigError when a resumed run has other settings, classes or pictures
   */
  async begin(description: RunDescription): Promise<void> {
    const held = await readJson<RunDescription>(this.file(DESCRIPTION));
    if (held === undefined) {
      await this.writeText(DESCRIPTION, `${JSON.stringify(description, null, 2)}\n`);
      return;
    }
    const differing = Object.keys({ ...held.settings, ...description.settings }).filter((name) => {
      const [a, b] = [held, description].map(({ settings }) => settings[name as keyof ClassifySettings]);
      return JSON.stringify(a) !== JSON.stringify(b);
    });
    if (String(held.classes) !== String(description.classes)) differing.push('classes');
    if (held.data !== description.data) differing.push('data');
    if (differing.length === 0) return;
    throw new ConfigError(
      `classify: a run must go on with what it was begun with, but ${differing.join(', ')} changed in "${this.path}". Give the same as before, or name another folder.`,
      { differing },
    );
  }

  async writeText(name: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await writeFileAtomically('classify', this.file(name), [bytes], bytes.length);
  }

  close(): void {
    this.lock.release();
  }
}

function takeLock(path: string): FileLock {
  const lock = tryLock(join(path, 'lock.json'));
  if (isLock(lock)) return lock;
  throw new ConfigError(
    `classify: one process at a time may work in a run folder, but process ${lock.pid} of ${lock.host} works in "${path}". Wait for it, or name another folder.`,
    { ...lock },
  );
}

function tryLock(path: string): ReturnType<typeof lockFile> {
  try {
    return lockFile(path);
  } catch (error) {
    throw error instanceof RuntimeFailure ? error : writeFailure('classify', path, error);
  }
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
