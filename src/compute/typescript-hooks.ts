import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from 'sucrase';

interface ResolveContext {
  readonly parentURL?: string;
}
type Resolve = (specifier: string, context: ResolveContext) => Promise<{ url: string; format?: string }>;
interface Loaded {
  readonly format: string;
  readonly source: string;
  readonly shortCircuit: boolean;
}
type Load = (url: string, context: object) => Promise<Loaded>;

const isTypeScript = (url: string): boolean => /^file:.*\.m?ts$/.test(url.split('?')[0]);

/**
 * Loader hook of Node: `./x.js` also finds `x.ts`, as the TypeScript compiler has it.
 * @source https://nodejs.org/docs/latest-v20.x/api/module.html#hooks
 */
export async function resolve(
  specifier: string,
  context: ResolveContext,
  nextResolve: Resolve,
): Promise<object> {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if (!/^\.{1,2}\/.*\.m?js$/.test(specifier) || context.parentURL === undefined) throw error;
    const source = new URL(specifier.replace(/js$/, 'ts'), context.parentURL);
    if (!existsSync(source)) throw error;
    return nextResolve(source.href, context);
  }
}

/** Loader hook of Node: types are taken out of TypeScript modules. */
export async function load(url: string, context: object, nextLoad: Load): Promise<Loaded> {
  if (!isTypeScript(url)) return nextLoad(url, context);
  const filePath = fileURLToPath(url);
  const { code } = transform(await readFile(filePath, 'utf8'), {
    transforms: ['typescript'],
    disableESTransforms: true,
    filePath,
  });
  return { format: 'module', source: code, shortCircuit: true };
}
