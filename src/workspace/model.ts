import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DataError } from '#core';
import type { ModelRecord, PromotionRecord, Store, Tags } from '#tracking';
import { allPages } from './all-pages.ts';
import { saveStream } from './save-stream.ts';
import type { Workspace } from './workspace.ts';

export interface RegisterModelOptions {
  readonly workspace: Workspace;
  /** The file, usually ONNX; it is copied. */
  readonly path: string;
  /** Any text; registering again gives the next version. */
  readonly name: string;
  readonly description?: string;
  readonly tags?: Tags;
  /** The run that made it. */
  readonly runId?: string;
  /** What it scored, shown with it. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** A version of a registered model, as Azure ML's class of that name, with aliases as MLflow's. */
export class Model {
  readonly record: ModelRecord;
  private readonly store: Store;

  private constructor(store: Store, record: ModelRecord) {
    this.store = store;
    this.record = record;
  }

  /** Copies a file into the workspace as the next version of its name. @throws DataError when it is not there */
  static async register({ workspace, path, ...options }: RegisterModelOptions): Promise<Model> {
    const facts = await stat(path).catch(() => undefined);
    if (!facts?.isFile()) {
      throw new DataError(
        `Model.register: path must be a file, but got ${JSON.stringify(path)}. Check the path.`,
        {
          file: path,
        },
      );
    }
    const { store } = workspace;
    return new Model(store, await store.registerModel(options, createReadStream(path)));
  }

  /**
   * A registered model.
   *
   * @param version number, alias, or the newest without it
   * @throws DataError that says what there is
   */
  static async get(workspace: Workspace, name: string, version?: number | string): Promise<Model> {
    const { store } = workspace;
    const record = await store.findModel(name, version);
    if (record !== undefined) return new Model(store, record);
    const versions = await Model.list(workspace, name).catch(() => []);
    if (versions.length > 0) {
      const known = versions.map((model) => [model.version, ...model.record.aliases].join(' = ')).join(', ');
      throw new DataError(
        `Model.get: ${JSON.stringify(name)} must have the version, but got ${JSON.stringify(version)}. There are: ${known}.`,
        { name, version },
      );
    }
    const names = (await Model.list(workspace)).map((model) => JSON.stringify(model.name));
    throw new DataError(
      `Model.get: the model must be registered, but got ${JSON.stringify(name)}. Registered are: ${names.join(', ') || 'none'}.`,
      { name },
    );
  }

  /** The newest version of every model, or all versions of one, newest first. */
  static async list({ store }: Workspace, name?: string): Promise<readonly Model[]> {
    const models: Model[] = [];
    const list =
      name === undefined
        ? store.listModels.bind(store)
        : (page: object) => store.listModelVersions(name, page);
    for await (const record of allPages<ModelRecord>(list)) models.push(new Model(store, record));
    return models;
  }

  get name(): string {
    return this.record.name;
  }

  get version(): number {
    return this.record.version;
  }

  /** Points an alias, such as `champion`, at this version; it leaves the one it pointed at. */
  setAlias(alias: string, note: { by?: string; reason?: string } = {}): Promise<void> {
    return this.store.setModelAlias(this.name, alias, this.version, note);
  }

  /** Takes an alias of this model's name away. */
  removeAlias(alias: string, note: { by?: string; reason?: string } = {}): Promise<void> {
    return this.store.setModelAlias(this.name, alias, null, note);
  }

  /** The log of the aliases of this model's name, newest first. */
  async promotions(): Promise<readonly PromotionRecord[]> {
    const log: PromotionRecord[] = [];
    for await (const line of allPages<PromotionRecord>((page) =>
      this.store.listPromotions(this.name, page),
    )) {
      log.push(line);
    }
    return log;
  }

  /** The file as a stream. */
  async open(): Promise<Readable> {
    return (await this.store.openModel(this.name, this.version)).content;
  }

  /**
   * Writes the file into a folder and compares its checksum.
   *
   * @param fileName default: the model's name, as far as a file may have it, and `.onnx`
   * @returns the file
   */
  async download(folder: string, { fileName = fileNameOf(this.name) } = {}): Promise<string> {
    const file = join(folder, fileName);
    await saveStream(await this.open(), file, this.record.sha256);
    return file;
  }

  /** Removes this version. @throws ConfigError while an alias points at it */
  delete(): Promise<void> {
    return this.store.deleteModel(this.name, this.version);
  }
}

function fileNameOf(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}._ -]/gu, '_').replace(/^[. ]+|[. ]+$/g, '');
  return `${[...safe].slice(0, 50).join('') || 'model'}.onnx`;
}
