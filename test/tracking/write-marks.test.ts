import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Schema } from '../../src/tracking/sql/schema.ts';
import { WriteMarks } from '../../src/tracking/sql/write-marks.ts';
import { PostgresServer, postgresBin } from './postgres-server.ts';

describe.skipIf(postgresBin === undefined)('the mark of a transaction whose answer was lost', () => {
  let server: PostgresServer;
  let db: Kysely<Schema>;
  beforeAll(async () => {
    server = await PostgresServer.start();
    const pool = new pg.Pool({ connectionString: await server.database('marks') });
    // A connection that is closing may still hear that the server stops.
    pool.on('error', () => undefined);
    db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  });
  afterAll(async () => {
    await db.destroy();
    await server.stop();
  });

  it('says whether it was committed, and waits while the server is still at it', async () => {
    const marks = new WriteMarks(1);
    await marks.createTable(db);
    const mark = await marks.take();
    for (const end of ['commit', 'rollback'] as const) {
      for (let round = 0; round < 2; round++) {
        mark.number++;
        const transaction = await db.startTransaction().execute();
        await marks.put(transaction, mark);
        let answer: boolean | undefined;
        const asking = marks.wasCommitted(db, mark).then((found) => {
          answer = found;
        });
        await waitForLock(db);
        expect(answer).toBeUndefined();
        await transaction[end]().execute();
        await asking;
        expect(answer).toBe(end === 'commit');
      }
    }
    marks.release(mark);
  });

  it('lends a slot to one transaction at a time', async () => {
    const marks = new WriteMarks(2);
    const first = await marks.take();
    const second = await marks.take();
    expect(first.slot).not.toBe(second.slot);
    const third = marks.take();
    marks.release(first);
    expect(await third).toBe(first);
  });
});

/** Until some query waits for another's lock. */
async function waitForLock(db: Kysely<Schema>): Promise<void> {
  for (;;) {
    const { rows } = await sql`
      select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%write_marks%'`.execute(
      db,
    );
    if (rows.length > 0) return;
  }
}
