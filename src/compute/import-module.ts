import { register } from 'node:module';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '#core';

let isRegistered = false;

/** Makes this process read TypeScript modules, which are Node's own work where it strips types. */
export function readTypeScript(): void {
  const { typescript } = process.features as { readonly typescript?: unknown };
  if (isRegistered || typescript) return;
  register('./typescript-hooks.js', import.meta.url);
  isRegistered = true;
}

/**
 * Loads a user's module, JavaScript or TypeScript.
 *
 * @param module absolute path or `file:` address
 * @throws ConfigError when it cannot be loaded, with the reason
 */
export async function importModule(module: string): Promise<Readonly<Record<string, unknown>>> {
  const url = isAbsolute(module) ? pathToFileURL(module).href : module;
  if (/\.m?ts$/.test(url)) readTypeScript();
  try {
    return await import(url);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      `job: the module must load, but ${module} answered: ${reason.replace(/\.$/, '')}. Check the path and what it imports.`,
      { module, stack: error instanceof Error ? error.stack : undefined },
    );
  }
}
