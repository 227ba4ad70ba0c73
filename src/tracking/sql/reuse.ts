import type { Selectable } from 'kysely';
import { checkName, decodeJson, encodeJsonObject } from '../check-fields.ts';
import type { ArtifactRecord, ReuseRecord } from '../records.ts';
import type { ReuseStore } from '../store.ts';
import type { Database } from './database.ts';
import { getRunRow } from './run-rows.ts';
import type { Schema } from './schema.ts';

type Row = Omit<Selectable<Schema['reuse']>, 'seq'>;

export function reuseStore(database: Database): ReuseStore {
  const newest = async (column: 'key' | 'step_name', value: string): Promise<ReuseRecord | undefined> => {
    const row = await database.read('findReusable', (db) =>
      db
        .selectFrom('reuse')
        .selectAll()
        .where(column, '=', value)
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst(),
    );
    return row && toRecord(row);
  };
  return {
    findReusable: (key) => newest('key', checkName('reuse key', key)),
    findLastStep: (stepName) => newest('step_name', checkName('step name', stepName)),
    putReusable: (record) => putReusable(database, record),
  };
}

async function putReusable(database: Database, record: Omit<ReuseRecord, 'createdAt'>): Promise<ReuseRecord> {
  const outputs = Object.fromEntries(
    Object.entries(record.outputs).map(([name, { path, size, sha256, createdAt }]) => [
      name,
      { path, size, sha256, createdAt },
    ]),
  );
  const row: Row = {
    key: checkName('reuse key', record.key),
    step_name: checkName('step name', record.stepName),
    run_id: record.runId,
    components_json: encodeJsonObject('reuse components', record.components),
    outputs_json: encodeJsonObject('reuse outputs', outputs),
    created_at: database.clock(),
  };
  await database.write('putReusable', async ({ db }) => {
    await getRunRow(db, record.runId);
    await db.insertInto('reuse').values(row).execute();
  });
  return toRecord(row);
}

function toRecord(row: Row): ReuseRecord {
  const outputs: Readonly<Record<string, ArtifactRecord>> = JSON.parse(row.outputs_json);
  return {
    key: row.key,
    stepName: row.step_name,
    runId: row.run_id,
    components: decodeJson(row.components_json),
    outputs,
    createdAt: row.created_at,
  };
}
