import { DataError } from '#core';
import type { DatasetRecord } from '#tracking';
import { allPages } from './all-pages.ts';
import type { Lookup } from './lookup.ts';
import { TabularDataset } from './tabular-dataset.ts';
import type { Workspace } from './workspace.ts';

/** Registered datasets by name, as the notebooks' `ws.datasets`. */
export class DatasetLookup implements Lookup<TabularDataset> {
  private readonly workspace: Workspace;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  async has(name: string): Promise<boolean> {
    return (await this.workspace.store.findDataset(name)) !== undefined;
  }

  /** The newest version unless one is named. */
  async get(name: string, version?: number): Promise<TabularDataset> {
    const { store } = this.workspace;
    const record = await store.findDataset(name, version);
    if (record !== undefined) return TabularDataset.fromRecord(this.workspace, record);
    const newest = version === undefined ? undefined : await store.findDataset(name);
    if (newest !== undefined) {
      throw new DataError(
        `datasets.get: ${JSON.stringify(name)} must have the version, but got ${version}. The newest is ${newest.version}.`,
        { name, version },
      );
    }
    const names = (await this.keys()).map((key) => JSON.stringify(key)).join(', ');
    throw new DataError(
      `datasets.get: the dataset must be registered, but got ${JSON.stringify(name)}. Registered are: ${names || 'none'}.`,
      { name },
    );
  }

  async keys(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { name } of this.records()) names.push(name);
    return names;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TabularDataset> {
    for await (const record of this.records()) yield TabularDataset.fromRecord(this.workspace, record);
  }

  private records(): AsyncGenerator<DatasetRecord> {
    return allPages((page) => this.workspace.store.listDatasets(page));
  }
}
