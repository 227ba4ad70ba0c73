import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { ConfigError, now, RuntimeFailure, TrainyardError } from '#core';
import { pause } from '../pause.ts';
import {
  type Database,
  insertEvents,
  type NewEvent,
  type PendingEvent,
  type PointColumns,
  type Transaction,
} from './database.ts';
import type { Schema } from './schema.ts';
import { type WriteMark, WriteMarks } from './write-marks.ts';

const CONNECTIONS = 8;
const BIGINT = 20;

/** First keys of advisory locks, which are shared by all programs that use the database. */
const SCHEMA_LOCK = 0x7472_6e01;
const EVENT_LOCK = 0x7472_6e02;
const NAME_LOCK = 0x7472_6e03;

/**
 * Errors after which a transaction is repeated: connection exceptions (class 08), shutdown and start (57P01 to 57P03),
 * too many connections, serialisation failure, deadlock. See the appendix "PostgreSQL Error Codes" of its manual.
 */
const passing = /^(08...|57P0[123]|53300|40001|40P01|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOENT)$/;

interface Settings {
  readonly lockTimeoutSeconds: number;
  readonly clock: () => string;
}

export async function openPostgresDatabase(url: string, settings: Settings): Promise<Database> {
  const database = new PostgresDatabase(url, settings);
  try {
    await database.prepare();
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/**
 * The tables in a PostgreSQL database. A transaction that met a lost connection is repeated; when the connection went
 * while it was being committed, its mark says whether it was.
 */
class PostgresDatabase implements Database {
  readonly kind = 'postgresql';
  readonly clock: () => string;
  private readonly lockTimeoutSeconds: number;
  private readonly pool: pg.Pool;
  private readonly db: Kysely<Schema>;
  private readonly marks = new WriteMarks(CONNECTIONS);
  private isClosed = false;

  constructor(url: string, { lockTimeoutSeconds, clock }: Settings) {
    this.clock = clock;
    this.lockTimeoutSeconds = lockTimeoutSeconds;
    this.pool = new pg.Pool({
      connectionString: url,
      max: CONNECTIONS,
      connectionTimeoutMillis: 10_000,
      application_name: 'trainyard',
      types: {
        // Sequence numbers, steps and sizes stay below 2^53.
        getTypeParser: (oid: number, format?: 'text' | 'binary') =>
          oid === BIGINT ? Number : pg.types.getTypeParser(oid, format ?? 'text'),
      },
    });
    // A connection that is lost while nobody uses it: the next query opens another.
    this.pool.on('error', () => undefined);
    // One that is lost while it is used tells its query as well; an error event without a listener ends the process.
    this.pool.on('connect', (client) => client.on('error', () => undefined));
    this.db = new Kysely({ dialect: new PostgresDialect({ pool: this.pool }) });
  }

  /** What must be there before the first transaction. */
  async prepare(): Promise<void> {
    const found = await this.read('openStore', async (db) => {
      const { rows } = await sql<{ server_encoding: string }>`show server_encoding`.execute(db);
      return rows[0]?.server_encoding;
    });
    if (found !== 'UTF8') {
      throw new ConfigError(
        `openStore: the database must be encoded as UTF8, but got ${found}. Create it with encoding 'UTF8' and template template0.`,
      );
    }
    await this.retry('openStore', () =>
      this.db.transaction().execute(async (db) => {
        await lock(db, SCHEMA_LOCK, 0);
        await this.marks.createTable(db);
      }),
    );
  }

  read<T>(where: string, run: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.retry(where, () => run(this.db));
  }

  async write<T>(where: string, run: (transaction: Transaction) => Promise<T>): Promise<T> {
    const mark = await this.marks.take();
    try {
      return await this.retry(where, () => this.attempt(where, run, mark));
    } finally {
      this.marks.release(mark);
    }
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    // Only tidiness: a server that is away cannot be told.
    await this.marks.remove(this.db).catch(() => undefined);
    await this.db.destroy();
  }

  private async attempt<T>(
    where: string,
    run: (transaction: Transaction) => Promise<T>,
    mark: WriteMark,
  ): Promise<T> {
    let result: { value: T } | undefined;
    mark.number++;
    try {
      return await this.db.transaction().execute(async (db) => {
        const value = await this.runTransaction(db, run);
        await this.marks.put(db, mark);
        result = { value };
        return value;
      });
    } catch (error) {
      // All was written, but the answer to the commit did not come.
      if (result !== undefined && isPassing(error)) {
        const wasCommitted = await this.retry(where, () => this.marks.wasCommitted(this.db, mark));
        if (wasCommitted) return result.value;
      }
      throw error;
    }
  }

  private async runTransaction<T>(
    db: Kysely<Schema>,
    run: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    const events: { event: NewEvent; place: PendingEvent }[] = [];
    const result = await run({
      db,
      lockSchema: () => lock(db, SCHEMA_LOCK, 0),
      lockName: (name) => lock(db, NAME_LOCK, sql`hashtext(${name})`),
      emit: (event) => {
        const place: PendingEvent = { event: undefined };
        events.push({ event, place });
        return place;
      },
      putPoints: (points, time) => putPoints(db, points, time),
      putLatest: (points) => putLatest(db, points),
    });
    if (events.length > 0) {
      // Numbers are given before they can be seen. Without the lock a reader could meet the second of two events
      // first, and would never see the other.
      await lock(db, EVENT_LOCK, 0);
      await insertEvents(db, events, this.clock());
    }
    return result;
  }

  private async retry<T>(where: string, attempt: () => Promise<T>): Promise<T> {
    const end = now() + this.lockTimeoutSeconds;
    for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, 500)) {
      if (this.isClosed) {
        throw new RuntimeFailure(`${where}: the store must be open, but got a closed one. Open it again.`);
      }
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof TrainyardError) throw error;
        if (!isPassing(error) || now() >= end) throw translate(where, error);
        await pause(pauseMs);
      }
    }
  }
}

