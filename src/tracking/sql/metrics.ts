import { type Kysely, sql } from 'kysely';
import { ConfigError } from '#core';
import { checkName, checkWhole } from '../check-fields.ts';
import type { MetricPoint, StoredPoint } from '../records.ts';
import type { MetricStore } from '../store.ts';
import type { Database } from './database.ts';
import type { MetricWriter } from './metric-writer.ts';
import { getRunRow } from './run-rows.ts';
import type { Schema } from './schema.ts';

const HIGHEST_STEP = Number.MAX_SAFE_INTEGER;

export function metricStore(
  database: Database,
  writer: MetricWriter,
  reader: LatestMetricReader,
): MetricStore {
  return {
    logMetrics: async (runId, points) => {
      for (const point of points) checkPoint(point);
      await writer.write(runId, points);
    },
    latestMetrics: (runId) =>
      database.read('latestMetrics', async (db) => {
        const { seq } = await getRunRow(db, runId);
        return Object.fromEntries((await reader.read(db, [seq])).get(seq) ?? []);
      }),
    metricHistory: (runId, key, options = {}) => metricHistory(database, runId, key, options),
  };
}

/** Latest values of many runs; keys' names are read once, because they never change. */
export class LatestMetricReader {
  private readonly keyNames = new Map<number, string>();

  /** By run, pairs of name and value in order of their names. */
  async read(
    db: Kysely<Schema>,
    runSeqs: readonly number[],
  ): Promise<ReadonlyMap<number, readonly (readonly [string, number])[]>> {
    const found = new Map<number, (readonly [string, number])[]>();
    if (runSeqs.length === 0) return found;
    const rows = await db
      .selectFrom('latest_metrics')
      .select(['run_seq', 'key_id', 'value'])
      .where('run_seq', 'in', runSeqs)
      .execute();
    await this.names(
      db,
      rows.map((row) => row.key_id),
    );
    for (const { run_seq, key_id, value } of rows) {
      const pair = [this.keyNames.get(key_id) ?? '', value ?? Number.NaN] as const;
      const list = found.get(run_seq);
      if (list === undefined) found.set(run_seq, [pair]);
      else list.push(pair);
    }
    for (const list of found.values()) list.sort(([a], [b]) => (a < b ? -1 : 1));
    return found;
  }

  async names(db: Kysely<Schema>, ids: readonly number[]): Promise<string[]> {
    if (ids.some((id) => !this.keyNames.has(id))) {
      // All of them: there are as many as a person made up, and their ids may not fit one statement.
      const rows = await db.selectFrom('metric_keys').select(['id', 'name']).execute();
      for (const row of rows) this.keyNames.set(row.id, row.name);
    }
    return ids.map((id) => this.keyNames.get(id) ?? '');
  }
}

function checkPoint({ key, value, step = 0 }: MetricPoint): void {
  checkName('metric key', key);
  if (typeof value !== 'number') {
    throw new ConfigError(
      `metric ${JSON.stringify(key)}: must be a number, but got ${typeof value}. Convert it.`,
      { key },
    );
  }
  checkWhole(`metric ${JSON.stringify(key)} step`, step, 0, HIGHEST_STEP);
}

async function metricHistory(
  database: Database,
  runId: string,
  key: string,
  {
    fromStep = 0,
    toStep = HIGHEST_STEP,
    maxPoints,
  }: { fromStep?: number; toStep?: number; maxPoints?: number },
): Promise<readonly StoredPoint[]> {
  checkWhole('metricHistory fromStep', fromStep, 0, HIGHEST_STEP);
  checkWhole('metricHistory toStep', toStep, 0, HIGHEST_STEP);
  // The first and the last are always there.
  if (maxPoints !== undefined) checkWhole('metricHistory maxPoints', maxPoints, 2, HIGHEST_STEP);
  return database.read('metricHistory', async (db) => {
    const { seq } = await getRunRow(db, runId);
    const found = await db.selectFrom('metric_keys').select('id').where('name', '=', key).executeTakeFirst();
    if (found === undefined) return [];
    const points = db
      .selectFrom('metric_points')
      .select(['step', 'value', 'time'])
      .where('run_seq', '=', seq)
      .where('key_id', '=', found.id)
      .where('step', '>=', fromStep)
      .where('step', '<=', toStep);
    const all = maxPoints === undefined ? 0 : await countOf(db, points);
    const rows =
      maxPoints === undefined || all <= maxPoints
        ? await points.orderBy('step').execute()
        : await thin(db, points, all, maxPoints);
    return rows.map(({ step, value, time }) => ({
      step,
      value: value ?? Number.NaN,
      time: new Date(time).toISOString(),
    }));
  });
}

type Points = ReturnType<typeof selectPoints>;
type PointRow = { step: number; value: number | null; time: number };

/** Only for its type. */
function selectPoints(db: Kysely<Schema>) {
  return db.selectFrom('metric_points').select(['step', 'value', 'time']);
}

async function countOf(db: Kysely<Schema>, points: Points): Promise<number> {
  const row = await db
    .selectFrom(points.as('points'))
    .select((expression) => expression.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/**
 * `kept` of `all` points: point i, counted from 0, stays where ⌊i(kept-1)/(all-1)⌋ is greater than for the point
 * before it. That takes exactly `kept` points, the first and the last among them, and the database does it.
 */
async function thin(db: Kysely<Schema>, points: Points, all: number, kept: number): Promise<PointRow[]> {
  const numbered = points.select(sql<number>`row_number() over (order by step) - 1`.as('i'));
  const slots = sql.lit(kept - 1);
  const gaps = sql.lit(all - 1);
  return db
    .selectFrom(numbered.as('numbered'))
    .select(['step', 'value', 'time'])
    .where(sql<boolean>`i = 0 or (i * ${slots}) / ${gaps} > ((i - 1) * ${slots}) / ${gaps}`)
    .orderBy('step')
    .execute();
}
