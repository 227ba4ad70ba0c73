import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '#core';

const IMPORT =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|\bnew\s+URL\s*\(\s*)(['"])(\.{1,2}\/[^'"\n]+)\1/g;
const endings = ['', '.ts', '.js', '.mjs', '.mts', '.json', '/index.ts', '/index.js'];

/**
 * Digests of a script, of everything it imports relatively, and of other files that count as its source, by path.
 *
 * @throws ConfigError when a file is not there
 */
export async function digestSource(
  script: string,
  others: readonly string[],
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  const waiting = [script, ...others];
  while (waiting.length > 0) {
    const file = waiting.pop()!;
    if (digests[file] !== undefined) continue;
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new ConfigError(
        `pipeline: source files must be there, but ${file} is not. Check the script and what it imports.`,
        { file, cause: String(error) },
      );
    });
    digests[file] = createHash('sha256').update(text).digest('hex');
    for (const [, , specifier] of text.matchAll(IMPORT)) {
      const found = locate(resolve(dirname(file), specifier));
      if (found !== undefined) waiting.push(found);
    }
  }
  return digests;
}

function locate(path: string): string | undefined {
  const candidates = endings.map((ending) => path + ending);
  // `./x.js` stands for `x.ts` where that is what there is.
  if (/\.m?js$/.test(path)) candidates.push(path.replace(/js$/, 'ts'));
  return candidates.find((candidate) => existsSync(candidate) && !candidate.endsWith('/'));
}
