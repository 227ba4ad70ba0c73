import { ConfigError } from '#core';
import type { Dataset } from './dataset.ts';

/** How a worker thread opens a data set: a function exported by a module, called with plain settings. */
export interface DatasetDescription {
  /** Address of a module that Node can load, such as `import.meta.url`. */
  readonly module: string;
  /** Name of the exported function that returns the data set, or a promise of it. */
  readonly create: string;
  /** Handed to the function; must be something that `structuredClone` copies. */
  readonly settings: unknown;
}

/**
 * Opens a data set by its description, so that workers of a `DataLoader` can open it too.
 *
 * @throws ConfigError when the module or its function cannot be called
 * @example
 * const settings = { folder: 'scans' };
 * const scans = await openDataset({ module: new URL('./scans.js', import.meta.url).href, create: 'openScans', settings });
 * const loader = new DataLoader(scans, { batchSize: 16, workers: 2 });
 */
export async function openDataset(description: DatasetDescription): Promise<Dataset> {
  const { module, create, settings } = description;
  const exports = (await import(module).catch((error: unknown) => {
    throw new ConfigError(
      `openDataset: the module must load, but "${module}" does not: ${(error as Error).message}. Pass the address of a JavaScript file.`,
      { module },
    );
  })) as Record<string, unknown>;
  const open = exports[create];
  if (typeof open !== 'function') {
    throw new ConfigError(
      `openDataset: create must name an exported function, but "${module}" exports ${Object.keys(exports).join(', ') || 'nothing'} and no "${create}". Export it.`,
      { module, create },
    );
  }
  const dataset = await (open as (settings: unknown) => Dataset | Promise<Dataset>)(settings);
  if (dataset.worker !== undefined) return dataset;
  return {
    length: dataset.length,
    get: (index) => dataset.get(index),
    ...(dataset.getBatch === undefined ? {} : { getBatch: (indices) => dataset.getBatch!(indices) }),
    worker: description,
  };
}
