import type { Kysely } from 'kysely';
import type { DataError } from '#core';
import type { MetricPoint } from '../records.ts';
import type { Announcer } from './announcer.ts';
import type { Database, PointColumns, Transaction } from './database.ts';
import { unknownRun } from './run-rows.ts';
import type { Schema } from './schema.ts';

/** Points of one transaction at most, so that others who wait for the file get their turn. */
const BATCH = 20_000;
const RUNS_REMEMBERED = 1000;

interface Waiting {
  readonly runId: string;
  readonly points: readonly MetricPoint[];
  resolve(): void;
  reject(error: unknown): void;
}

interface RunPlace {
  readonly seq: number;
  readonly experimentSeq: number;
}

/** Columns that grow. */
interface Columns extends PointColumns {
  readonly runSeqs: number[];
  readonly keyIds: number[];
  readonly steps: number[];
  readonly values: (number | null)[];
}

/**
 * Writes concurrent calls together: what arrives while one transaction is written goes into the next. A call resolves
 * when its transaction is on disk.
 */
export class MetricWriter {
  private readonly database: Database;
  private readonly announcer: Announcer;
  private waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;
  /** Ids of names; they never change. */
  private readonly keyIds = new Map<string, number>();
  /** Keys of runs whose experiment has them among its columns, on disk. */
  private readonly columns = new Map<number, Set<number>>();

  constructor(database: Database, announcer: Announcer) {
    this.database = database;
    this.announcer = announcer;
  }

  write(runId: string, points: readonly MetricPoint[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ runId, points, resolve, reject });
      this.writing ??= this.drain();
    });
  }

  async close(): Promise<void> {
    await this.writing;
  }

  private async drain(): Promise<void> {
    do {
      // Lets all that is ready to log do so first; a loop of awaited calls lets timers and sockets in as well.
      await new Promise((resolve) => setImmediate(resolve));
      await this.writeBatch(this.takeBatch());
    } while (this.waiting.length > 0);
    this.writing = undefined;
  }

  private takeBatch(): readonly Waiting[] {
    let points = 0;
    let count = 0;
    while (count < this.waiting.length && (count === 0 || points < BATCH)) {
      points += this.waiting[count]!.points.length;
      count++;
    }
    const batch = this.waiting.slice(0, count);
    this.waiting = this.waiting.slice(count);
    return batch;
  }

  private async writeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const keyIds = await this.findKeyIds(batch);
      const { faults, latest } = await this.database.write('logMetrics', (transaction) =>
        this.put(transaction, batch, keyIds),
      );
      this.rememberColumns(latest);
      for (const call of batch) {
        const fault = faults.get(call.runId);
        if (fault !== undefined) {
          call.reject(fault);
          continue;
        }
        this.announcer.noteMetrics(call.runId, call.points);
        call.resolve();
      }
    } catch (error) {
      for (const call of batch) call.reject(error);
    }
  }

  /** In a transaction of their own, so that ids are kept only when they are on disk. */
  private async findKeyIds(batch: readonly Waiting[]): Promise<ReadonlyMap<string, number>> {
    const missing = new Set<string>();
    for (const { points } of batch) {
      for (const { key } of points) if (!this.keyIds.has(key)) missing.add(key);
    }
    if (missing.size === 0) return this.keyIds;
    // In one order everywhere, so that two processes cannot wait for each other.
    const names = [...missing].sort();
    const rows = await this.database.write('logMetrics', async ({ db }) => {
      const found: { id: number; name: string }[] = [];
      for (const name of names) {
        await db
          .insertInto('metric_keys')
          .values({ name })
          .onConflict((conflict) => conflict.column('name').doNothing())
          .execute();
        found.push(
          await db
            .selectFrom('metric_keys')
            .select(['id', 'name'])
            .where('name', '=', name)
            .executeTakeFirstOrThrow(),
        );
      }
      return found;
    });
    for (const { id, name } of rows) this.keyIds.set(name, id);
    return this.keyIds;
  }

  /** @returns what to tell those whose run is not there */
  private async put(
    transaction: Transaction,
    batch: readonly Waiting[],
    keyIds: ReadonlyMap<string, number>,
  ): Promise<{ faults: ReadonlyMap<string, DataError>; latest: PointColumns }> {
    const { places, faults } = await this.findRuns(transaction.db, batch);
    const { all, latest } = collect(batch, places, keyIds);
    await transaction.putPoints(all, Date.parse(this.database.clock()));
    await transaction.putLatest(latest);
    await this.putColumns(transaction.db, latest, places);
    return { faults, latest };
  }

  private async findRuns(db: Kysely<Schema>, batch: readonly Waiting[]) {
    const places = new Map<string, RunPlace>();
    const faults = new Map<string, DataError>();
    const ids = [...new Set(batch.map((call) => call.runId))].sort();
    for (const id of ids) {
      let select = db
        .selectFrom('runs')
        .select(['seq', 'experiment_seq as experimentSeq'])
        .where('id', '=', id);
      // Keeps the run from being deleted under its points.
      if (this.database.kind === 'postgresql') select = select.forKeyShare();
      const row = await select.executeTakeFirst();
      if (row === undefined) faults.set(id, await unknownRun(db, id));
      else places.set(id, row);
    }
    return { places, faults };
  }

  /** Adds what is new to the columns of the runs' experiments. */
  private async putColumns(
    db: Kysely<Schema>,
    { runSeqs, keyIds }: PointColumns,
    places: ReadonlyMap<string, RunPlace>,
  ): Promise<void> {
    const experiments = new Map([...places.values()].map((place) => [place.seq, place.experimentSeq]));
    const pairs = new Map<string, { experiment_seq: number; key_id: number }>();
    runSeqs.forEach((seq, i) => {
      const keyId = keyIds[i]!;
      if (this.columns.get(seq)?.has(keyId)) return;
      const pair = { experiment_seq: experiments.get(seq)!, key_id: keyId };
      pairs.set(`${pair.experiment_seq} ${pair.key_id}`, pair);
    });
    // In one order everywhere, as above.
    for (const name of [...pairs.keys()].sort()) {
      await db
        .insertInto('experiment_metrics')
        .values(pairs.get(name)!)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }

  private rememberColumns({ runSeqs, keyIds }: PointColumns): void {
    runSeqs.forEach((seq, i) => {
      let known = this.columns.get(seq);
      if (known === undefined) {
        if (this.columns.size >= RUNS_REMEMBERED) this.columns.clear();
        known = new Set();
        this.columns.set(seq, known);
      }
      known.add(keyIds[i]!);
    });
  }
}

