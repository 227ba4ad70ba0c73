import { randomInt } from 'node:crypto';
import { DatabaseSync } from '@photostructure/sqlite';
import { Kysely } from 'kysely';
import { DataError, now, RuntimeFailure, TrainyardError, yieldToEventLoop } from '#core';
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
import { type SqliteHandle, StatementCache, sqliteDialect } from './sqlite-driver.ts';

/** Milliseconds that SQLite itself waits for a lock; it blocks the event loop, so the rest is waited outside. */
const BLOCKING_WAIT_MS = 15;

/** Seconds of queries after which timers and sockets get their turn. */
const BREATH_SECONDS = 0.01;

const BUSY = 5;
const LOCKED = 6;

/** Primary result codes with the sentence that says what to do; see sqlite.org/rescode.html. */
const advice: Readonly<Record<number, readonly [found: string, wayOut: string]>> = {
  [BUSY]: ['a lock that another process keeps', 'End the process that holds it and try again'],
  [LOCKED]: ['a lock that another process keeps', 'End the process that holds it and try again'],
  8: ['a file that is read-only', 'Give this user the right to write it and its folder'],
  10: ['a failure of the disk or file system', 'See that the disk works and has room'],
  13: ['a full disk', 'Free some space; what was written before is intact'],
  14: ['a file that cannot be opened', 'See that its folder exists and may be written'],
};

/**
 * The tables in one SQLite file. WAL, so that readers and a writer do not wait for each other; `synchronous=FULL`,
 * because in WAL mode NORMAL leaves the last commits to the system's cache, where a power cut takes them (a killed
 * process does not), and metrics are written many to a commit anyway. Transactions begin with `BEGIN IMMEDIATE`: one
 * that reads first and writes later would fail instead of waiting. Writes of this process queue here, one by one; reads
 * have a connection of their own, so that they never see half a transaction.
 */
export class SqliteDatabase implements Database {
  readonly kind = 'sqlite';
  readonly clock: () => string;
  private readonly file: string;
  private readonly lockTimeoutSeconds: number;
  private readonly writer: SqliteHandle;
  private readonly reader: SqliteHandle;
  private readonly writing: StatementCache;
  private readonly reading: StatementCache;
  private readonly writerDb: Kysely<Schema>;
  private readonly readerDb: Kysely<Schema>;
  private tail: Promise<unknown> = Promise.resolve();
  private isClosed = false;
  private breathedAt = now();

  private constructor(file: string, lockTimeoutSeconds: number, clock: () => string) {
    this.file = file;
    this.lockTimeoutSeconds = lockTimeoutSeconds;
    this.clock = clock;
    this.writer = new DatabaseSync(file, { timeout: BLOCKING_WAIT_MS });
    this.reader = new DatabaseSync(file, { timeout: BLOCKING_WAIT_MS });
    this.writing = new StatementCache(this.writer);
    this.reading = new StatementCache(this.reader);
    this.writerDb = new Kysely({ dialect: sqliteDialect(this.writing) });
    this.readerDb = new Kysely({ dialect: sqliteDialect(this.reading) });
  }

  static async open(
    file: string,
    { lockTimeoutSeconds, clock }: { lockTimeoutSeconds: number; clock: () => string },
  ): Promise<SqliteDatabase> {
    let database: SqliteDatabase;
    try {
      database = new SqliteDatabase(file, lockTimeoutSeconds, clock);
    } catch (error) {
      throw translate('openStore', file, error);
    }
    await database.retry('openStore', async () => {
      for (const connection of [database.writer, database.reader]) {
        connection.exec('pragma journal_mode = wal; pragma synchronous = full; pragma temp_store = memory');
        // 32 MB of pages; the history of a large workspace does not fit anyway.
        connection.exec('pragma cache_size = -32000; pragma journal_size_limit = 67108864');
      }
    });
    return database;
  }

  read<T>(where: string, run: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    return this.retry(where, () => run(this.readerDb));
  }

  write<T>(where: string, run: (transaction: Transaction) => Promise<T>): Promise<T> {
    const done = this.tail.then(() => this.retry(where, () => this.attempt(run)));
    this.tail = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    await this.tail;
    if (this.isClosed) return;
    this.isClosed = true;
    this.writing.clear();
    this.reading.clear();
    this.reader.close();
    this.writer.close();
  }

