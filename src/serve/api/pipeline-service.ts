import type { Json, PublishedPipelineRecord, Tags } from '#tracking';

/** How a published pipeline is to be run. */
export interface SubmitRequest {
  /** Default the pipeline's own name. */
  readonly experimentName?: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly tags?: Tags;
  /** Values of pipeline parameters; those left out keep their defaults. */
  readonly parameters?: Readonly<Record<string, Json>>;
  readonly parentRunId?: string;
  readonly continueOnStepFailure?: boolean;
}

/** What the API asks of pipelines: they are published and run by the layer below. */
export interface PipelineService {
  /**
   * Publishes the graph of a finished pipeline run.
   * @throws DataError when there is no such run
   * @throws ConfigError when it is not a pipeline's, or did not complete
   */
  publish(
    runId: string,
    options: { name: string; description: string; version: string },
  ): Promise<PublishedPipelineRecord>;
  /**
   * Starts a run, which goes on after the call has resolved.
   * @returns id of the run
   * @throws ConfigError for parameters that the pipeline does not have
   */
  submit(pipeline: PublishedPipelineRecord, request: SubmitRequest): Promise<{ readonly runId: string }>;
  /** Cancels or leaves what this process drives, and waits for it. */
  close(): Promise<void>;
}
