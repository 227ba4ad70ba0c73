import { ConfigError, DataError, nearestName, RuntimeFailure } from '#core';
import {
  isFinal,
  type Json,
  type PublishedPipelineRecord,
  type PublishedStatus,
  type RunRecord,
  type RunState,
  type RunSummary,
} from '#tracking';
import { Experiment, Run, type Workspace } from '#workspace';
import type { PipelineDefinition } from './definition.ts';
import type { SubmitOptions } from './pipeline.ts';
import { PipelineOutput, type RecordedOutput } from './pipeline-output.ts';
import { type SubmitOrigin, submitDefinition } from './submit-definition.ts';
import { watchRun } from './watch-run.ts';

export interface WaitOptions {
  /** Print states and logs as Azure ML does; true by default. */
  readonly showOutput?: boolean;
  /** Seconds after which it gives up waiting; the run goes on. */
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

/** One run of a pipeline, as Azure ML's class of that name; driven by this process or by another one. */
export class PipelineRun {
  readonly experiment: Experiment;
  readonly id: string;
  /** Ends when this process has driven it to its end; absent when another does. */
  private readonly driven: Promise<RunState> | undefined;

  constructor(experiment: Experiment, id: string, driven?: Promise<RunState>) {
    this.experiment = experiment;
    this.id = id;
    this.driven = driven;
    // What goes wrong is the run's state; who waits sees it there.
    driven?.catch(() => {});
  }

  /** Resolves when this process has nothing to do for it any more. */
  get ended(): Promise<void> {
    return Promise.resolve(this.driven).then(
      () => {},
      () => {},
    );
  }

  private get store() {
    return this.experiment.workspace.store;
  }

  /** What the store knows now. @throws DataError when there is no such run */
  details(): Promise<RunRecord> {
    return this.store.getRun(this.id);
  }

  async getStatus(): Promise<RunState> {
    return (await this.details()).state;
  }

  /**
   * Waits for the end, printing what Azure ML prints: states, the steps' logs, the run's details.
   *
   * @returns `Finished`
   * @throws RuntimeFailure when it failed, was cancelled, does not respond any more, or the time is over
   */
  async waitForCompletion({
    showOutput = true,
    timeoutSeconds,
    signal,
  }: WaitOptions = {}): Promise<'Finished'> {
    const print = (text: string) => {
      if (showOutput) process.stdout.write(text);
    };
    print(`PipelineRunId: ${this.id}\n`);
    const aborter = new AbortController();
    const timer =
      timeoutSeconds === undefined ? undefined : setTimeout(() => aborter.abort(), timeoutSeconds * 1000);
    const watching = this.watchOwner(aborter.signal);
    try {
      const signals = AbortSignal.any([aborter.signal, ...(signal === undefined ? [] : [signal])]);
      await this.printEvents(print, signals);
    } finally {
      clearTimeout(timer);
      aborter.abort();
      await watching;
    }
    return this.conclude(print, timeoutSeconds);
  }

  private async printEvents(print: (text: string) => void, signal: AbortSignal): Promise<void> {
    const names = new Map<string, string>();
    const offsets = new Map<string, number>();
    for await (const event of watchRun(this.store, this.id, { signal })) {
      const state = event.type === 'state' ? (event.data as { to?: string; state?: string }) : undefined;
      const to = state?.to ?? state?.state;
      if (event.runId === this.id) {
        if (to !== undefined && !isFinal(to as RunState)) print(`PipelineRun Status: ${to}\n`);
        // An old event, where the run has been resumed since.
        if (to === 'NotResponding' && (await this.getStatus()) === to) return;
        continue;
      }
      if (!names.has(event.runId)) {
        const run = await this.store.findRun(event.runId);
        names.set(event.runId, run?.kind === 'step' ? run.name : '');
        if (run?.kind === 'step') print(`\n\nStepRunId: ${run.id}\n`);
      }
      const name = names.get(event.runId);
      if (name === '' || name === undefined) continue;
      if (event.type === 'log') await this.printLog(event.runId, offsets, print);
      if (to === undefined) continue;
      if (to === 'Completed') {
        await this.printLog(event.runId, offsets, print);
        print(`\nStepRun(${name}) Execution Summary\nStepRun( ${name} ) Status: Finished\n`);
      } else print(`StepRun( ${name} ) Status: ${to}\n`);
    }
  }