  private async attempt<T>(run: (transaction: Transaction) => Promise<T>): Promise<T> {
    this.run('begin immediate');
    try {
      const events: { event: NewEvent; place: PendingEvent }[] = [];
      const result = await run({
        db: this.writerDb,
        // The one writer has all locks there are.
        lockSchema: async () => undefined,
        lockName: async () => undefined,
        emit: (event) => {
          const place: PendingEvent = { event: undefined };
          events.push({ event, place });
          return place;
        },
        putPoints: async (points, time) => this.putPoints(points, time),
        putLatest: async (points) => this.putLatest(points),
      });
      await insertEvents(this.writerDb, events, this.clock());
      this.run('commit');
      return result;
    } catch (error) {
      // A full disk or a failed write may have rolled back by itself.
      if (this.writer.isTransaction) this.writer.exec('rollback');
      throw error;
    }
  }

  private run(text: string): void {
    this.writing.get(text).statement.run();
  }

  /** Row by row: a prepared statement takes 4 µs, less than building text or JSON for many rows at once. */
  private putPoints({ runSeqs, keyIds, steps, values }: PointColumns, time: number): void {
    const put = this.prepareForValue(
      (value) => `insert into metric_points (run_seq, key_id, step, value, time) values (?, ?, ?, ${value}, ?)
        on conflict do update set value = excluded.value, time = excluded.time`,
    );
    for (let i = 0; i < steps.length; i++) {
      const value = values[i]!;
      if (isTiny(value)) put.negated.run(runSeqs[i], keyIds[i], steps[i], -value, time);
      else put.plain.run(runSeqs[i], keyIds[i], steps[i], value, time);
    }
  }

  private putLatest({ runSeqs, keyIds, steps, values }: PointColumns): void {
    const put = this.prepareForValue(
      (value) => `insert into latest_metrics (run_seq, key_id, step, value) values (?, ?, ?, ${value})
        on conflict do update set step = excluded.step, value = excluded.value where excluded.step >= step`,
    );
    for (let i = 0; i < steps.length; i++) {
      const value = values[i]!;
      if (isTiny(value)) put.negated.run(runSeqs[i], keyIds[i], steps[i], -value);
      else put.plain.run(runSeqs[i], keyIds[i], steps[i], value);
    }
  }

  private prepareForValue(text: (value: string) => string) {
    return {
      plain: this.writing.get(text('?')).statement,
      negated: this.writing.get(text('-?')).statement,
    };
  }

  /** A loop of awaited queries is a loop of microtasks, since every query is done at once: nothing else would run. */
  private async breathe(): Promise<void> {
    if (now() - this.breathedAt < BREATH_SECONDS) return;
    await yieldToEventLoop();
    this.breathedAt = now();
  }

  /** Repeats what meets a lock until the time is over; other failures are told at once. */
  private async retry<T>(where: string, attempt: () => Promise<T>): Promise<T> {
    await this.breathe();
    const end = now() + this.lockTimeoutSeconds;
    for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 50)) {
      if (this.isClosed) {
        throw new RuntimeFailure(`${where}: the store must be open, but got a closed one. Open it again.`);
      }
      try {
        return await attempt();
      } catch (error) {
        const code = resultCode(error);
        if ((code !== BUSY && code !== LOCKED) || now() >= end) throw translate(where, this.file, error);
        // Random, so that processes that met do not meet again.
        await pause(randomInt(1, pauseMs + 1));
      }
    }
  }
}

/**
 * The driver binds numbers that are less than 2^-52 above a whole one as that one (its `BindSingleParam`), which takes
 * small positive numbers to 0. It passes them on when they are negative.
 */
function isTiny(value: number | null): value is number {
  return value !== null && value > 0 && value < 2 ** -52;
}

/** SQLite's primary result code. */
function resultCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function translate(where: string, file: string, error: unknown): Error {
  if (error instanceof TrainyardError) return error;
  const code = resultCode(error);
  const said = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  if (code === 11 || code === 26) {
    return new DataError(
      `${where}: ${file} must be a sound SQLite database, but got "${said}". Restore it from a copy.`,
      { file },
      cause,
    );
  }
  const [found, wayOut] = advice[code ?? -1] ?? [`"${said}"`, 'See the cause'];
  return new RuntimeFailure(
    `${where}: ${file} must be written and read, but got ${found} (${said}). ${wayOut}.`,
    { file, code },
    cause,
  );
}
