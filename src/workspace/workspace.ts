import { join } from 'node:path';
import { DataError } from '#core';
import { openStore, type Store } from '#tracking';
import { ComputeTargets } from './compute-targets.ts';
import { DataCache } from './data-cache.ts';
import { DatasetLookup } from './dataset-lookup.ts';
import { Experiment } from './experiment.ts';
import type { Lookup } from './lookup.ts';
import { Model } from './model.ts';
import { createConfig, findConfig } from './workspace-config.ts';

export interface OpenWorkspaceOptions {
  /** Folder of the workspace, or one below it; default the working folder. */
  readonly path?: string;
  /** `postgres://` address of its database; default the environment variable `TRAINYARD_DATABASE_URL`, else SQLite. */
  readonly databaseUrl?: string;
}

/**
 * Experiments, runs, datasets, models and compute targets that belong together, as Azure ML's class of that name: a
 * folder `.trainyard` in your project. Several processes may have it open at once.
 *
 * @example
 * const workspace = await Workspace.open();
 * if (await workspace.datasets.has('bank')) console.log((await workspace.datasets.get('bank')).version);
 * await workspace.close();
 */
export class Workspace {
  readonly name: string;
  /** The `.trainyard` folder. */
  readonly root: string;
  /** Address of its database as it was given, for processes that open the workspace too. */
  readonly databaseUrl: string | undefined;
  readonly store: Store;
  readonly datasets: DatasetLookup;
  readonly models: Lookup<Model>;
  readonly experiments: Lookup<Experiment>;
  readonly computeTargets: ComputeTargets;
  /** Copies of the datasets' files at addresses. */
  readonly dataCache: DataCache;

  private constructor(name: string, root: string, store: Store, databaseUrl?: string) {
    this.name = name;
    this.root = root;
    this.store = store;
    this.databaseUrl = databaseUrl;
    this.dataCache = new DataCache(join(root, 'datasets'));
    this.datasets = new DatasetLookup(this);
    this.models = modelLookup(this);
    this.experiments = experimentLookup(this);
    this.computeTargets = new ComputeTargets(join(root, 'compute'));
  }

  /**
   * Makes a workspace in a folder, which `trainyard init` does too.
   *
   * @param options.name default the folder's name
   * @throws ConfigError when there is one already
   */
  static async create(options: OpenWorkspaceOptions & { name?: string } = {}): Promise<Workspace> {
    const { root, name } = await createConfig(options.path ?? '.', options.name);
    return new Workspace(name, root, await open(root, options), options.databaseUrl);
  }

  /**
   * Opens the nearest workspace at or above a folder, as Azure ML's `from_config`.
   *
   * @throws ConfigError when there is none
   */
  static async open(options: OpenWorkspaceOptions = {}): Promise<Workspace> {
    const { root, name } = await findConfig(options.path ?? '.');
    return new Workspace(name, root, await open(root, options), options.databaseUrl);
  }

  /** Writes what is waiting, ends the workers of its compute targets, releases files and connections. */
  async close(): Promise<void> {
    await this.computeTargets.close();
    await this.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function open(root: string, { databaseUrl }: OpenWorkspaceOptions): Promise<Store> {
  return openStore({ root, ...(databaseUrl === undefined ? {} : { url: databaseUrl }) });
}

function modelLookup(workspace: Workspace): Lookup<Model> {
  const { store } = workspace;
  return {
    has: async (name) => (await store.findModel(name)) !== undefined,
    get: (name) => Model.get(workspace, name),
    keys: async () => (await Model.list(workspace)).map((model) => model.name),
    [Symbol.asyncIterator]: async function* () {
      yield* await Model.list(workspace);
    },
  };
}

function experimentLookup(workspace: Workspace): Lookup<Experiment> {
  const { store } = workspace;
  const keys = async () => {
    const names: string[] = [];
    for await (const { name } of Experiment.list(store)) names.push(name);
    return names.sort();
  };
  return {
    has: async (name) => (await store.findExperiment(name)) !== undefined,
    get: async (name) => {
      if ((await store.findExperiment(name)) !== undefined) return new Experiment(workspace, name);
      const names = (await keys()).map((key) => JSON.stringify(key)).join(', ');
      throw new DataError(
        `experiments.get: the experiment must exist, but got ${JSON.stringify(name)}. There are: ${names || 'none'}.`,
        { name },
      );
    },
    keys,
    [Symbol.asyncIterator]: async function* () {
      for (const name of await keys()) yield new Experiment(workspace, name);
    },
  };
}
