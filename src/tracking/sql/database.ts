import type { Kysely } from 'kysely';
import { timestamp } from '#core';
import type { Json, RunEvent } from '../records.ts';
import type { Schema } from './schema.ts';

export type DatabaseKind = 'sqlite' | 'postgresql';

/** Points of metrics as columns, one entry per point; of two with the same run, key and step the later one counts. */
export interface PointColumns {
  readonly runSeqs: readonly number[];
  readonly keyIds: readonly number[];
  readonly steps: readonly number[];
  /** `null` is NaN. */
  readonly values: readonly (number | null)[];
}

/** What a transaction that writes is given. */
export interface Transaction {
  readonly db: Kysely<Schema>;
  /** Keeps others out of the tables' definitions until the transaction ends. */
  lockSchema(): Promise<void>;
  /** Keeps others who name the same out until the transaction ends. */
  lockName(name: string): Promise<void>;
  /** Writes an event at the end of the transaction; its `seq` is there once `write` has resolved. */
  emit(event: NewEvent): PendingEvent;
  /** Upserts history points, all dated `time` (milliseconds since 1970). */
  putPoints(points: PointColumns, time: number): Promise<void>;
  /** Upserts latest values where the step is not lower than the one that is there. */
  putLatest(points: PointColumns): Promise<void>;
}

export interface NewEvent {
  readonly runId: string;
  readonly rootId: string;
  readonly type: string;
  readonly data: Json;
}

export interface PendingEvent {
  event: RunEvent | undefined;
}

/** A database that the store's tables live in. */
export interface Database {
  readonly kind: DatabaseKind;
  /** Wall-clock time of records. */
  readonly clock: () => string;
  /** Reads; repeated when the connection is lost or the file is locked. */
  read<T>(where: string, run: (db: Kysely<Schema>) => Promise<T>): Promise<T>;
  /**
   * One transaction, on disk when this resolves. `run` may be called again after a lost connection or a deadlock, so
   * it changes nothing but the database.
   */
  write<T>(where: string, run: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Inserts what was emitted, in order, and gives the events their numbers. */
export async function insertEvents(
  db: Kysely<Schema>,
  pending: readonly { readonly event: NewEvent; readonly place: PendingEvent }[],
  time: string = timestamp(),
): Promise<void> {
  for (const { event, place } of pending) {
    const { seq } = await db
      .insertInto('events')
      .values({
        run_id: event.runId,
        root_id: event.rootId,
        type: event.type,
        data_json: JSON.stringify(event.data),
        time,
      })
      .returning('seq')
      .executeTakeFirstOrThrow();
    place.event = { ...event, seq: Number(seq), time };
  }
}
