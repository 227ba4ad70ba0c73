import type { RunRecord } from '../records.ts';
import { assertTransition, isFinal, type RunState } from '../run-state.ts';
import type { Transaction } from './database.ts';
import { type RunRow, toRunRecord } from './run-rows.ts';

/** Moves a locked run to another state and says so. */
export async function changeState(
  { db, emit }: Transaction,
  time: string,
  row: RunRow,
  to: RunState,
  error?: string | null,
): Promise<RunRecord> {
  const state = row.state as RunState;
  assertTransition(row.id, state, to);
  const isRestart = to === 'Queued' && isFinal(state);
  const isBack = isRestart || (state === 'NotResponding' && !isFinal(to));
  const changed: RunRow = {
    ...row,
    state: to,
    lost_state: to === 'NotResponding' ? state : null,
    started_at: row.started_at ?? (to === 'Running' ? time : null),
    ended_at: isRestart ? null : isFinal(to) && !isFinal(state) ? time : row.ended_at,
    error: error !== undefined ? error : isBack ? null : row.error,
    // Who starts it again may be another process.
    ...(isFinal(to) || isRestart ? { owner_host: null, owner_pid: null, owner_start: null } : {}),
  };
  const { experiment_id: _, experiment_name: __, seq, ...columns } = changed;
  await db.updateTable('runs').set(columns).where('seq', '=', seq).execute();
  if (state !== to) {
    emit({
      runId: row.id,
      rootId: row.root_id,
      type: 'state',
      data: { from: state, to, ...(changed.error === null ? {} : { error: changed.error }) },
    });
  }
  return toRunRecord(changed);
}
