import { randomUUID } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import { ConfigError, DataError, nearestName } from '#core';
import { checkName, checkTags, checkText, decodeJson } from '../check-fields.ts';
import { createPage, parsePage } from '../page-cursor.ts';
import type { ExperimentRecord, PageQuery, Tags } from '../records.ts';
import type { ExperimentStore } from '../store.ts';
import type { Database, Transaction } from './database.ts';
import { deleteRunRows, drivenStates } from './delete-runs.ts';
import type { Schema } from './schema.ts';

export type ExperimentRow = Selectable<Schema['experiments']>;

/** @param forget removes the artefacts and logs of runs that are gone */
export function experimentStore(
  database: Database,
  forget: (runIds: readonly string[]) => Promise<void>,
): ExperimentStore {
  return {
    ensureExperiment: async (name, options = {}) => {
      const found = await findExperiment(database, name);
      if (found !== undefined) return found;
      return database.write('ensureExperiment', async (transaction) =>
        toRecord(await ensureExperimentRow(transaction, database.clock(), name, options)),
      );
    },
    findExperiment: (name) => findExperiment(database, name),
    listExperiments: (query = {}) => listExperiments(database, query),
    deleteExperiment: async (name) => {
      await forget(await deleteExperiment(database, name));
    },
  };
}

/** The row of that name, made when it does not exist. */
export async function ensureExperimentRow(
  { db }: Transaction,
  time: string,
  name: string,
  { description = '', tags = {} }: { description?: string; tags?: Tags } = {},
): Promise<ExperimentRow> {
  await db
    .insertInto('experiments')
    .values({
      id: randomUUID(),
      name: checkName('experiment name', name),
      description: checkText('experiment description', description),
      tags_json: JSON.stringify(checkTags('experiment tags', tags)),
      created_at: time,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  return db.selectFrom('experiments').selectAll().where('name', '=', name).executeTakeFirstOrThrow();
}

/** @throws DataError that says which experiment is near */
export async function unknownExperiment(db: Kysely<Schema>, name: string): Promise<DataError> {
  const rows = await db.selectFrom('experiments').select('name').orderBy('seq', 'desc').limit(1000).execute();
  const near = nearestName(
    name,
    rows.map((row) => row.name),
  );
  const way = near === undefined ? 'Make it first' : `Did you mean ${JSON.stringify(near)}`;
  return new DataError(
    `experiment: must exist, but got ${JSON.stringify(name)}. ${way}${near === undefined ? '.' : '?'}`,
    { name },
  );
}

async function findExperiment(database: Database, name: string): Promise<ExperimentRecord | undefined> {
  checkName('experiment name', name);
  const row = await database.read('findExperiment', (db) =>
    db.selectFrom('experiments').selectAll().where('name', '=', name).executeTakeFirst(),
  );
  return row && toRecord(row);
}

async function listExperiments(database: Database, query: PageQuery) {
  const { limit, after } = parsePage('listExperiments', query, 'number');
  const rows = await database.read('listExperiments', (db) => {
    let select = db.selectFrom('experiments').selectAll();
    if (after !== undefined) select = select.where('seq', '<', after);
    return select
      .orderBy('seq', 'desc')
      .limit(limit + 1)
      .execute();
  });
  return createPage(rows, limit, toRecord, (row) => row.seq);
}

/** @returns the ids of the runs that went with it */
async function deleteExperiment(database: Database, name: string): Promise<readonly string[]> {
  checkName('experiment name', name);
  return database.write('deleteExperiment', async ({ db }) => {
    const row = await db.selectFrom('experiments').selectAll().where('name', '=', name).executeTakeFirst();
    if (row === undefined) throw await unknownExperiment(db, name);
    const runs = await db
      .selectFrom('runs')
      .select(['seq', 'id', 'state'])
      .where('experiment_seq', '=', row.seq)
      .execute();
    const driven = runs.find((run) => drivenStates.some((state) => state === run.state));
    if (driven !== undefined) {
      throw new ConfigError(
        `deleteExperiment: its runs must have ended, but run ${driven.id} is ${driven.state}. Cancel it first.`,
        { name, runId: driven.id },
      );
    }
    await deleteRunRows(db, runs);
    await db.deleteFrom('experiment_metrics').where('experiment_seq', '=', row.seq).execute();
    await db.deleteFrom('experiments').where('seq', '=', row.seq).execute();
    return runs.map((run) => run.id);
  });
}

function toRecord(row: ExperimentRow): ExperimentRecord {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    tags: decodeJson(row.tags_json),
    createdAt: row.created_at,
  };
}
