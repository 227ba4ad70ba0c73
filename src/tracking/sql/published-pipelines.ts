import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { ConfigError, DataError } from '#core';
import { checkName, checkText, decodeJson, encodeJson } from '../check-fields.ts';
import { createPage, parsePage } from '../page-cursor.ts';
import type { PageQuery, PublishedPipelineRecord, PublishedStatus } from '../records.ts';
import type { PublishedPipelineStore } from '../store.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

type Row = Omit<Selectable<Schema['published_pipelines']>, 'seq'>;
type Publication = Parameters<PublishedPipelineStore['publishPipeline']>[0];

export function publishedPipelineStore(database: Database): PublishedPipelineStore {
  return {
    publishPipeline: (pipeline) => publishPipeline(database, pipeline),
    findPublishedPipeline: async (id) => {
      const row = await database.read('findPublishedPipeline', (db) =>
        db
          .selectFrom('published_pipelines')
          .selectAll()
          .where('id', '=', checkText('pipeline id', id, 500))
          .executeTakeFirst(),
      );
      return row && toRecord(row);
    },
    listPublishedPipelines: (query = {}) => listPublishedPipelines(database, query),
    setPublishedStatus: (id, status) => setPublishedStatus(database, id, status),
  };
}

async function publishPipeline(database: Database, pipeline: Publication): Promise<PublishedPipelineRecord> {
  const row: Row = {
    id: randomUUID(),
    name: checkName('pipeline name', pipeline.name),
    description: checkText('pipeline description', pipeline.description),
    version: checkName('pipeline version', pipeline.version),
    status: 'Active' satisfies PublishedStatus,
    definition_json: encodeJson('pipeline definition', pipeline.definition),
    run_id: pipeline.runId,
    created_at: database.clock(),
  };
  await database.write('publishPipeline', ({ db }) =>
    db.insertInto('published_pipelines').values(row).execute(),
  );
  return toRecord(row);
}

async function listPublishedPipelines(database: Database, query: PageQuery) {
  const { limit, after } = parsePage('listPublishedPipelines', query, 'number');
  const rows = await database.read('listPublishedPipelines', (db) => {
    let select = db.selectFrom('published_pipelines').selectAll();
    if (after !== undefined) select = select.where('seq', '<', after);
    return select
      .orderBy('seq', 'desc')
      .limit(limit + 1)
      .execute();
  });
  return createPage(rows, limit, toRecord, (row) => row.seq);
}

async function setPublishedStatus(database: Database, id: string, status: PublishedStatus): Promise<void> {
  checkText('pipeline id', id, 500);
  if (status !== 'Active' && status !== 'Disabled') {
    throw new ConfigError(
      `setPublishedStatus: status must be Active or Disabled, but got ${String(status)}. Use one of them.`,
    );
  }
  await database.write('setPublishedStatus', async ({ db }) => {
    const changed = await db
      .updateTable('published_pipelines')
      .set({ status })
      .where('id', '=', id)
      .returning('id')
      .execute();
    if (changed.length > 0) return;
    const rows = await db
      .selectFrom('published_pipelines')
      .select(['id', 'name'])
      .orderBy('seq', 'desc')
      .limit(5)
      .execute();
    const newest = rows.map((row) => `${row.id} (${row.name})`).join(', ');
    throw new DataError(
      `pipeline: must be published, but got ${JSON.stringify(id)}. Newest are: ${newest || 'none'}.`,
      { id },
    );
  });
}

function toRecord(row: Row): PublishedPipelineRecord {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    version: row.version,
    status: row.status as PublishedStatus,
    definition: decodeJson(row.definition_json),
    runId: row.run_id,
    createdAt: row.created_at,
  };
}
