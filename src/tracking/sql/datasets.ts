import { sql } from 'kysely';
import { DataError } from '#core';
import {
  checkName,
  checkTags,
  checkText,
  checkWhole,
  decodeJson,
  encodeJsonObject,
} from '../check-fields.ts';
import { createPage, parsePage } from '../page-cursor.ts';
import type { DatasetRecord, PageQuery } from '../records.ts';
import type { DatasetStore } from '../store.ts';
import type { Database } from './database.ts';
import { nextVersion } from './next-version.ts';

type Registration = Parameters<DatasetStore['registerDataset']>[0];

interface Row {
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly tags_json: string;
  readonly fingerprint: string;
  readonly source_json: string;
  readonly created_at: string;
}

export function datasetStore(database: Database): DatasetStore {
  return {
    registerDataset: (dataset) => registerDataset(database, dataset),
    findDataset: (name, version) => findDataset(database, name, version),
    listDatasets: (query = {}) => listDatasets(database, query),
    listDatasetVersions: (name, query = {}) => listVersions(database, name, query),
    deleteDataset: (name, version) => deleteDataset(database, name, version),
  };
}

async function registerDataset(database: Database, dataset: Registration): Promise<DatasetRecord> {
  const values = {
    name: checkName('dataset name', dataset.name),
    description: checkText('dataset description', dataset.description ?? ''),
    tags_json: JSON.stringify(checkTags('dataset tags', dataset.tags ?? {})),
    fingerprint: checkName('dataset fingerprint', dataset.fingerprint),
    source_json: encodeJsonObject('dataset source', dataset.source),
    created_at: database.clock(),
  };
  return database.write('registerDataset', async ({ db, lockName }) => {
    await lockName(`dataset ${values.name}`);
    const same = await db
      .selectFrom('datasets')
      .selectAll()
      .where('name', '=', values.name)
      .where('fingerprint', '=', values.fingerprint)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (same !== undefined) return toRecord(same);
    const row = { ...values, version: await nextVersion(db, 'dataset', values.name) };
    await db.insertInto('datasets').values(row).execute();
    return toRecord(row);
  });
}

async function findDataset(
  database: Database,
  name: string,
  version?: number,
): Promise<DatasetRecord | undefined> {
  checkName('dataset name', name);
  if (version !== undefined) checkWhole('dataset version', version, 1, Number.MAX_SAFE_INTEGER);
  const row = await database.read('findDataset', (db) => {
    let select = db.selectFrom('datasets').selectAll().where('name', '=', name);
    if (version !== undefined) select = select.where('version', '=', version);
    return select.orderBy('version', 'desc').limit(1).executeTakeFirst();
  });
  return row && toRecord(row);
}

async function listDatasets(database: Database, query: PageQuery) {
  const { limit, after } = parsePage('listDatasets', query, 'string');
  const rows = await database.read('listDatasets', (db) => {
    let select = db
      .selectFrom('datasets as newest')
      .selectAll()
      .where(
        'version',
        '=',
        sql<number>`(select max(version) from datasets where datasets.name = newest.name)`,
      );
    if (after !== undefined) select = select.where('name', '>', after);
    return select
      .orderBy('name')
      .limit(limit + 1)
      .execute();
  });
  return createPage(rows, limit, toRecord, (row) => row.name);
}

async function listVersions(database: Database, name: string, query: PageQuery) {
  checkName('dataset name', name);
  const { limit, after } = parsePage('listDatasetVersions', query, 'number');
  const rows = await database.read('listDatasetVersions', (db) => {
    let select = db.selectFrom('datasets').selectAll().where('name', '=', name);
    if (after !== undefined) select = select.where('version', '<', after);
    return select
      .orderBy('version', 'desc')
      .limit(limit + 1)
      .execute();
  });
  if (rows.length === 0 && after === undefined) throw await unknownDataset(database, name);
  return createPage(rows, limit, toRecord, (row) => row.version);
}

async function deleteDataset(database: Database, name: string, version?: number): Promise<void> {
  checkName('dataset name', name);
  const isGone = await database.write('deleteDataset', async ({ db }) => {
    let remove = db.deleteFrom('datasets').where('name', '=', name);
    if (version !== undefined) remove = remove.where('version', '=', version);
    return (await remove.returning('version').execute()).length > 0;
  });
  if (!isGone) throw await unknownDataset(database, name, version);
}

async function unknownDataset(database: Database, name: string, version?: number): Promise<DataError> {
  const rows = await database.read('findDataset', (db) =>
    db.selectFrom('datasets').select(['name', 'version']).orderBy('name').orderBy('version').execute(),
  );
  const versions = rows.filter((row) => row.name === name).map((row) => row.version);
  const names = [...new Set(rows.map((row) => JSON.stringify(row.name)))].slice(0, 20).join(', ');
  const exists =
    versions.length > 0
      ? `Its versions are: ${versions.join(', ')}.`
      : `Registered are: ${names === '' ? 'none' : names}.`;
  const asked = `${JSON.stringify(name)}${version === undefined ? '' : ` version ${version}`}`;
  return new DataError(`dataset: must be registered, but got ${asked}. ${exists}`, { name, version });
}

function toRecord(row: Row): DatasetRecord {
  return {
    name: row.name,
    version: row.version,
    description: row.description,
    tags: decodeJson(row.tags_json),
    fingerprint: row.fingerprint,
    source: decodeJson(row.source_json),
    createdAt: row.created_at,
  };
}
