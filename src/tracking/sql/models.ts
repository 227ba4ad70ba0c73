import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type Kysely, type Selectable, sql } from 'kysely';
import { ConfigError, DataError } from '#core';
import type { ArtifactFiles } from '../artifact-files.ts';
import { checkName, checkTags, checkText, decodeJson } from '../check-fields.ts';
import { createPage, parsePage } from '../page-cursor.ts';
import type { ModelRecord, PageQuery } from '../records.ts';
import type { ModelStore } from '../store.ts';
import type { Database } from './database.ts';
import { listPromotions, setModelAlias } from './model-aliases.ts';
import { nextVersion } from './next-version.ts';
import type { Schema } from './schema.ts';

type Row = Selectable<Schema['models']>;
type Registration = Parameters<ModelStore['registerModel']>[0];

/** The file's name in the folder of its version. */
const FILE = 'model';

/** Each version has a folder of its own under a made-up name, because a model's name may be any text. */
export function modelStore(database: Database, files: ArtifactFiles): ModelStore {
  return {
    registerModel: (model, content) => registerModel(database, files, model, content),
    findModel: (name, version) => findModel(database, name, version),
    openModel: async (name, version, range) => {
      const row = await database.read('openModel', (db) => getRow(db, name, version));
      const content = await files.open(row.file_key, FILE, range);
      const [record] = await database.read('openModel', (db) => toRecords(db, [row]));
      return { record: record!, content };
    },
    listModels: (query = {}) => listModels(database, query),
    listModelVersions: (name, query = {}) => listVersions(database, name, query),
    setModelAlias: (name, alias, version, note = {}) => setModelAlias(database, name, alias, version, note),
    listPromotions: (name, query = {}) => listPromotions(database, name, query),
    deleteModel: async (name, version) => {
      await files.remove(await deleteModel(database, name, version));
    },
  };
}

async function registerModel(
  database: Database,
  files: ArtifactFiles,
  model: Registration,
  content: Readable | Uint8Array,
): Promise<ModelRecord> {
  const values = {
    name: checkName('model name', model.name),
    file_key: randomUUID(),
    description: checkText('model description', model.description ?? ''),
    tags_json: JSON.stringify(checkTags('model tags', model.tags ?? {})),
    run_id: model.runId ?? null,
    metrics_json: encodeNumbers(model.metrics ?? {}),
    created_at: database.clock(),
  };
  const { size, sha256 } = await files.put(values.file_key, FILE, content);
  try {
    return await database.write('registerModel', async ({ db }) => {
      const version = await nextVersion(db, 'model', values.name);
      const row = { ...values, version, size, sha256 };
      await db.insertInto('models').values(row).execute();
      const [record] = await toRecords(db, [row]);
      return record!;
    });
  } catch (error) {
    await files.remove(values.file_key);
    throw error;
  }
}

async function findModel(
  database: Database,
  name: string,
  version?: number | string,
): Promise<ModelRecord | undefined> {
  checkName('model name', name);
  const [record] = await database.read('findModel', async (db) => {
    let select = db.selectFrom('models').selectAll().where('name', '=', name);
    if (typeof version === 'number') select = select.where('version', '=', version);
    if (typeof version === 'string') {
      select = select.where(
        'version',
        'in',
        db
          .selectFrom('model_aliases')
          .select('version')
          .where('name', '=', name)
          .where('alias', '=', checkName('model alias', version)),
      );
    }
    return toRecords(db, await select.orderBy('version', 'desc').limit(1).execute());
  });
  return record;
}

async function listModels(database: Database, query: PageQuery) {
  const { limit, after } = parsePage('listModels', query, 'string');
  return database.read('listModels', async (db) => {
    let select = db
      .selectFrom('models as newest')
      .selectAll()
      .where('version', '=', sql<number>`(select max(version) from models where models.name = newest.name)`);
    if (after !== undefined) select = select.where('name', '>', after);
    const rows = await select
      .orderBy('name')
      .limit(limit + 1)
      .execute();
    const records = await toRecords(db, rows);
    return createPage(
      records,
      limit,
      (record) => record,
      (record) => record.name,
    );
  });
}

