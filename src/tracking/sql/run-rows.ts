import type { Kysely, Selectable } from 'kysely';
import { DataError } from '#core';
import { decodeJson } from '../check-fields.ts';
import type { RunKind, RunRecord } from '../records.ts';
import type { RunState } from '../run-state.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/** A run with its experiment. */
export type RunRow = Selectable<Schema['runs']> & {
  readonly experiment_id: string;
  readonly experiment_name: string;
};

/** Runs joined with their experiments. */
export function selectRuns(db: Kysely<Schema>) {
  return db
    .selectFrom('runs')
    .innerJoin('experiments', 'experiments.seq', 'runs.experiment_seq')
    .selectAll('runs')
    .select(['experiments.id as experiment_id', 'experiments.name as experiment_name']);
}

/** @throws DataError when there is no such run */
export async function getRunRow(db: Kysely<Schema>, id: string): Promise<RunRow> {
  const row = await selectRuns(db).where('runs.id', '=', id).executeTakeFirst();
  if (row === undefined) throw await unknownRun(db, id);
  return row;
}

/** The row, which nobody else changes until the transaction ends. */
export async function findLockedRunRow(
  database: Pick<Database, 'kind'>,
  db: Kysely<Schema>,
  id: string,
): Promise<RunRow | undefined> {
  if (database.kind === 'postgresql') {
    await db.selectFrom('runs').select('seq').where('id', '=', id).forNoKeyUpdate().execute();
  }
  return selectRuns(db).where('runs.id', '=', id).executeTakeFirst();
}

/** @throws DataError when there is no such run */
export async function lockRunRow(
  database: Pick<Database, 'kind'>,
  db: Kysely<Schema>,
  id: string,
): Promise<RunRow> {
  const row = await findLockedRunRow(database, db, id);
  if (row === undefined) throw await unknownRun(db, id);
  return row;
}

export async function unknownRun(db: Kysely<Schema>, id: string): Promise<DataError> {
  const newest = await db.selectFrom('runs').select('id').orderBy('seq', 'desc').limit(3).execute();
  const exists =
    newest.length === 0 ? 'There are no runs yet.' : `Newest are: ${newest.map((run) => run.id).join(', ')}.`;
  return new DataError(`run: must exist, but got ${JSON.stringify(id)}. ${exists}`, { runId: id });
}

export function toRunRecord(row: RunRow): RunRecord {
  return {
    id: row.id,
    experimentId: row.experiment_id,
    experimentName: row.experiment_name,
    parentId: row.parent_id,
    rootId: row.root_id,
    kind: row.kind as RunKind,
    name: row.name,
    description: row.description,
    state: row.state as RunState,
    tags: decodeJson(row.tags_json),
    params: decodeJson(row.params_json),
    properties: decodeJson(row.properties_json),
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    error: row.error,
    owner:
      row.owner_host === null
        ? null
        : { host: row.owner_host, pid: row.owner_pid ?? 0, startTime: row.owner_start ?? '' },
    heartbeat: row.heartbeat,
  };
}
