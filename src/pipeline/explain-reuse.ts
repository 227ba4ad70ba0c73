import { DataError, nearestName } from '#core';
import type { Json, RunSummary, Store } from '#tracking';

/** Why a step was or was not reused. */
export interface ReuseExplanation {
  readonly step: string;
  readonly stepRunId: string;
  readonly reused: boolean;
  /** One sentence. */
  readonly reason: string;
  /** The run whose outputs were taken over. */
  readonly from?: string;
  /** Parts of the key that differ from the last run of a step of that name. */
  readonly differences: readonly { readonly part: string; readonly before: Json; readonly now: Json }[];
}

/** What the runner writes into a step run's properties. */
export interface ReuseProperty {
  readonly key: string;
  readonly components: Readonly<Record<string, Json>>;
  readonly reused: boolean;
  readonly reason: string;
  readonly from?: string;
  /** The step run that it was compared with. */
  readonly compared?: { readonly runId: string; readonly components: Readonly<Record<string, Json>> };
}

/**
 * Says in words why a step of a pipeline run was reused or had to run.
 *
 * @throws DataError when the run has no such step
 */
export async function explainReuse(store: Store, runId: string, stepName: string): Promise<ReuseExplanation> {
  const steps: RunSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listRuns({
      parentId: runId,
      kinds: ['step'],
      ...(cursor === undefined ? {} : { cursor }),
    });
    steps.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  const step = steps.find(({ name }) => name === stepName);
  if (step === undefined) {
    await store.getRun(runId);
    const names = steps.map(({ name }) => name);
    const near = nearestName(stepName, names);
    throw new DataError(
      `pipeline explain: run ${runId} must have the step, but got ${JSON.stringify(stepName)}. ${near === undefined ? `It has: ${names.join(', ') || 'none yet'}.` : `Did you mean "${near}"?`}`,
      { runId, stepName },
    );
  }
  const reuse = step.properties['reuse'] as unknown as ReuseProperty | undefined;
  if (reuse === undefined) {
    const reason = 'It has not been looked at yet: it waits for other steps.';
    return { step: stepName, stepRunId: step.id, reused: false, reason, differences: [] };
  }
  return {
    step: stepName,
    stepRunId: step.id,
    reused: reuse.reused,
    reason: reuse.reason,
    ...(reuse.from === undefined ? {} : { from: reuse.from }),
    differences: differencesOf(reuse.compared?.components, reuse.components),
  };
}

/** The parts in which two keys differ. */
export function differencesOf(
  before: Readonly<Record<string, Json>> | undefined,
  now: Readonly<Record<string, Json>>,
): ReuseExplanation['differences'] {
  if (before === undefined) return [];
  const parts = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  return parts
    .filter((part) => JSON.stringify(before[part]) !== JSON.stringify(now[part]))
    .map((part) => ({ part, before: before[part] ?? null, now: now[part] ?? null }));
}
