import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, DataError } from '#core';
import {
  type ColumnKind,
  type ColumnSummary,
  describeTable,
  fingerprintTable,
  type ReadOptions,
  readTable,
  type Table,
  type TableSource,
} from '#data';
import type { DatasetRecord, Json, Tags } from '#tracking';
import type { Workspace } from './workspace.ts';

/** How files are read; what a dataset remembers of it is plain data. */
export type TabularOptions = Omit<ReadOptions, 'signal' | 'skipRows' | 'maxRows'>;

export interface RegisterDatasetOptions {
  readonly workspace: Workspace;
  /** Any text; the same content again is the version that exists, another content is the next version. */
  readonly name: string;
  readonly description?: string;
  readonly tags?: Tags;
}

/** Where the rows come from and which of them. */
interface Plan {
  /** Paths and addresses as the user named them. */
  readonly sources: readonly string[];
  /** Where they are read: copies in the workspace in place of addresses. */
  readonly files: readonly string[];
  readonly options: TabularOptions;
  readonly skip: number;
  readonly take: number | undefined;
}

/**
 * A table that is read when it is needed, as Azure ML's class of that name: `skip`, `take` and `keepColumns` give
 * another dataset and read nothing.
 */
export class TabularDataset {
  /** What is registered; absent for a dataset that is not, or a part of one. */
  readonly record: DatasetRecord | undefined;
  private readonly plan: Plan;

  private constructor(plan: Plan, record?: DatasetRecord) {
    this.plan = plan;
    this.record = record;
  }

  static fromSource(source: TableSource, options: TabularOptions): TabularDataset {
    const parts = typeof source === 'string' || source instanceof URL ? [source] : source;
    const sources = parts.map((part) => locate(part));
    return new TabularDataset({ sources, files: sources, options, skip: 0, take: undefined });
  }

  /** A registered version. @throws DataError when this Trainyard does not know its type */
  static fromRecord(workspace: Workspace, record: DatasetRecord): TabularDataset {
    const { source } = record;
    if (source['type'] !== 'tabular') {
      throw new DataError(
        `dataset ${JSON.stringify(record.name)}: its type must be tabular, but got ${JSON.stringify(source['type'])}. Update Trainyard.`,
        { name: record.name },
      );
    }
    const stored = source as unknown as {
      sources: string[];
      copies: (string | null)[];
      options: TabularOptions;
      skip: number;
      take: number | null;
      columns: Record<string, ColumnKind>;
    };
    const files = stored.sources.map((path, i) => {
      const copy = stored.copies[i];
      return typeof copy === 'string' ? workspace.dataCache.pathOf(copy) : path;
    });
    // Kinds found from all rows, so that a part has them too.
    const types = { ...stored.columns, ...stored.options.types };
    const { sources, skip, take } = stored;
    return new TabularDataset(
      { sources, files, options: { ...stored.options, types }, skip, take: take ?? undefined },
      record,
    );
  }

  /** The dataset as plain data, for another process; a registered one by name and version. */
  toJSON(): Json {
    const { sources, options, skip, take } = this.plan;
    if (this.record !== undefined) return { name: this.record.name, version: this.record.version };
    return { sources, options: JSON.parse(JSON.stringify(options)), skip, take: take ?? null };
  }

  /** `toJSON` undone. @throws DataError when it was registered and is not any more */
  static async fromJSON(workspace: Workspace, json: Json): Promise<TabularDataset> {
    const stored = json as unknown as
      | { readonly name: string; readonly version: number }
      | { sources: string[]; options: TabularOptions; skip: number; take: number | null };
    if ('name' in stored) return workspace.datasets.get(stored.name, stored.version);
    const { sources, options, skip, take } = stored;
    return new TabularDataset({ sources, files: sources, options, skip, take: take ?? undefined });
  }

  get name(): string | undefined {
    return this.record?.name;
  }

  get version(): number | undefined {
    return this.record?.version;
  }

  get description(): string | undefined {
    return this.record?.description;
  }

  get tags(): Tags | undefined {
    return this.record?.tags;
  }

  /** Paths of its files: copies in the workspace in place of addresses. */
  get files(): readonly string[] {
    return this.plan.files;
  }

  /** Paths and addresses it was made from. */
  get sources(): readonly string[] {
    return this.plan.sources;
  }

