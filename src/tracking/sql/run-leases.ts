import type { Kysely } from 'kysely';
import { isOwnerAlive, isSameOwner, now, RuntimeFailure } from '#core';
import type { RunOwner, RunRecord } from '../records.ts';
import { canTransition, isFinal, type RunState } from '../run-state.ts';
import type { RunStore } from '../store.ts';
import { changeState } from './change-state.ts';
import type { Database } from './database.ts';
import { drivenStates } from './delete-runs.ts';
import { findLockedRunRow, lockRunRow, type RunRow, selectRuns, toRunRecord } from './run-rows.ts';
import type { Schema } from './schema.ts';

const DEFAULT_TIMEOUT_SECONDS = 60;

/** When this process first saw a run's heartbeat at this count, by its monotonic clock. */
type Sightings = Map<string, { readonly heartbeat: number; readonly seenAt: number }>;

/** Who drives a run, and whether it is still there. */
export function createLeaseStore(
  database: Database,
): Pick<RunStore, 'claimRun' | 'heartbeat' | 'markNotResponding'> {
  const sightings: Sightings = new Map();
  return {
    claimRun: (id, owner) => claimRun(database, id, owner),
    heartbeat: (id, owner) => heartbeat(database, id, owner),
    markNotResponding: ({ timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = {}) =>
      markNotResponding(database, sightings, timeoutSeconds),
  };
}

async function claimRun(database: Database, id: string, owner: RunOwner): Promise<boolean> {
  return database.write('claimRun', async ({ db }) => {
    const row = await lockRunRow(database, db, id);
    const present = toRunRecord(row).owner;
    if (present !== null && !isSameOwner(present, owner)) {
      // Of another host all that is known is whether it still sends heartbeats.
      const isAlive = isOwnerAlive(present) ?? (row.state !== 'NotResponding' && row.state !== 'Queued');
      if (isAlive) return false;
    }
    await db
      .updateTable('runs')
      .set({ owner_host: owner.host, owner_pid: owner.pid, owner_start: owner.startTime })
      .set((expression) => ({ heartbeat: expression('heartbeat', '+', 1) }))
      .where('seq', '=', row.seq)
      .execute();
    return true;
  });
}

/** @throws RuntimeFailure when the run has another owner by now */
async function heartbeat(database: Database, id: string, owner: RunOwner): Promise<RunState> {
  return database.write('heartbeat', async (transaction) => {
    const { db } = transaction;
    const row = await lockRunRow(database, db, id);
    const record = toRunRecord(row);
    if (isFinal(record.state)) return record.state;
    if (record.owner === null || !isSameOwner(record.owner, owner)) {
      const found =
        record.owner === null ? 'nobody' : `process ${record.owner.pid} of host ${record.owner.host}`;
      throw new RuntimeFailure(
        `heartbeat: run ${id} must belong to process ${owner.pid} of host ${owner.host}, but got ${found}. Stop working on it, or claim it.`,
        { runId: id, owner: record.owner },
      );
    }
    await db
      .updateTable('runs')
      .set({ heartbeat: record.heartbeat + 1 })
      .where('seq', '=', row.seq)
      .execute();
    if (record.state !== 'NotResponding') return record.state;
    const before = (row.lost_state ?? 'Running') as RunState;
    const back = canTransition('NotResponding', before) ? before : 'Running';
    const counted = { ...row, heartbeat: record.heartbeat + 1 };
    return (await changeState(transaction, database.clock(), counted, back)).state;
  });
}

async function markNotResponding(
  database: Database,
  sightings: Sightings,
  timeoutSeconds: number,
): Promise<readonly RunRecord[]> {
  const owned = await database.read('markNotResponding', (db) => selectDriven(db).execute());
  for (const id of [...sightings.keys()]) if (!owned.some((row) => row.id === id)) sightings.delete(id);
  const lost = owned.filter((row) => isLost(row, sightings, timeoutSeconds));
  if (lost.length === 0) return [];
  return database.write('markNotResponding', async (transaction) => {
    const found: RunRecord[] = [];
    for (const seen of lost) {
      const row = await findLockedRunRow(database, transaction.db, seen.id);
      // Another process was quicker, or the owner has come back.
      if (row?.heartbeat !== seen.heartbeat || row.state !== seen.state) continue;
      const error = `Its process ${row.owner_pid} on host ${row.owner_host} is gone.`;
      for (const below of [row, ...(await unownedBelow(transaction.db, row))]) {
        found.push(
          await changeState(transaction, database.clock(), below, 'NotResponding', below.error ?? error),
        );
      }
    }
    return found;
  });
}

/** Runs that some process works on. The words are those of the index. */
function selectDriven(db: Kysely<Schema>) {
  return selectRuns(db)
    .where('runs.owner_host', 'is not', null)
    .where('runs.state', 'in', drivenStates)
    .orderBy('runs.seq');
}

function isLost(row: RunRow, sightings: Sightings, timeoutSeconds: number): boolean {
  const { owner, heartbeat } = toRunRecord(row);
  const isAlive = owner === null || isOwnerAlive(owner);
  if (isAlive !== undefined) return !isAlive;
  const sighting = sightings.get(row.id);
  if (sighting?.heartbeat !== heartbeat) {
    sightings.set(row.id, { heartbeat, seenAt: now() });
    return timeoutSeconds <= 0;
  }
  return now() - sighting.seenAt >= timeoutSeconds;
}

/** Children, at any depth, that nobody claimed: whoever drove the run drove them too. */
async function unownedBelow(db: Kysely<Schema>, above: RunRow): Promise<readonly RunRow[]> {
  const family = await selectRuns(db)
    .where('runs.root_id', '=', above.root_id)
    .where('runs.seq', '>', above.seq)
    .orderBy('runs.seq')
    .execute();
  const below = new Set([above.id]);
  return family.filter((row) => {
    if (row.parent_id === null || !below.has(row.parent_id) || row.owner_host !== null) return false;
    below.add(row.id);
    return drivenStates.some((state) => state === row.state);
  });
}
