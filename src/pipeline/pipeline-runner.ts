import type { Json, PublishedPipelineRecord } from '#tracking';
import type { Workspace } from '#workspace';
import { type PipelineRun, PublishedPipeline } from './pipeline-run.ts';

const DEFAULT_EXPERIMENT = 'pipelines';

/** What a caller may say of a run. */
export interface RunRequest {
  readonly experimentName?: string;
  readonly displayName?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly parameters?: Readonly<Record<string, Json>>;
  readonly parentRunId?: string;
  readonly continueOnStepFailure?: boolean;
}

/** Publishes pipelines and drives their runs for a server. */
export class PipelineRunner {
  private readonly workspace: Workspace;
  private readonly running = new Set<PipelineRun>();

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  /** @throws ConfigError when the run is not a pipeline's, or has not completed */
  async publish(
    runId: string,
    options: { name: string; description: string; version: string },
  ): Promise<PublishedPipelineRecord> {
    return (await PublishedPipeline.publish(this.workspace, runId, options)).record;
  }

  /** Starts a run, which goes on after the call has resolved. @throws ConfigError for unknown parameters */
  async submit(pipeline: PublishedPipelineRecord, request: RunRequest): Promise<{ readonly runId: string }> {
    const { experimentName = DEFAULT_EXPERIMENT, displayName, parentRunId, parameters, tags } = request;
    const run = await PublishedPipeline.of(this.workspace, pipeline).submit(
      experimentName,
      {
        showOutput: false,
        continueOnStepFailure: request.continueOnStepFailure ?? false,
        ...(parameters === undefined ? {} : { parameterAssignments: parameters }),
        ...(tags === undefined ? {} : { tags }),
      },
      {
        ...(displayName === undefined ? {} : { name: displayName }),
        ...(parentRunId === undefined ? {} : { parentRunId }),
      },
    );
    this.running.add(run);
    void run.ended.then(() => this.running.delete(run));
    return { runId: run.id };
  }

  /** Cancels what runs, and waits for it; `trainyard run resume` goes on with it. */
  async close(): Promise<void> {
    await Promise.all([...this.running].map((run) => run.cancel()));
  }
}