  /** Without the first rows. @throws ConfigError for anything but a whole number from 0 */
  skip(rows: number): TabularDataset {
    checkRows('skip', rows, 0);
    const { skip, take } = this.plan;
    const left = take === undefined ? undefined : take - rows;
    if (left !== undefined && left < 1) {
      throw new ConfigError(
        `TabularDataset.skip: rows must be fewer than the ${take} there are, but got ${rows}. Skip fewer.`,
        { rows },
      );
    }
    return new TabularDataset({ ...this.plan, skip: skip + rows, take: left });
  }

  /** The first rows; the files are read no further. @throws ConfigError for anything but a whole number from 1 */
  take(rows: number): TabularDataset {
    checkRows('take', rows, 1);
    return new TabularDataset({ ...this.plan, take: Math.min(rows, this.plan.take ?? rows) });
  }

  /** Only these columns, in this order. */
  keepColumns(columns: readonly string[]): TabularDataset {
    const { types, dateFormats, ...options } = this.plan.options;
    const pick = <T>(all: Readonly<Record<string, T>> = {}) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => columns.includes(name)));
    return new TabularDataset({
      ...this.plan,
      options: { ...options, columns, types: pick(types), dateFormats: pick(dateFormats) },
    });
  }

  /**
   * Reads the rows.
   *
   * @throws DataError when they cannot be read, or are not those that were registered
   */
  async toTable(options: { signal?: AbortSignal } = {}): Promise<Table> {
    const { files, options: reading, skip, take } = this.plan;
    const { table } = await readTable(files, {
      ...reading,
      ...options,
      ...(skip > 0 ? { skipRows: skip } : {}),
      ...(take === undefined ? {} : { maxRows: take }),
    });
    if (this.record !== undefined && fingerprintTable(table) !== this.record.fingerprint) {
      throw new DataError(
        `dataset ${JSON.stringify(this.record.name)} version ${this.record.version}: the files must be as they were registered, but ${files.join(', ')} have changed. Register them again for the next version.`,
        { name: this.record.name, version: this.record.version, files },
      );
    }
    return table;
  }

  /** Count, mean, standard deviation, minimum, quartiles and maximum of every column, as pandas' `describe`. */
  async describe(): Promise<ColumnSummary[]> {
    return describeTable(await this.toTable());
  }

  /** SHA-256 of names, kinds and values; read from the files unless it is registered. */
  async fingerprint(): Promise<string> {
    return this.record?.fingerprint ?? fingerprintTable(await this.toTable());
  }

  /**
   * Gives it a name and version in a workspace. Files at addresses are copied into it, once; local files stay where
   * they are and must not change, which is looked at whenever they are read.
   */
  async register({ workspace, name, description, tags }: RegisterDatasetOptions): Promise<TabularDataset> {
    const { sources, skip, take } = this.plan;
    const copies: (string | null)[] = [];
    const { timeoutMs, maxBytes } = this.plan.options;
    const limits = {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    };
    for (const source of sources) {
      copies.push(isAddress(source) ? (await workspace.dataCache.fetch(source, limits)).name : null);
    }
    const files = sources.map((source, i) => {
      const copy = copies[i];
      return typeof copy === 'string' ? workspace.dataCache.pathOf(copy) : source;
    });
    const table = await new TabularDataset({ ...this.plan, files }).toTable();
    const source: Record<string, Json> = {
      type: 'tabular',
      sources,
      copies,
      options: JSON.parse(JSON.stringify(this.plan.options)),
      skip,
      take: take ?? null,
      rows: table.rows,
      columns: Object.fromEntries(table.columns.map((column) => [column.name, column.kind])),
    };
    const record = await workspace.store.registerDataset({
      name,
      fingerprint: fingerprintTable(table),
      source,
      ...(description === undefined ? {} : { description }),
      ...(tags === undefined ? {} : { tags }),
    });
    return TabularDataset.fromRecord(workspace, record);
  }
}

const isAddress = (source: string) => /^https?:\/\//i.test(source);

/** Independent of the working folder, because another process will read it. */
function locate(part: string | URL): string {
  if (part instanceof URL) return part.protocol === 'file:' ? fileURLToPath(part) : part.href;
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(part) || isAbsolute(part) ? part : resolve(part);
}

function checkRows(call: string, rows: number, lowest: number): void {
  if (Number.isSafeInteger(rows) && rows >= lowest) return;
  throw new ConfigError(
    `TabularDataset.${call}: rows must be a whole number from ${lowest}, but got ${rows}. Use ${call}(5).`,
    { rows },
  );
}
