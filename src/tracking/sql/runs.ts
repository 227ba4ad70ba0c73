import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { ConfigError } from '#core';
import {
  checkName,
  checkRunId,
  checkTags,
  checkText,
  decodeJson,
  encodeJsonObject,
} from '../check-fields.ts';
import type { Json, NewRun, RunKind, RunRecord } from '../records.ts';
import { isFinal, type RunState, runStates } from '../run-state.ts';
import type { RunStore } from '../store.ts';
import { changeState } from './change-state.ts';
import type { Database } from './database.ts';
import { deleteRunRows, drivenStates } from './delete-runs.ts';
import { ensureExperimentRow } from './experiments.ts';
import type { LatestMetricReader } from './metrics.ts';
import { createLeaseStore } from './run-leases.ts';
import { listMetricKeys, listRuns } from './run-lists.ts';
import { getRunRow, lockRunRow, selectRuns, toRunRecord } from './run-rows.ts';
import type { Schema } from './schema.ts';

const kinds: readonly RunKind[] = ['run', 'pipeline', 'step', 'automl', 'trial'];

export interface RunStoreParts {
  readonly metrics: LatestMetricReader;
  /** Writes what was logged and not yet announced, so that it comes before what follows. */
  readonly announce: (runId: string) => Promise<void>;
  /** Removes the artefacts and logs of runs that are gone. */
  readonly forget: (runIds: readonly string[]) => Promise<void>;
}

export function runStore(database: Database, { metrics, announce, forget }: RunStoreParts): RunStore {
  return {
    createRun: (run) => createRun(database, run),
    findRun: (id) => findRun(database, id),
    getRun: (id) => database.read('getRun', async (db) => toRunRecord(await getRunRow(db, id))),
    listRuns: (query = {}) => listRuns(database, metrics, query),
    listMetricKeys: (experimentName) => listMetricKeys(database, metrics, experimentName),
    transition: async (id, to, options = {}) => {
      await announce(id);
      return transition(database, id, to, options);
    },
    setTags: (id, tags) => setTags(database, id, tags),
    setParams: (id, params) => setParams(database, id, params),
    setProperties: (id, properties) => setProperties(database, id, properties),
    ...createLeaseStore(database),
    deleteRun: async (id) => {
      await forget(await deleteRun(database, id));
    },
  };
}

async function createRun(database: Database, run: NewRun): Promise<RunRecord> {
  const { kind = 'run', state = 'NotStarted', tags = {}, params = {}, properties = {} } = run;
  const id = checkRunId('run id', run.id ?? randomUUID());
  checkName('experiment name', run.experimentName);
  if (!kinds.includes(kind)) {
    throw new ConfigError(`run kind: must be ${kinds.join(', ')}, but got ${String(kind)}. Use one of them.`);
  }
  checkState(state);
  const values = {
    id,
    kind,
    state,
    name: checkText('run name', run.name ?? '', 500),
    description: checkText('run description', run.description ?? ''),
    tags_json: JSON.stringify(checkTags('run tags', tags)),
    params_json: encodeJsonObject('run params', params),
    properties_json: encodeJsonObject('run properties', properties),
  };
  return database.write('createRun', async (transaction) => {
    const { db } = transaction;
    const time = database.clock();
    const parent = run.parentId === undefined ? undefined : await getRunRow(db, run.parentId);
    if (parent !== undefined && parent.experiment_name !== run.experimentName) {
      throw new ConfigError(
        `createRun: a child belongs to its parent's experiment ${JSON.stringify(parent.experiment_name)}, but got ${JSON.stringify(run.experimentName)}. Use the parent's.`,
        { id, parentId: parent.id },
      );
    }
    const experiment = await ensureExperimentRow(transaction, time, run.experimentName);
    const inserted = await db
      .insertInto('runs')
      .values({
        ...values,
        experiment_seq: experiment.seq,
        parent_id: parent?.id ?? null,
        root_id: parent?.root_id ?? id,
        created_at: time,
        started_at: state === 'Running' ? time : null,
        ended_at: isFinal(state) ? time : null,
        heartbeat: 0,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('seq')
      .executeTakeFirst();
    if (inserted === undefined) {
      throw new ConfigError(`createRun: ids are unique, but got ${id}, which exists. Leave the id out.`, {
        id,
      });
    }
    await insertTags(db, inserted.seq, tags);
    const row = await getRunRow(db, id);
    transaction.emit({
      runId: id,
      rootId: row.root_id,
      type: 'created',
      data: { parentId: row.parent_id, kind, name: row.name, state },
    });
    return toRunRecord(row);
  });
}

async function findRun(database: Database, id: string): Promise<RunRecord | undefined> {
  const row = await database.read('findRun', (db) =>
    selectRuns(db).where('runs.id', '=', id).executeTakeFirst(),
  );
  return row && toRunRecord(row);
}

async function transition(
  database: Database,
  id: string,
  to: RunState,
  { from, error }: { from?: readonly RunState[]; error?: string | null },
): Promise<RunRecord | undefined> {
  checkState(to);
  if (typeof error === 'string') checkText('run error', error);
  return database.write('transition', async (transaction) => {
    const row = await lockRunRow(database, transaction.db, id);
    if (from !== undefined && !from.includes(row.state as RunState)) return undefined;
    return changeState(transaction, database.clock(), row, to, error);
  });
}

async function setTags(
  database: Database,
  id: string,
  tags: Readonly<Record<string, string | null>>,
): Promise<void> {
  const given = Object.entries(tags);
  const added = Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== null));
  checkTags('run tags', added);
  await database.write('setTags', async ({ db }) => {
    const row = await lockRunRow(database, db, id);
    const merged = new Map<string, string>(Object.entries(decodeJson<Record<string, string>>(row.tags_json)));
    for (const [key, value] of given) {
      if (value === null) merged.delete(key);
      else merged.set(key, value);
    }
    const all = Object.fromEntries(merged);
    await db
      .updateTable('runs')
      .set({ tags_json: JSON.stringify(all) })
      .where('seq', '=', row.seq)
      .execute();
    await db.deleteFrom('run_tags').where('run_seq', '=', row.seq).execute();
    await insertTags(db, row.seq, all);
  });
}

