import { ConfigError } from '#core';

/** States of a run, in Azure ML's words. */
export const runStates = [
  'NotStarted',
  'Queued',
  'Preparing',
  'Running',
  'Finalizing',
  'Completed',
  'Failed',
  'CancelRequested',
  'Canceled',
  'NotResponding',
] as const;

export type RunState = (typeof runStates)[number];

/**
 * From which state a run may go to which. `NotResponding` is not an end: its owner may come back, another process may
 * resume it. A run that has `Failed` or was `Canceled` may be resumed, which queues it again.
 */
const transitions: Readonly<Record<RunState, readonly RunState[]>> = {
  NotStarted: ['Queued', 'Preparing', 'Running', 'Failed', 'CancelRequested', 'Canceled', 'NotResponding'],
  Queued: ['Preparing', 'Running', 'Failed', 'CancelRequested', 'Canceled', 'NotResponding'],
  Preparing: ['Queued', 'Running', 'Failed', 'CancelRequested', 'Canceled', 'NotResponding', 'Completed'],
  Running: ['Queued', 'Finalizing', 'Completed', 'Failed', 'CancelRequested', 'Canceled', 'NotResponding'],
  Finalizing: ['Completed', 'Failed', 'CancelRequested', 'Canceled', 'NotResponding'],
  Completed: [],
  Failed: ['Queued'],
  CancelRequested: ['Canceled', 'Completed', 'Failed', 'NotResponding'],
  Canceled: ['Queued'],
  NotResponding: ['Queued', 'Running', 'Completed', 'Failed', 'CancelRequested', 'Canceled'],
};

/** Whether nothing more happens to a run by itself. */
export function isFinal(state: RunState): boolean {
  return state === 'Completed' || state === 'Failed' || state === 'Canceled';
}

/** Whether a run may go from one state to the other; staying is always allowed. */
export function canTransition(from: RunState, to: RunState): boolean {
  return from === to || transitions[from].includes(to);
}

/** @throws ConfigError when a run may not go from one state to the other */
export function assertTransition(runId: string, from: RunState, to: RunState): void {
  if (canTransition(from, to)) return;
  throw new ConfigError(
    `run ${runId}: its state may go from ${from} to ${transitions[from].join(', ') || 'no other'}, but got ${to}. Start a new run instead.`,
    { runId, from, to },
  );
}
