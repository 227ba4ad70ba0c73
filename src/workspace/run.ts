import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, currentOwner, DataError, isOwnerAlive, RuntimeFailure } from '#core';
import {
  type ArtifactRecord,
  isFinal,
  type Json,
  type MetricPoint,
  type RunRecord,
  type RunState,
  type RunSummary,
  type Store,
  type StoredPoint,
  safeRelativePath,
  type Tags,
} from '#tracking';
import { allPages } from './all-pages.ts';
import { saveStream } from './save-stream.ts';

const DEFAULT_HEARTBEAT_SECONDS = 10;
/** Half of what others wait for a heartbeat. */
const MAX_HEARTBEAT_SECONDS = 30;

/** What may be said of a run when it starts. */
export interface StartOptions {
  /** Unique over all runs; made when absent. */
  readonly id?: string;
  readonly name?: string;
  readonly description?: string;
  readonly tags?: Tags;
  /** Settings of the run, such as the learning rate. */
  readonly params?: Readonly<Record<string, Json>>;
  /** How often the store hears that this process lives, and this process whether to stop, above 0; default 10. */
  readonly heartbeatSeconds?: number;
}

/**
 * One run of an experiment, as Azure ML's class of that name. `Experiment.startLogging` and `child` give one that this
 * process drives: it sends heartbeats until `complete`, `fail` or `cancel`, and is `NotResponding` when the process
 * ends without them. `Run.get` gives one to look at.
 */
export class Run {
  readonly id: string;
  readonly experimentName: string;
  private readonly store: Store;
  private readonly steps = new Map<string, Promise<{ next: number }>>();
  private readonly aborter = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  private constructor(store: Store, record: RunRecord) {
    this.store = store;
    this.id = record.id;
    this.experimentName = record.experimentName;
  }

  /** A run that exists. @throws DataError when there is none of that id */
  static async get(workspace: { readonly store: Store }, id: string): Promise<Run> {
    return new Run(workspace.store, await workspace.store.getRun(id));
  }

  /** A run that is known, without asking for it. */
  static of(store: Store, record: RunRecord): Run {
    return new Run(store, record);
  }

  /** Creates a run that this process drives. */
  static async start(
    store: Store,
    experimentName: string,
    options: StartOptions & { parentId?: string } = {},
  ): Promise<Run> {
    const { heartbeatSeconds = DEFAULT_HEARTBEAT_SECONDS, ...fields } = options;
    if (!(heartbeatSeconds > 0 && heartbeatSeconds <= MAX_HEARTBEAT_SECONDS)) {
      throw new ConfigError(
        `Run: heartbeatSeconds must be above 0 and up to ${MAX_HEARTBEAT_SECONDS}, but got ${heartbeatSeconds}. Leave it out for ${DEFAULT_HEARTBEAT_SECONDS}.`,
      );
    }
    const record = await store.createRun({ ...fields, experimentName, state: 'Running' });
    const run = new Run(store, record);
    await store.claimRun(run.id, currentOwner());
    run.beat(heartbeatSeconds);
    return run;
  }

  /** Aborted when somebody asks for this run to be cancelled, for the process that drives it. */
  get signal(): AbortSignal {
    return this.aborter.signal;
  }

  /** What the store knows now: state, times, tags, parameters. */
  details(): Promise<RunRecord> {
    return this.store.getRun(this.id);
  }

  async getStatus(): Promise<RunState> {
    return (await this.details()).state;
  }

  /**
   * Adds a point to a metric's history. On return it is stored; calls that run side by side are written together.
   *
   * @param step whole number from 0; by default one more than the last
   */
  async log(name: string, value: number, step?: number): Promise<void> {
    await this.logMany([step === undefined ? { key: name, value } : { key: name, value, step }]);
  }

  /** Many points at once: all of them or none. Those without a step follow the last one of their metric. */
  async logMany(points: readonly MetricPoint[]): Promise<void> {
    const placed: MetricPoint[] = [];
    for (const point of points) placed.push({ ...point, step: await this.place(point) });
    await this.store.logMetrics(this.id, placed);
  }

  /** Adds or replaces tags; `null` removes one. */
  setTags(tags: Readonly<Record<string, string | null>>): Promise<void> {
    return this.store.setTags(this.id, tags);
  }

  /** Adds parameters. Another value for one that is set replaces it and leaves an `amended` event. */
  setParams(params: Readonly<Record<string, Json>>): Promise<void> {
    return this.store.setParams(this.id, params);
  }

  /** The last value of every metric. */
  getMetrics(): Promise<Readonly<Record<string, number>>> {
    return this.store.latestMetrics(this.id);
  }

  /** All points of a metric in order of their steps; `maxPoints` thins them evenly. */
  getMetricHistory(name: string, options?: { maxPoints?: number }): Promise<readonly StoredPoint[]> {
    return this.store.metricHistory(this.id, name, options);
  }

