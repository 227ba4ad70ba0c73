import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** What the autotuner found out, by a key of op, shapes, device and threads. */
export interface TuningCache {
  get(key: string): string | undefined;
  set(key: string, lowering: string): void;
  /** Writes what is new. */
  save(): void;
}

/** Rises when lowerings change so much that old choices mean nothing. */
const VERSION = 2;

/** Where choices are kept: `TRAINYARD_CACHE`, or `.cache/trainyard` in the user's folder. */
function cacheFile(): string {
  const folder = process.env['TRAINYARD_CACHE'] ?? join(homedir(), '.cache', 'trainyard');
  const model = (cpus()[0]?.model ?? 'unknown').replace(/[^\w]+/g, '-');
  return join(folder, `lowerings-${VERSION}-${model}.json`);
}

/** Choices on disk. A cache that cannot be read or written costs time and nothing else. */
class FileCache implements TuningCache {
  private readonly file: string;
  private readonly choices: Map<string, string>;
  private isChanged = false;

  constructor(file: string) {
    this.file = file;
    this.choices = read(file);
  }

  get(key: string): string | undefined {
    return this.choices.get(key);
  }

  set(key: string, lowering: string): void {
    this.choices.set(key, lowering);
    this.isChanged = true;
  }

  save(): void {
    if (!this.isChanged) return;
    this.isChanged = false;
    // Another process may have added to the file meanwhile.
    const all = Object.fromEntries([...read(this.file), ...this.choices]);
    const part = `${this.file}.${process.pid}.tmp`;
    try {
      mkdirSync(dirname(this.file), { recursive: true });
      writeFileSync(part, JSON.stringify(all, null, 1));
      renameSync(part, this.file);
    } catch {
      // A read-only home: the choices live as long as the process.
    }
  }
}

function read(file: string): Map<string, string> {
  try {
    const entries = Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return new Map();
  }
}

let shared: FileCache | undefined;

/** The cache of this process, read once. */
export function sharedTuningCache(): TuningCache {
  shared ??= new FileCache(cacheFile());
  return shared;
}
