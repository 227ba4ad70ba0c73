import type { Kysely } from 'kysely';
import type { RunState } from '../run-state.ts';
import type { Schema } from './schema.ts';

/** States in which some process works on a run. */
export const drivenStates = [
  'Queued',
  'Preparing',
  'Running',
  'Finalizing',
  'CancelRequested',
] as const satisfies readonly RunState[];

/** Parameters of one statement; SQLite takes 32,766 and PostgreSQL 65,535. */
const CHUNK = 1000;

/** Removes runs and everything that hangs on them. */
export async function deleteRunRows(
  db: Kysely<Schema>,
  runs: readonly { readonly seq: number; readonly id: string }[],
): Promise<void> {
  for (let start = 0; start < runs.length; start += CHUNK) {
    const part = runs.slice(start, start + CHUNK);
    const seqs = part.map((run) => run.seq);
    const ids = part.map((run) => run.id);
    await db.deleteFrom('metric_points').where('run_seq', 'in', seqs).execute();
    await db.deleteFrom('latest_metrics').where('run_seq', 'in', seqs).execute();
    await db.deleteFrom('run_tags').where('run_seq', 'in', seqs).execute();
    await db.deleteFrom('events').where('run_id', 'in', ids).execute();
    await db.deleteFrom('artifacts').where('run_id', 'in', ids).execute();
    await db.deleteFrom('reuse').where('run_id', 'in', ids).execute();
    await db.deleteFrom('runs').where('seq', 'in', seqs).execute();
  }
}
