import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
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
