import { ConfigError } from '#core';
import { Experiment, type Workspace } from '#workspace';
import { drivePipeline } from './drive-pipeline.ts';
import { PipelineRun } from './pipeline-run.ts';

/**
 * Goes on with a pipeline run that does not respond any more, failed or was cancelled: steps that are over stay, a
 * search goes on after its finished trials.
 *
 * @throws ConfigError for a run that is driven, or has completed
 */
export async function resumePipelineRun(workspace: Workspace, runId: string): Promise<PipelineRun> {
  const { store } = workspace;
  await store.markNotResponding();
  const run = await store.getRun(runId);
  if (run.kind !== 'pipeline') {
    throw new ConfigError(
      `run resume: the run must be a pipeline's, but ${runId} is of kind ${run.kind}. Name the run above it: ${run.rootId}.`,
      { runId, kind: run.kind },
    );
  }
  const from = ['NotResponding', 'Failed', 'Canceled', 'NotStarted', 'Queued'] as const;
  if ((await store.transition(runId, 'Queued', { from, error: null })) === undefined) {
    throw new ConfigError(
      `run resume: the run must have stopped before its end, but ${runId} is ${run.state}. There is nothing to resume.`,
      { runId, state: run.state },
    );
  }
  const experiment = new Experiment(workspace, run.experimentName);
  return new PipelineRun(experiment, runId, drivePipeline(workspace, runId));
}
