import type { Readable } from 'node:stream';
import type {
  ArtifactRecord,
  DatasetRecord,
  ExperimentRecord,
  Json,
  MetricPoint,
  ModelRecord,
  NewRun,
  Page,
  PageQuery,
  PromotionRecord,
  PublishedPipelineRecord,
  PublishedStatus,
  ReuseRecord,
  RunEvent,
  RunOwner,
  RunQuery,
  RunRecord,
  RunSummary,
  StoredPoint,
  Tags,
  TokenRecord,
  TokenScope,
} from './records.ts';
import type { RunState } from './run-state.ts';

/**
 * Everything a workspace remembers. A call that has resolved is on disk: a killed process loses nothing of it. Several
 * processes may use one store at once. Unknown names and numbers reject with `DataError` that says what exists; values
 * that cannot be stored reject with `ConfigError` that names the field; a store that stays locked or full rejects with
 * `RuntimeFailure`.
 */
export interface Store
  extends ExperimentStore,
    RunStore,
    MetricStore,
    EventStore,
    ArtifactStore,
    DatasetStore,
    ModelStore,
    PublishedPipelineStore,
    TokenStore,
    ReuseStore {
  /** `sqlite` or `postgresql`. */
  readonly kind: string;
  /** Writes what is waiting and releases files and connections. */
  close(): Promise<void>;
}

export interface ExperimentStore {
  /** The experiment of that name, made when it does not exist. */
  ensureExperiment(name: string, options?: { description?: string; tags?: Tags }): Promise<ExperimentRecord>;
  findExperiment(name: string): Promise<ExperimentRecord | undefined>;
  listExperiments(query?: PageQuery): Promise<Page<ExperimentRecord>>;
  /** With all its runs and their artefacts; the name is free again. Running runs refuse it. */
  deleteExperiment(name: string): Promise<void>;
}

export interface RunStore {
  createRun(run: NewRun): Promise<RunRecord>;
  findRun(id: string): Promise<RunRecord | undefined>;
  /** @throws DataError when there is no such run */
  getRun(id: string): Promise<RunRecord>;
  listRuns(query?: RunQuery): Promise<Page<RunSummary>>;
  /** Names of all metrics of the runs of an experiment, for a table's columns. */
  listMetricKeys(experimentName: string): Promise<readonly string[]>;
  /** In one transaction; `from` narrows the states it may leave, and the call answers `undefined` when it is in another. */
  transition(
    id: string,
    to: RunState,
    options?: { from?: readonly RunState[]; error?: string | null },
  ): Promise<RunRecord | undefined>;
  /** Adds or replaces tags; `null` removes one. */
  setTags(id: string, tags: Readonly<Record<string, string | null>>): Promise<void>;
  /** The same value again is no change; another value replaces the first and leaves an `amended` event. */
  setParams(id: string, params: Readonly<Record<string, Json>>): Promise<void>;
  /** Merged into what is there; `null` removes one. */
  setProperties(id: string, properties: Readonly<Record<string, Json>>): Promise<void>;
  /** Takes the run for a process. Answers false when another owner that still lives has it. */
  claimRun(id: string, owner: RunOwner): Promise<boolean>;
  /** Says that the owner lives; answers the run's state, so that a cancel request reaches it. */
  heartbeat(id: string, owner: RunOwner): Promise<RunState>;
  /**
   * Runs that should be driven but whose owner is gone go to `NotResponding`: at once when it was a process of this
   * host that has ended, after `timeoutSeconds` (default 60) without a heartbeat, measured by this process's monotonic
   * clock, when it is elsewhere.
   * @returns the runs it found
   */
  markNotResponding(options?: { timeoutSeconds?: number }): Promise<readonly RunRecord[]>;
  /** With its descendants and their artefacts. Running runs refuse it. */
  deleteRun(id: string): Promise<void>;
}

export interface MetricStore {
  /** Up to any number of points; all of them or none. Concurrent calls are written together. */
  logMetrics(runId: string, points: readonly MetricPoint[]): Promise<void>;
  /** The value of the highest step of every metric. */
  latestMetrics(runId: string): Promise<Readonly<Record<string, number>>>;
  /** Ordered by step. `maxPoints` thins evenly and keeps the first and the last. */
  metricHistory(
    runId: string,
    key: string,
    options?: { fromStep?: number; toStep?: number; maxPoints?: number },
  ): Promise<readonly StoredPoint[]>;
}

