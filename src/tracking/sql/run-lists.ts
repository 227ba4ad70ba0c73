import { ConfigError } from '#core';
import { createPage, parsePage } from '../page-cursor.ts';
import type { Page, RunQuery, RunSummary } from '../records.ts';
import { runStates } from '../run-state.ts';
import type { Database } from './database.ts';
import { unknownExperiment } from './experiments.ts';
import type { LatestMetricReader } from './metrics.ts';
import { selectRuns, toRunRecord } from './run-rows.ts';

export async function listRuns(
  database: Database,
  metrics: LatestMetricReader,
  query: RunQuery,
): Promise<Page<RunSummary>> {
  const { limit, after } = parsePage('listRuns', query, 'number');
  const { order = 'newest', states, kinds, tags = {}, parentId, experimentName } = query;
  const unknown = states?.find((state) => !runStates.includes(state));
  if (unknown !== undefined || (order !== 'newest' && order !== 'oldest')) {
    throw new ConfigError(
      `listRuns: states are ${runStates.join(', ')} and orders newest, oldest, but got ${unknown ?? order}. Use those.`,
    );
  }
  return database.read('listRuns', async (db) => {
    let select = selectRuns(db);
    if (experimentName !== undefined) {
      const experiment = await db
        .selectFrom('experiments')
        .select('seq')
        .where('name', '=', experimentName)
        .executeTakeFirst();
      if (experiment === undefined) throw await unknownExperiment(db, experimentName);
      select = select.where('runs.experiment_seq', '=', experiment.seq);
    }
    if (parentId === null) select = select.where('runs.parent_id', 'is', null);
    else if (parentId !== undefined) select = select.where('runs.parent_id', '=', parentId);
    if (states !== undefined) select = select.where('runs.state', 'in', [...states, '']);
    if (kinds !== undefined) select = select.where('runs.kind', 'in', [...kinds, '']);
    for (const [key, value] of Object.entries(tags)) {
      select = select.where('runs.seq', 'in', (inner) =>
        inner.selectFrom('run_tags').select('run_seq').where('key', '=', key).where('value', '=', value),
      );
    }
    if (after !== undefined) select = select.where('runs.seq', order === 'newest' ? '<' : '>', after);
    const rows = await select
      .orderBy('runs.seq', order === 'newest' ? 'desc' : 'asc')
      .limit(limit + 1)
      .execute();
    if (query.withMetrics !== true) return createPage(rows, limit, toRunRecord, (row) => row.seq);
    const latest = await metrics.read(
      db,
      rows.slice(0, limit).map((row) => row.seq),
    );
    const withMetrics = (row: (typeof rows)[number]): RunSummary => ({
      ...toRunRecord(row),
      metrics: Object.fromEntries(latest.get(row.seq) ?? []),
    });
    return createPage(rows, limit, withMetrics, (row) => row.seq);
  });
}

export async function listMetricKeys(
  database: Database,
  metrics: LatestMetricReader,
  experimentName: string,
): Promise<readonly string[]> {
  return database.read('listMetricKeys', async (db) => {
    const experiment = await db
      .selectFrom('experiments')
      .select('seq')
      .where('name', '=', experimentName)
      .executeTakeFirst();
    if (experiment === undefined) throw await unknownExperiment(db, experimentName);
    const rows = await db
      .selectFrom('experiment_metrics')
      .select('key_id')
      .where('experiment_seq', '=', experiment.seq)
      // Deleted runs leave their columns behind.
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('runs')
            .innerJoin('latest_metrics', 'latest_metrics.run_seq', 'runs.seq')
            .select('runs.seq')
            .where('runs.experiment_seq', '=', experiment.seq)
            .whereRef('latest_metrics.key_id', '=', 'experiment_metrics.key_id'),
        ),
      )
      .execute();
    const names = await metrics.names(
      db,
      rows.map((row) => row.key_id),
    );
    return names.sort();
  });
}