/** Points of all calls whose run is there, in order, and of each run's metric the one of the highest step. */
function collect(
  batch: readonly Waiting[],
  places: ReadonlyMap<string, RunPlace>,
  keyIds: ReadonlyMap<string, number>,
): { all: PointColumns; latest: PointColumns } {
  const all: Columns = { runSeqs: [], keyIds: [], steps: [], values: [] };
  const highest = new Map<number, Map<number, number>>();
  for (const { runId, points } of batch) {
    const seq = places.get(runId)?.seq;
    if (seq === undefined) continue;
    let ofRun = highest.get(seq);
    if (ofRun === undefined) {
      ofRun = new Map();
      highest.set(seq, ofRun);
    }
    for (const { key, value, step = 0 } of points) {
      const keyId = keyIds.get(key)!;
      const before = ofRun.get(keyId);
      if (before === undefined || step >= all.steps[before]!) ofRun.set(keyId, all.steps.length);
      all.runSeqs.push(seq);
      all.keyIds.push(keyId);
      all.steps.push(step);
      // -0 becomes 0, as SQLite would do by itself.
      all.values.push(Number.isNaN(value) ? null : value + 0);
    }
  }
  const chosen = [...highest.values()].flatMap((ofRun) => [...ofRun.values()]);
  const latest = {
    runSeqs: chosen.map((i) => all.runSeqs[i]!),
    keyIds: chosen.map((i) => all.keyIds[i]!),
    steps: chosen.map((i) => all.steps[i]!),
    values: chosen.map((i) => all.values[i]!),
  };
  return { all, latest };
}