async function listVersions(database: Database, name: string, query: PageQuery) {
  checkName('model name', name);
  const { limit, after } = parsePage('listModelVersions', query, 'number');
  return database.read('listModelVersions', async (db) => {
    let select = db.selectFrom('models').selectAll().where('name', '=', name);
    if (after !== undefined) select = select.where('version', '<', after);
    const rows = await select
      .orderBy('version', 'desc')
      .limit(limit + 1)
      .execute();
    if (rows.length === 0 && after === undefined) throw await unknownModel(db, name);
    const records = await toRecords(db, rows);
    return createPage(
      records,
      limit,
      (record) => record,
      (record) => record.version,
    );
  });
}

/** @returns the folder of its file */
async function deleteModel(database: Database, name: string, version: number): Promise<string> {
  return database.write('deleteModel', async ({ db, lockName }) => {
    await lockName(`model ${name}`);
    const row = await getRow(db, name, version);
    const [record] = await toRecords(db, [row]);
    const [alias] = record!.aliases;
    if (alias !== undefined) {
      throw new ConfigError(
        `deleteModel: no alias may point at the version, but ${JSON.stringify(alias)} points at ${JSON.stringify(name)} version ${version}. Move the alias first.`,
        { name, version, alias },
      );
    }
    await db.deleteFrom('models').where('name', '=', name).where('version', '=', version).execute();
    return row.file_key;
  });
}

/** @throws DataError when there is no such version */
async function getRow(db: Kysely<Schema>, name: string, version: number): Promise<Row> {
  checkName('model name', name);
  const row = await db
    .selectFrom('models')
    .selectAll()
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst();
  if (row === undefined) throw await unknownModel(db, name, version);
  return row;
}

async function unknownModel(db: Kysely<Schema>, name: string, version?: number): Promise<DataError> {
  const rows = await db
    .selectFrom('models')
    .select(['name', 'version'])
    .orderBy('name')
    .orderBy('version')
    .execute();
  const versions = rows.filter((row) => row.name === name).map((row) => row.version);
  const names = [...new Set(rows.map((row) => JSON.stringify(row.name)))].slice(0, 20).join(', ');
  const exists =
    versions.length > 0
      ? `Its versions are: ${versions.join(', ')}.`
      : `Registered are: ${names === '' ? 'none' : names}.`;
  const asked = `${JSON.stringify(name)}${version === undefined ? '' : ` version ${version}`}`;
  return new DataError(`model: must be registered, but got ${asked}. ${exists}`, { name, version });
}

async function toRecords(db: Kysely<Schema>, rows: readonly Row[]): Promise<ModelRecord[]> {
  if (rows.length === 0) return [];
  const names = [...new Set(rows.map((row) => row.name))];
  const aliases = await db
    .selectFrom('model_aliases')
    .selectAll()
    .where('name', 'in', names)
    .orderBy('alias')
    .execute();
  return rows.map((row) => ({
    name: row.name,
    version: row.version,
    description: row.description,
    tags: decodeJson(row.tags_json),
    runId: row.run_id,
    metrics: decodeNumbers(row.metrics_json),
    size: row.size,
    sha256: row.sha256,
    aliases: aliases
      .filter((alias) => alias.name === row.name && alias.version === row.version)
      .map(({ alias }) => alias),
    createdAt: row.created_at,
  }));
}

/** Numbers as JSON; NaN and infinities, which JSON has not, as their names. */
function encodeNumbers(numbers: Readonly<Record<string, number>>): string {
  for (const [key, value] of Object.entries(numbers)) {
    checkName('model metric', key);
    if (typeof value !== 'number') {
      throw new ConfigError(
        `model metric ${JSON.stringify(key)}: must be a number, but got ${typeof value}. Convert it.`,
        { key },
      );
    }
  }
  return JSON.stringify(numbers, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
}

function decodeNumbers(text: string): Record<string, number> {
  const stored = decodeJson<Record<string, number | string>>(text);
  return Object.fromEntries(Object.entries(stored).map(([key, value]) => [key, Number(value)]));
}
