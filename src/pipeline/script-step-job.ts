import { importModule, type JobContext } from '#compute';
import type { Json } from '#tracking';
import type { ScriptInput } from './script-step.ts';

/** What a script step's process is told. */
export interface ScriptJobInput extends ScriptInput {
  readonly script: string;
}

/**
 * Runs a script in the process of a step: sets `process.argv`, loads the module and calls its default export.
 */
export async function runScriptStep(input: Json, context: JobContext): Promise<Json> {
  const { script, ...given } = input as unknown as ScriptJobInput;
  process.argv = [process.execPath, script, ...given.arguments];
  const { default: main } = await importModule(script);
  if (typeof main !== 'function') return null;
  const result: unknown = await main(given, context);
  return result === undefined ? null : (JSON.parse(JSON.stringify(result)) as Json);
}
