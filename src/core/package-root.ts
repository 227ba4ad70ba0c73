import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RuntimeFailure } from './errors.ts';

function findPackageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) {
      throw new RuntimeFailure(
        `Trainyard: its files must lie in its package, but no package.json is above ${start}. ` +
          'Keep trainyard external when bundling.',
      );
    }
  }
}

/** The installed package's folder. */
export const packageRoot = findPackageRoot();

/** A built file below `dist/`: WebAssembly modules and worker entry points are loaded from there. */
export function distFile(...parts: string[]): string {
  return join(packageRoot, 'dist', ...parts);
}

/** Version of Trainyard, as in `package.json`. */
export const version: string = (
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
).version;
