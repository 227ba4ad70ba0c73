import { checkName, checkWhole, decodeJson, encodeJson } from '../check-fields.ts';
import type { LogFiles } from '../log-files.ts';
import type { Json, RunEvent } from '../records.ts';
import type { EventStore } from '../store.ts';
import type { Announcer } from './announcer.ts';
import type { Database } from './database.ts';
import { getRunRow } from './run-rows.ts';

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const DEFAULT_LOG_BYTES = 65_536;

export function eventStore(database: Database, logs: LogFiles, announcer: Announcer): EventStore {
  return {
    appendEvent: async (runId, type, data) => {
      await announcer.flush(runId);
      return appendEvent(database, runId, type, data);
    },
    readEvents: (runId, options = {}) => readEvents(database, runId, options),
    appendLog: async (runId, text) => {
      await database.read('appendLog', (db) => getRunRow(db, runId));
      announcer.noteLog(runId, await logs.append(runId, text));
    },
    readLog: async (runId, { offset = 0, maxBytes = DEFAULT_LOG_BYTES } = {}) => {
      await database.read('readLog', (db) => getRunRow(db, runId));
      return logs.read(runId, { offset, maxBytes });
    },
  };
}

async function appendEvent(database: Database, runId: string, type: string, data: Json): Promise<RunEvent> {
  checkName('event type', type);
  encodeJson('event data', data);
  const place = await database.write('appendEvent', async ({ db, emit }) => {
    const { root_id: rootId } = await getRunRow(db, runId);
    return emit({ runId, rootId, type, data });
  });
  return place.event!;
}

async function readEvents(
  database: Database,
  runId: string,
  { after = 0, limit = DEFAULT_LIMIT }: { after?: number; limit?: number },
): Promise<readonly RunEvent[]> {
  checkWhole('readEvents after', after, 0, Number.MAX_SAFE_INTEGER);
  checkWhole('readEvents limit', limit, 1, MAX_LIMIT);
  return database.read('readEvents', async (db) => {
    const { root_id } = await getRunRow(db, runId);
    let select = db.selectFrom('events').selectAll().where('root_id', '=', root_id).where('seq', '>', after);
    if (root_id !== runId) {
      const below = db
        .withRecursive('below', (cte) =>
          cte
            .selectFrom('runs')
            .select('id')
            .where('id', '=', runId)
            .unionAll(
              cte.selectFrom('runs').innerJoin('below', 'below.id', 'runs.parent_id').select('runs.id'),
            ),
        )
        .selectFrom('below')
        .select('id');
      select = select.where('run_id', 'in', below);
    }
    const rows = await select.orderBy('seq').limit(limit).execute();
    return rows.map((row) => ({
      seq: row.seq,
      runId: row.run_id,
      rootId: row.root_id,
      type: row.type,
      data: decodeJson<Json>(row.data_json),
      time: row.time,
    }));
  });
}
