import { ConfigError, DataError } from '#core';
import type { Json, PublishedPipelineRecord, PublishedStatus } from '#tracking';
import { Experiment, type Workspace } from '#workspace';
import type { PipelineDefinition } from './definition.ts';
import type { SubmitOptions } from './pipeline.ts';
import type { PipelineRun } from './pipeline-run.ts';
import { type SubmitOrigin, submitDefinition } from './submit-definition.ts';

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
    return submitDefinition(
      new Experiment(this.workspace, experimentName),
      definition,
      { ...options, pipelineParameters: parameterAssignments },
      { name: this.name, ...origin, pipelineId: this.id },
    );
  }
}
