import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

/** One place in the table of marks; whoever holds it runs one transaction at a time. */
export interface WriteMark {
  readonly slot: number;
  /** Grows with every transaction. */
  number: number;
}

/**
 * Every transaction leaves its number in the database. When a connection is lost during the commit, what is found there
 * says whether the transaction was committed. (PostgreSQL's own transaction numbers cannot: after a crash it may give
 * an unwritten one again.)
 */
export class WriteMarks {
  private readonly client = randomUUID();
  private readonly free: WriteMark[];
  private readonly waiting: ((mark: WriteMark) => void)[] = [];

  constructor(slots: number) {
    this.free = Array.from({ length: slots }, (_, slot) => ({ slot, number: 0 }));
  }

  async createTable(db: Kysely<Schema>): Promise<void> {
    await sql`
      create table if not exists write_marks (client text, slot bigint, number bigint not null,
        written_at timestamptz not null default now(), primary key (client, slot))`.execute(db);
    // Those of processes that were killed.
    await sql`delete from write_marks where written_at < now() - interval '7 days'`.execute(db);
  }

  /** Waits until a place is free. */
  async take(): Promise<WriteMark> {
    return this.free.pop() ?? new Promise((resolve) => this.waiting.push(resolve));
  }

  release(mark: WriteMark): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(mark);
    else next(mark);
  }

  /** As the last statement of a transaction. */
  async put(db: Kysely<Schema>, { slot, number }: WriteMark): Promise<void> {
    await sql`
      insert into write_marks (client, slot, number) values (${this.client}, ${slot}, ${number})
      on conflict (client, slot) do update set number = excluded.number, written_at = now()`.execute(db);
  }

  /** Waits for the transaction if the server is still at it: it holds the row. */
  async wasCommitted(db: Kysely<Schema>, { slot, number }: WriteMark): Promise<boolean> {
    const { rows } = await sql<{ number: number | string }>`
      insert into write_marks (client, slot, number) values (${this.client}, ${slot}, 0)
      on conflict (client, slot) do update set number = write_marks.number returning number`.execute(db);
    return Number(rows[0]?.number) === number;
  }

  async remove(db: Kysely<Schema>): Promise<void> {
    await sql`delete from write_marks where client = ${this.client}`.execute(db);
  }
}
