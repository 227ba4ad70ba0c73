import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** The next version of a name; never one that was given before, even when that version is deleted. */
export async function nextVersion(
  db: Kysely<Schema>,
  family: 'dataset' | 'model',
  name: string,
): Promise<number> {
  const row = await db
    .insertInto('versions')
    .values({ family, name, last_version: 1 })
    .onConflict((conflict) =>
      conflict
        .columns(['family', 'name'])
        .doUpdateSet((expression) => ({ last_version: expression('versions.last_version', '+', 1) })),
    )
    .returning('last_version')
    .executeTakeFirstOrThrow();
  return row.last_version;
}
