import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, timestamp } from '#core';
import { ArtifactFiles } from './artifact-files.ts';
import { LogFiles } from './log-files.ts';
import { Announcer } from './sql/announcer.ts';
import { artifactStore } from './sql/artifacts.ts';
import type { Database } from './sql/database.ts';
import { datasetStore } from './sql/datasets.ts';
import { eventStore } from './sql/events.ts';
import { experimentStore } from './sql/experiments.ts';
import { MetricWriter } from './sql/metric-writer.ts';
import { LatestMetricReader, metricStore } from './sql/metrics.ts';
import { migrate } from './sql/migrations.ts';
import { modelStore } from './sql/models.ts';
import { publishedPipelineStore } from './sql/published-pipelines.ts';
import { reuseStore } from './sql/reuse.ts';
import { runStore } from './sql/runs.ts';
import { SqliteDatabase } from './sql/sqlite-database.ts';
import { tokenStore } from './sql/tokens.ts';
import type { Store } from './store.ts';

const DEFAULT_LOCK_TIMEOUT_SECONDS = 30;

export interface StoreOptions {
  /** The `.trainyard` folder; made when it does not exist. Files of runs and models are in it with every database. */
  readonly root: string;
  /**
   * `postgres://` address of a database; default the environment variable `TRAINYARD_DATABASE_URL`, and without it the
   * SQLite file `workspace.db` in `root`, which an empty address asks for as well.
   */
  readonly url?: string;
  /** How long a call waits for a locked file or a database that is away, from 0; default 30. */
  readonly lockTimeoutSeconds?: number;
  /** What records are dated with; default the system's clock. The order of records does not depend on it. */
  readonly clock?: () => string;
}

/**
 * Opens a workspace's memory and brings its tables up to date.
 *
 * @throws ConfigError when the address is not one of PostgreSQL
 * @throws DataError when a newer Trainyard wrote the database, or it is damaged
 * @throws RuntimeFailure when it cannot be reached or written
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { root, lockTimeoutSeconds = DEFAULT_LOCK_TIMEOUT_SECONDS, clock = timestamp } = options;
  if (!(lockTimeoutSeconds >= 0)) {
    throw new ConfigError(
      `openStore: lockTimeoutSeconds must be a number from 0, but got ${lockTimeoutSeconds}. Use 30.`,
    );
  }
  await mkdir(root, { recursive: true });
  const database = await openDatabase(options, { lockTimeoutSeconds, clock });
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return createStore(database, root);
}

async function openDatabase(
  { root, url = process.env['TRAINYARD_DATABASE_URL'] }: StoreOptions,
  settings: { lockTimeoutSeconds: number; clock: () => string },
): Promise<Database> {
  if (url === undefined || url === '') return SqliteDatabase.open(join(root, 'workspace.db'), settings);
  if (/^postgres(ql)?:\/\//.test(url)) {
    // Its driver is loaded by those only who use it.
    const { openPostgresDatabase } = await import('./sql/postgres-database.ts');
    return openPostgresDatabase(url, settings);
  }
  const scheme = /^[a-z+]+(?=:)/i.exec(url)?.[0] ?? 'no scheme';
  throw new ConfigError(
    `openStore: the address must begin with postgres://, but got ${scheme}. Unset TRAINYARD_DATABASE_URL for SQLite.`,
  );
}

function createStore(database: Database, root: string): Store {
  const artifacts = new ArtifactFiles(join(root, 'artifacts'));
  const logs = new LogFiles(join(root, 'logs'));
  const announcer = new Announcer(database);
  const writer = new MetricWriter(database, announcer);
  const metrics = new LatestMetricReader();
  const forget = async (runIds: readonly string[]): Promise<void> => {
    for (const id of runIds) {
      await artifacts.remove(id);
      await logs.remove(id);
    }
  };
  return {
    kind: database.kind,
    ...experimentStore(database, forget),
    ...runStore(database, { metrics, announce: (runId) => announcer.flush(runId), forget }),
    ...metricStore(database, writer, metrics),
    ...eventStore(database, logs, announcer),
    ...artifactStore(database, artifacts),
    ...datasetStore(database),
    ...modelStore(database, new ArtifactFiles(join(root, 'models'))),
    ...publishedPipelineStore(database),
    ...tokenStore(database),
    ...reuseStore(database),
    close: async () => {
      await writer.close();
      await announcer.close();
      await database.close();
    },
  };
}