export interface EventStore {
  appendEvent(runId: string, type: string, data: Json): Promise<RunEvent>;
  /** Events of a run and all its descendants after `after` (exclusive), in order. */
  readEvents(runId: string, options?: { after?: number; limit?: number }): Promise<readonly RunEvent[]>;
  /** Adds to the end of a run's log. */
  appendLog(runId: string, text: string): Promise<void>;
  /** Bytes of a run's log from `offset`, and where to go on. */
  readLog(
    runId: string,
    options?: { offset?: number; maxBytes?: number },
  ): Promise<{ text: string; next: number }>;
}

export interface ArtifactStore {
  /**
   * Streams a file in: to a temporary file beside its place, flushed, then renamed; what was there before stays until
   * then. @throws ConfigError when the path could leave the run's folder, or `sha256` or `size` do not match
   */
  putArtifact(
    runId: string,
    path: string,
    content: Readable | Uint8Array,
    options?: { sha256?: string; size?: number },
  ): Promise<ArtifactRecord>;
  /** Bytes `start` to `end` (both included) or all of them. */
  openArtifact(
    runId: string,
    path: string,
    range?: { start?: number; end?: number },
  ): Promise<{ record: ArtifactRecord; content: Readable }>;
  findArtifact(runId: string, path: string): Promise<ArtifactRecord | undefined>;
  /** Whose path starts with `prefix`. */
  listArtifacts(runId: string, query?: PageQuery & { prefix?: string }): Promise<Page<ArtifactRecord>>;
  deleteArtifact(runId: string, path: string): Promise<void>;
}

export interface DatasetStore {
  registerDataset(
    dataset: Omit<DatasetRecord, 'version' | 'createdAt' | 'description' | 'tags'> & {
      description?: string;
      tags?: Tags;
    },
  ): Promise<DatasetRecord>;
  /** The newest version unless one is named. */
  findDataset(name: string, version?: number): Promise<DatasetRecord | undefined>;
  /** The newest version of every name. */
  listDatasets(query?: PageQuery): Promise<Page<DatasetRecord>>;
  listDatasetVersions(name: string, query?: PageQuery): Promise<Page<DatasetRecord>>;
  deleteDataset(name: string, version?: number): Promise<void>;
}

export interface ModelStore {
  /** Streams the file in like an artefact and gives it the next version of its name. */
  registerModel(
    model: {
      name: string;
      description?: string;
      tags?: Tags;
      runId?: string | null;
      metrics?: Readonly<Record<string, number>>;
    },
    content: Readable | Uint8Array,
  ): Promise<ModelRecord>;
  /** By version, by alias, or the newest. */
  findModel(name: string, version?: number | string): Promise<ModelRecord | undefined>;
  openModel(
    name: string,
    version: number,
    range?: { start?: number; end?: number },
  ): Promise<{
    record: ModelRecord;
    content: Readable;
  }>;
  /** The newest version of every name. */
  listModels(query?: PageQuery): Promise<Page<ModelRecord>>;
  listModelVersions(name: string, query?: PageQuery): Promise<Page<ModelRecord>>;
  /** Points an alias at a version (`null` removes it) and writes the promotion log, in one transaction. */
  setModelAlias(
    name: string,
    alias: string,
    version: number | null,
    note?: { by?: string; reason?: string },
  ): Promise<void>;
  listPromotions(name: string, query?: PageQuery): Promise<Page<PromotionRecord>>;
  /** A version that an alias points at is refused. */
  deleteModel(name: string, version: number): Promise<void>;
}

export interface PublishedPipelineStore {
  publishPipeline(
    pipeline: Omit<PublishedPipelineRecord, 'id' | 'status' | 'createdAt'>,
  ): Promise<PublishedPipelineRecord>;
  /** By id. */
  findPublishedPipeline(id: string): Promise<PublishedPipelineRecord | undefined>;
  listPublishedPipelines(query?: PageQuery): Promise<Page<PublishedPipelineRecord>>;
  setPublishedStatus(id: string, status: PublishedStatus): Promise<void>;
}

export interface TokenStore {
  /** `hash` is all that is kept of the token. */
  createToken(token: {
    name: string;
    hash: string;
    scopes: readonly TokenScope[];
    expiresAt: string | null;
  }): Promise<TokenRecord>;
  /** Expired and revoked ones too: the caller says why it refuses. */
  findTokenByHash(hash: string): Promise<TokenRecord | undefined>;
  listTokens(): Promise<readonly TokenRecord[]>;
  revokeToken(id: string): Promise<void>;
}

export interface ReuseStore {
  /** The newest record of the key. */
  findReusable(key: string): Promise<ReuseRecord | undefined>;
  /** The newest record of a step's name, whatever its key: what a step is compared with when it was not reused. */
  findLastStep(stepName: string): Promise<ReuseRecord | undefined>;
  putReusable(record: Omit<ReuseRecord, 'createdAt'>): Promise<ReuseRecord>;
}
