import { DataError } from '#core';
import { checkName, checkText } from '../check-fields.ts';
import { createPage, parsePage } from '../page-cursor.ts';
import type { Page, PageQuery, PromotionRecord } from '../records.ts';
import type { Database } from './database.ts';

export async function setModelAlias(
  database: Database,
  name: string,
  alias: string,
  version: number | null,
  { by = '', reason = '' }: { by?: string; reason?: string },
): Promise<void> {
  checkName('model name', name);
  checkName('model alias', alias);
  checkText('promotion by', by);
  checkText('promotion reason', reason);
  await database.write('setModelAlias', async ({ db, lockName }) => {
    await lockName(`model ${name}`);
    const rows = await db.selectFrom('models').select('version').where('name', '=', name).execute();
    const versions = rows.map((row) => row.version);
    if (version === null ? versions.length === 0 : !versions.includes(version)) {
      throw new DataError(
        `setModelAlias: the version must be registered, but got ${JSON.stringify(name)} version ${version}. Its versions are: ${versions.join(', ') || 'none'}.`,
        { name, version },
      );
    }
    const before = await db
      .selectFrom('model_aliases')
      .select('version')
      .where('name', '=', name)
      .where('alias', '=', alias)
      .executeTakeFirst();
    const from = before?.version ?? null;
    if (from === version) return;
    if (version === null) {
      await db.deleteFrom('model_aliases').where('name', '=', name).where('alias', '=', alias).execute();
    } else {
      await db
        .insertInto('model_aliases')
        .values({ name, alias, version })
        .onConflict((conflict) => conflict.columns(['name', 'alias']).doUpdateSet({ version }))
        .execute();
    }
    await db
      .insertInto('promotions')
      .values({
        name,
        alias,
        from_version: from,
        to_version: version,
        made_by: by,
        reason,
        time: database.clock(),
      })
      .execute();
  });
}

/** Newest first. */
export async function listPromotions(
  database: Database,
  name: string,
  query: PageQuery,
): Promise<Page<PromotionRecord>> {
  checkName('model name', name);
  const { limit, after } = parsePage('listPromotions', query, 'number');
  const rows = await database.read('listPromotions', (db) => {
    let select = db.selectFrom('promotions').selectAll().where('name', '=', name);
    if (after !== undefined) select = select.where('seq', '<', after);
    return select
      .orderBy('seq', 'desc')
      .limit(limit + 1)
      .execute();
  });
  return createPage(
    rows,
    limit,
    (row): PromotionRecord => ({
      seq: row.seq,
      name: row.name,
      alias: row.alias,
      fromVersion: row.from_version,
      toVersion: row.to_version,
      by: row.made_by,
      reason: row.reason,
      time: row.time,
    }),
    (row) => row.seq,
  );
}