  /** Starts a run below this one, which this process drives too. */
  child(options: StartOptions = {}): Promise<Run> {
    return Run.start(this.store, this.experimentName, { ...options, parentId: this.id });
  }

  /** Runs directly below this one, oldest first. */
  async getChildren(): Promise<readonly Run[]> {
    const runs: Run[] = [];
    const list = (page: object) => this.store.listRuns({ ...page, parentId: this.id, order: 'oldest' });
    for await (const record of allPages<RunSummary>(list)) runs.push(new Run(this.store, record));
    return runs;
  }

  /** Streams a local file into the run's artefacts. @throws DataError when there is no such file */
  async uploadFile(name: string, path: string): Promise<ArtifactRecord> {
    const facts = await stat(path).catch(() => undefined);
    if (!facts?.isFile()) {
      throw new DataError(
        `Run.uploadFile: path must be a file, but got ${JSON.stringify(path)}. Check the path; folders go file by file.`,
        { file: path },
      );
    }
    return this.store.putArtifact(this.id, name, createReadStream(path));
  }

  /** Paths of the run's artefacts in order. */
  async getFileNames(): Promise<readonly string[]> {
    const names: string[] = [];
    const list = (page: object) => this.store.listArtifacts(this.id, page);
    for await (const { path } of allPages<ArtifactRecord>(list)) names.push(path);
    return names;
  }

  /**
   * Streams an artefact into a local file, and compares its checksum.
   *
   * @param to file to write; by default the artefact's own path below the working folder
   * @returns the file
   */
  async downloadFile(name: string, to: string = join(...safeRelativePath(name).split('/'))): Promise<string> {
    const { record, content } = await this.store.openArtifact(this.id, name);
    await saveStream(content, to, record.sha256);
    return to;
  }

  /** Adds text to the run's log. */
  appendLog(text: string): Promise<void> {
    return this.store.appendLog(this.id, text);
  }

  /** Text of the run's log from byte `offset`, and where to go on. */
  readLog(options?: { offset?: number; maxBytes?: number }): Promise<{ text: string; next: number }> {
    return this.store.readLog(this.id, options);
  }

  /** Ends it well. @throws ConfigError when it had ended otherwise */
  complete(): Promise<void> {
    return this.end('Completed', null);
  }

  /** Ends it with a failure. @param error one sentence, or what was thrown */
  fail(error: unknown): Promise<void> {
    return this.end('Failed', error instanceof Error ? error.message : String(error));
  }

  /**
   * Asks whoever drives it to stop; the state is `CancelRequested` until that has happened. A run that this process
   * drives, or that nobody drives, is `Canceled` at once. One that has ended stays as it is.
   */
  async cancel(reason = 'It was cancelled.'): Promise<void> {
    const before = await this.details();
    if (isFinal(before.state)) return;
    await this.store.transition(this.id, 'CancelRequested', { error: reason });
    this.aborter.abort();
    const isDrivenElsewhere =
      this.timer === undefined && before.owner !== null && isOwnerAlive(before.owner) !== false;
    if (!isDrivenElsewhere) {
      this.rest();
      await this.store.transition(this.id, 'Canceled', { from: ['CancelRequested'], error: reason });
    }
  }

  private async end(state: RunState, error: string | null): Promise<void> {
    this.rest();
    if ((await this.store.transition(this.id, state, { error })) === undefined) {
      throw new ConfigError(`Run: ${this.id} must be there to end, but it is not. Start another.`, {
        runId: this.id,
      });
    }
  }

  private async place({ key, step }: MetricPoint): Promise<number> {
    const known = this.steps.get(key) ?? this.findLastStep(key);
    this.steps.set(key, known);
    const counter = await known;
    const own = step ?? counter.next;
    counter.next = Math.max(counter.next, own + 1);
    return own;
  }

  private async findLastStep(key: string): Promise<{ next: number }> {
    // A run that this object started has no points of others.
    if (this.timer !== undefined) return { next: 0 };
    const points = await this.store.metricHistory(this.id, key, { maxPoints: 2 });
    const last = points.at(-1);
    return { next: last === undefined ? 0 : last.step + 1 };
  }

  private beat(seconds: number): void {
    const owner = currentOwner();
    this.timer = setInterval(() => {
      this.store.heartbeat(this.id, owner).then(
        (state) => {
          if (state === 'CancelRequested') this.aborter.abort();
          if (isFinal(state)) this.rest();
        },
        (error: unknown) => {
          // Somebody else drives it now, or it is gone; a store that is away for a moment is tried again.
          if (error instanceof DataError || (error instanceof RuntimeFailure && 'owner' in error.details)) {
            this.aborter.abort();
            this.rest();
          }
        },
      );
    }, seconds * 1000);
    this.timer.unref();
  }

  private rest(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