  private async printLog(
    runId: string,
    offsets: Map<string, number>,
    print: (text: string) => void,
  ): Promise<void> {
    const { text, next } = await this.store.readLog(runId, { offset: offsets.get(runId) ?? 0 });
    offsets.set(runId, next);
    print(text);
  }

  /** Looks now and then whether the process that drives it is still there. */
  private async watchOwner(signal: AbortSignal): Promise<void> {
    if (this.driven !== undefined) return;
    while (!signal.aborted) {
      await this.store.markNotResponding();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  private async conclude(print: (text: string) => void, timeoutSeconds?: number): Promise<'Finished'> {
    const run = await this.details();
    if (run.state === 'Completed') {
      // What this process does for it ends before the caller goes on.
      await this.driven;
      print('\n\n\nPipelineRun Execution Summary\nPipelineRun Status: Finished\n');
      print(
        `${JSON.stringify({ runId: run.id, status: run.state, startTimeUtc: run.startedAt, endTimeUtc: run.endedAt })}\n`,
      );
      return 'Finished';
    }
    const details = { runId: run.id, state: run.state };
    if (!isFinal(run.state) && run.state !== 'NotResponding') {
      throw new RuntimeFailure(
        `waitForCompletion: run ${run.id} must end ${timeoutSeconds === undefined ? 'while it is waited for' : `within ${timeoutSeconds} s`}, but is ${run.state}. Wait longer, or cancel it.`,
        details,
      );
    }
    print(`\nPipelineRun Status: ${run.state}\n`);
    const reason = run.error === null ? '' : `: ${run.error.replace(/\.$/, '')}`;
    const wayOut =
      run.state === 'NotResponding'
        ? `Its process is gone; trainyard run resume ${run.id} goes on.`
        : `trainyard run logs ${run.id} shows its logs.`;
    throw new RuntimeFailure(
      `waitForCompletion: run ${run.id} must complete, but is ${run.state}${reason}. ${wayOut}`,
      details,
    );
  }

  /** Asks for its end; the process that drives it stops its steps, politely first. */
  async cancel(): Promise<void> {
    await (await Run.get(this.experiment.workspace, this.id)).cancel('It was cancelled by a user.');
    await this.driven?.catch(() => undefined);
  }

  /** Runs of its steps, in the order in which they started. */
  async getSteps(): Promise<readonly RunSummary[]> {
    const steps: RunSummary[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.store.listRuns({
        parentId: this.id,
        kinds: ['step'],
        order: 'oldest',
        withMetrics: true,
        ...(cursor === undefined ? {} : { cursor }),
      });
      steps.push(...page.items);
      cursor = page.next;
    } while (cursor !== undefined);
    return steps;
  }

  /** Runs directly below it. */
  getChildren(): Promise<readonly RunSummary[]> {
    return this.getSteps();
  }

  /**
   * An output of the pipeline, by its `pipelineOutputName`.
   *
   * @throws DataError for a name that it does not have
   * @throws ConfigError while the run has not completed
   */
  async getPipelineOutput(name: string): Promise<PipelineOutput> {
    const { state, properties } = await this.details();
    if (state !== 'Completed') {
      throw new ConfigError(
        `getPipelineOutput: run ${this.id} must have completed, but is ${state}. Wait for its completion.`,
        { runId: this.id, state },
      );
    }
    const outputs = (properties['outputs'] ?? {}) as Record<string, Json>;
    if (Object.hasOwn(outputs, name))
      return new PipelineOutput(this.store, outputs[name] as unknown as RecordedOutput);
    const near = nearestName(name, Object.keys(outputs));
    throw new DataError(
      `getPipelineOutput: the output must be the pipeline's, but got ${JSON.stringify(name)}. ${near === undefined ? `There are: ${Object.keys(outputs).join(', ') || 'none'}.` : `Did you mean "${near}"?`}`,
      { name },
    );
  }

  /** Keeps its pipeline under a name so that others can start it, over HTTP too. @throws ConfigError unless completed */
  publishPipeline(options: PublishOptions): Promise<PublishedPipeline> {
    return PublishedPipeline.publish(this.experiment.workspace, this.id, options);
  }
}

export interface PublishOptions {
  readonly name: string;
  readonly description?: string;
  /** Any text; `1.0` by default. */
  readonly version?: string;
}

export interface PublishedSubmitOptions extends Omit<SubmitOptions, 'pipelineParameters'> {
  /** Values of parameters; the others keep their defaults. */
  readonly parameterAssignments?: Readonly<Record<string, Json>>;
}

/** Where `trainyard server` listens unless told otherwise. */
const DEFAULT_SERVER = 'http://127.0.0.1:8000';

/** A pipeline that others can start, as Azure ML's class of that name. */
export class PublishedPipeline {
  readonly record: PublishedPipelineRecord;
  private readonly workspace: Workspace;

  private constructor(workspace: Workspace, record: PublishedPipelineRecord) {
    this.workspace = workspace;
    this.record = record;
  }

  /**
   * Publishes the pipeline of a run.
   *
   * @throws ConfigError when the run is not a pipeline's, or has not completed
   */
  static async publish(
    workspace: Workspace,
    runId: string,
    { name, description = '', version = '1.0' }: PublishOptions,
  ): Promise<PublishedPipeline> {
    const run = await workspace.store.getRun(runId);
    const definition = run.properties['definition'];
    if (run.kind !== 'pipeline' || definition === undefined) {
      throw new ConfigError(
        `publishPipeline: the run must be a pipeline's, but ${runId} is of kind ${run.kind}. Name the run above it.`,
        { runId, kind: run.kind },
      );
    }
    if (run.state !== 'Completed') {
      throw new ConfigError(
        `publishPipeline: the run must have completed, but ${runId} is ${run.state}. Publish another.`,
        { runId, state: run.state },
      );
    }
    const record = await workspace.store.publishPipeline({ name, description, version, definition, runId });
    return new PublishedPipeline(workspace, record);
  }

  /** By id. @throws DataError when there is none */
  static async get(workspace: Workspace, id: string): Promise<PublishedPipeline> {
    const record = await workspace.store.findPublishedPipeline(id);
    if (record !== undefined) return new PublishedPipeline(workspace, record);
    throw new DataError(
      `PublishedPipeline.get: the pipeline must be published, but got ${JSON.stringify(id)}. trainyard pipeline list shows them.`,
      { id },
    );
  }

  /** All of a workspace, newest first. */
  static async list(workspace: Workspace): Promise<readonly PublishedPipeline[]> {
    const pipelines: PublishedPipeline[] = [];
    let cursor: string | undefined;
    do {
      const page = await workspace.store.listPublishedPipelines(cursor === undefined ? {} : { cursor });
      pipelines.push(...page.items.map((record) => new PublishedPipeline(workspace, record)));
      cursor = page.next;
    } while (cursor !== undefined);
    return pipelines;
  }

  static of(workspace: Workspace, record: PublishedPipelineRecord): PublishedPipeline {
    return new PublishedPipeline(workspace, record);
  }

  get id(): string {
    return this.record.id;
  }

  get name(): string {
    return this.record.name;
  }

  get status(): PublishedStatus {
    return this.record.status;
  }

  /**
   * Address that starts a run, in Azure ML's form: of the server that `TRAINYARD_SERVER` names, by default
   * `http://127.0.0.1:8000`.
   */
  get endpoint(): string {
    const server = (process.env['TRAINYARD_SERVER'] ?? DEFAULT_SERVER).replace(/\/+$/, '');
    return `${server}/pipelines/v1.0/workspaces/${encodeURIComponent(this.workspace.name)}/PipelineRuns/PipelineSubmit/${this.id}`;
  }

  /**
   * Starts a run that this process drives.
   *
   * @throws ConfigError for unknown parameters, or when it is disabled
   */
  async submit(
    experimentName: string,
    { parameterAssignments = {}, ...options }: PublishedSubmitOptions = {},
    origin: Omit<SubmitOrigin, 'pipelineId'> = {},
  ): Promise<PipelineRun> {
    if (this.status !== 'Active') {
      throw new ConfigError(
        `pipeline ${this.name}: must be Active to be run, but is ${this.status}. Enable it first.`,
        { id: this.id, status: this.status },
      );
    }
    const definition = this.record.definition as unknown as PipelineDefinition;
    const experiment = new Experiment(this.workspace, experimentName);
    const { id, driven } = await submitDefinition(
      experiment,
      definition,
      { ...options, pipelineParameters: parameterAssignments },
      { name: this.name, ...origin, pipelineId: this.id },
    );
    return new PipelineRun(experiment, id, driven);
  }
}