async function setParams(
  database: Database,
  id: string,
  params: Readonly<Record<string, Json>>,
): Promise<void> {
  encodeJsonObject('run params', params);
  await database.write('setParams', async (transaction) => {
    const row = await lockRunRow(database, transaction.db, id);
    const before = new Map<string, Json>(Object.entries(decodeJson<Record<string, Json>>(row.params_json)));
    for (const [key, value] of Object.entries(params)) {
      const old = before.get(key);
      const isChange = old !== undefined && JSON.stringify(old) !== JSON.stringify(value);
      if (isChange) {
        transaction.emit({
          runId: id,
          rootId: row.root_id,
          type: 'amended',
          data: { param: key, from: old, to: value },
        });
      }
      before.set(key, value);
    }
    await transaction.db
      .updateTable('runs')
      .set({ params_json: JSON.stringify(Object.fromEntries(before)) })
      .where('seq', '=', row.seq)
      .execute();
  });
}

async function setProperties(
  database: Database,
  id: string,
  properties: Readonly<Record<string, Json>>,
): Promise<void> {
  encodeJsonObject('run properties', properties);
  await database.write('setProperties', async ({ db }) => {
    const row = await lockRunRow(database, db, id);
    const merged = new Map<string, Json>(
      Object.entries(decodeJson<Record<string, Json>>(row.properties_json)),
    );
    for (const [key, value] of Object.entries(properties)) {
      if (value === null) merged.delete(key);
      else merged.set(key, value);
    }
    await db
      .updateTable('runs')
      .set({ properties_json: JSON.stringify(Object.fromEntries(merged)) })
      .where('seq', '=', row.seq)
      .execute();
  });
}

/** @returns the ids that are gone */
async function deleteRun(database: Database, id: string): Promise<readonly string[]> {
  return database.write('deleteRun', async ({ db }) => {
    const row = await lockRunRow(database, db, id);
    const family = await db
      .selectFrom('runs')
      .select(['seq', 'id', 'parent_id', 'state'])
      .where('root_id', '=', row.root_id)
      .orderBy('seq')
      .execute();
    // A child is younger than its parent, so one pass in order finds them all.
    const below = new Set([id]);
    for (const run of family) if (run.parent_id !== null && below.has(run.parent_id)) below.add(run.id);
    const gone = family.filter((run) => below.has(run.id));
    const driven = gone.find((run) => drivenStates.some((state) => state === run.state));
    if (driven !== undefined) {
      throw new ConfigError(
        `deleteRun: a run must have ended, but ${driven.id} is ${driven.state}. Cancel it first.`,
        { runId: driven.id },
      );
    }
    await deleteRunRows(db, gone);
    return gone.map((run) => run.id);
  });
}

async function insertTags(
  db: Kysely<Schema>,
  seq: number,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  const rows = Object.entries(tags).map(([key, value]) => ({ run_seq: seq, key, value }));
  if (rows.length > 0) await db.insertInto('run_tags').values(rows).execute();
}

function checkState(state: RunState): void {
  if (runStates.includes(state)) return;
  throw new ConfigError(
    `run state: must be ${runStates.join(', ')}, but got ${JSON.stringify(state)}. Use one of them.`,
  );
}
