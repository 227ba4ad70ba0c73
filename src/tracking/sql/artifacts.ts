import { DataError } from '#core';
import type { ArtifactFiles } from '../artifact-files.ts';
import { createPage, parsePage } from '../page-cursor.ts';
import type { ArtifactRecord, PageQuery } from '../records.ts';
import { safeRelativePath } from '../safe-path.ts';
import type { ArtifactStore } from '../store.ts';
import type { Database } from './database.ts';
import { getRunRow } from './run-rows.ts';

type Row = { path: string; size: number; sha256: string; created_at: string };

/** The files are kept by `files`, under their run; what is known of them is kept here. */
export function artifactStore(database: Database, files: ArtifactFiles): ArtifactStore {
  return {
    putArtifact: async (runId, path, content, expected) => {
      safeRelativePath(path);
      await database.read('putArtifact', (db) => getRunRow(db, runId));
      const record = await files.put(runId, path, content, expected);
      return recordArtifact(database, runId, record);
    },
    openArtifact: async (runId, path, range) => {
      const record = await getArtifact(database, runId, path);
      return { record, content: await files.open(runId, path, range) };
    },
    findArtifact: (runId, path) => findArtifact(database, runId, path),
    listArtifacts: (runId, query = {}) => listArtifacts(database, runId, query),
    deleteArtifact: async (runId, path) => {
      await getArtifact(database, runId, path);
      await database.write('deleteArtifact', ({ db }) =>
        db.deleteFrom('artifacts').where('run_id', '=', runId).where('path', '=', path).execute(),
      );
      await files.remove(runId, path);
    },
  };
}

async function recordArtifact(
  database: Database,
  runId: string,
  record: ArtifactRecord,
): Promise<ArtifactRecord> {
  await database.write('putArtifact', async ({ db, emit }) => {
    const { root_id: rootId } = await getRunRow(db, runId);
    const { path, size, sha256 } = record;
    const values = { size, sha256, created_at: record.createdAt };
    await db
      .insertInto('artifacts')
      .values({ run_id: runId, path, ...values })
      .onConflict((conflict) => conflict.columns(['run_id', 'path']).doUpdateSet(values))
      .execute();
    emit({ runId, rootId, type: 'artifact', data: { path, size, sha256 } });
  });
  return record;
}

async function findArtifact(
  database: Database,
  runId: string,
  path: string,
): Promise<ArtifactRecord | undefined> {
  safeRelativePath(path);
  return database.read('findArtifact', async (db) => {
    await getRunRow(db, runId);
    const row = await db
      .selectFrom('artifacts')
      .selectAll()
      .where('run_id', '=', runId)
      .where('path', '=', path)
      .executeTakeFirst();
    return row && toRecord(row);
  });
}

async function getArtifact(database: Database, runId: string, path: string): Promise<ArtifactRecord> {
  const record = await findArtifact(database, runId, path);
  if (record !== undefined) return record;
  const { items } = await listArtifacts(database, runId, { limit: 20 });
  const names = items.map((item) => JSON.stringify(item.path)).join(', ');
  throw new DataError(
    `artifact: must be one of run ${runId}, but got ${JSON.stringify(path)}. ${names === '' ? 'The run has none.' : `There are: ${names}.`}`,
    { runId, path },
  );
}

async function listArtifacts(
  database: Database,
  runId: string,
  { prefix = '', ...query }: PageQuery & { prefix?: string },
) {
  const { limit, after } = parsePage('listArtifacts', query, 'string');
  const rows = await database.read('listArtifacts', async (db) => {
    await getRunRow(db, runId);
    let select = db.selectFrom('artifacts').selectAll().where('run_id', '=', runId);
    // The first finds the place in the index; both databases count characters as code points.
    if (prefix !== '') {
      select = select
        .where('path', '>=', prefix)
        .where(({ eb, fn, val }) => eb(fn('substr', ['path', val(1), val([...prefix].length)]), '=', prefix));
    }
    if (after !== undefined) select = select.where('path', '>', after);
    return select
      .orderBy('path')
      .limit(limit + 1)
      .execute();
  });
  return createPage(rows, limit, toRecord, (row) => row.path);
}

function toRecord(row: Row): ArtifactRecord {
  return { path: row.path, size: row.size, sha256: row.sha256, createdAt: row.created_at };
}