async function lock(db: Kysely<Schema>, first: number, second: unknown): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(first)}, ${second})`.execute(db);
}

/** One statement for all points, as arrays; of two for one place only the later one, as the statement wants it. */
async function putPoints(db: Kysely<Schema>, points: PointColumns, time: number): Promise<void> {
  const { runSeqs, keyIds, steps, values } = withoutRepeats(points);
  await sql`
    insert into metric_points (run_seq, key_id, step, value, time)
    select r, k, s, v, ${time}::bigint
    from unnest(${runSeqs}::bigint[], ${keyIds}::bigint[], ${steps}::bigint[], ${values}::double precision[])
      as points (r, k, s, v)
    order by r, k, s
    on conflict (run_seq, key_id, step) do update set value = excluded.value, time = excluded.time`.execute(
    db,
  );
}

async function putLatest(
  db: Kysely<Schema>,
  { runSeqs, keyIds, steps, values }: PointColumns,
): Promise<void> {
  await sql`
    insert into latest_metrics (run_seq, key_id, step, value)
    select r, k, s, v
    from unnest(${runSeqs}::bigint[], ${keyIds}::bigint[], ${steps}::bigint[], ${values}::double precision[])
      as points (r, k, s, v)
    order by r, k
    on conflict (run_seq, key_id) do update set step = excluded.step, value = excluded.value
    where excluded.step >= latest_metrics.step`.execute(db);
}

function withoutRepeats(points: PointColumns): PointColumns {
  const last = new Map<string, number>();
  points.steps.forEach((step, i) => {
    last.set(`${points.runSeqs[i]} ${points.keyIds[i]} ${step}`, i);
  });
  if (last.size === points.steps.length) return points;
  const kept = [...last.values()];
  return {
    runSeqs: kept.map((i) => points.runSeqs[i]!),
    keyIds: kept.map((i) => points.keyIds[i]!),
    steps: kept.map((i) => points.steps[i]!),
    values: kept.map((i) => points.values[i]!),
  };
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  if (passing.test(code)) return true;
  if (error instanceof AggregateError) return error.errors.some(isPassing);
  // pg has no code for these.
  return /Connection terminated|timeout exceeded when trying to connect|not queryable/.test(error.message);
}

function translate(where: string, error: unknown): RuntimeFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  const said = error instanceof Error && error.message !== '' ? error.message : String(code ?? error);
  const wayOut = isPassing(error)
    ? 'See that the server runs and its address is right'
    : code === '53100'
      ? "Free some space on the server's disk"
      : 'See the cause';
  return new RuntimeFailure(
    `${where}: PostgreSQL must answer, but got "${said}". ${wayOut}.`,
    { code },
    { cause: error },
  );
}
