import { ConfigError, isOwnerAlive, now } from '#core';
import type { Store } from '#tracking';
import { Experiment, type Workspace } from '#workspace';
import { drivePipeline } from './drive-pipeline.ts';
import { PipelineRun } from './pipeline-run.ts';

/** Seconds that a step's process may take to end once the one that drove it is gone. */
const PATIENCE = 10;

/** A process whose driver was killed ends by itself, but not at once: it must not write beside the one that goes on. */
async function untilProcessesEnd(store: Store, runId: string): Promise<void> {
  const { items } = await store.listRuns({
    parentId: runId,
    states: ['NotResponding', 'Running'],
    limit: 1000,
  });
  const isThere = ({ properties: { node, pid } }: (typeof items)[number]): boolean =>
    typeof node === 'string' &&
    typeof pid === 'number' &&
    isOwnerAlive({ host: node, pid, startTime: '' }) === true;
  const deadline = now() + PATIENCE;
  while (items.some(isThere) && now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
}

/**
 * Goes on with a pipeline run that does not respond any more, failed or was cancelled: steps that are over stay, a
 * search goes on after its finished trials. Waits a little for processes of steps that are about to end.
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
  await untilProcessesEnd(store, runId);
  const experiment = new Experiment(workspace, run.experimentName);
  return new PipelineRun(experiment, runId, drivePipeline(workspace, runId));
}
