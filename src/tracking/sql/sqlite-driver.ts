import type { DatabaseSync } from '@photostructure/sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { UnsupportedError } from '#core';

const STATEMENTS_KEPT = 200;

/** An open connection. */
export type SqliteHandle = InstanceType<typeof DatabaseSync>;

type Statement = ReturnType<SqliteHandle['prepare']>;

/** Prepared statements of one connection by their text; the oldest go when there are too many. */
export class StatementCache {
  private readonly database: SqliteHandle;
  private readonly statements = new Map<string, { statement: Statement; returnsRows: boolean }>();

  constructor(database: SqliteHandle) {
    this.database = database;
  }

  get(text: string): { statement: Statement; returnsRows: boolean } {
    const found = this.statements.get(text);
    if (found !== undefined) return found;
    const statement = this.database.prepare(text);
    const made = { statement, returnsRows: statement.columns().length > 0 };
    if (this.statements.size >= STATEMENTS_KEPT) {
      const [oldest] = this.statements.keys();
      this.statements.delete(oldest!);
    }
    this.statements.set(text, made);
    return made;
  }

  clear(): void {
    this.statements.clear();
  }
}

/**
 * Kysely over one open connection of the `node:sqlite` interface, which is synchronous: every query is done when its
 * promise is made. Transactions are the business of whoever owns the connection.
 */
export function sqliteDialect(statements: StatementCache): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new SqliteDriver(statements),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class SqliteDriver implements Driver {
  private readonly connection: DatabaseConnection;

  constructor(statements: StatementCache) {
    this.connection = new SqliteConnection(statements);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.connection;
  }

  beginTransaction(): Promise<void> {
    return refuse();
  }

  commitTransaction(): Promise<void> {
    return refuse();
  }

  rollbackTransaction(): Promise<void> {
    return refuse();
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

class SqliteConnection implements DatabaseConnection {
  private readonly statements: StatementCache;

  constructor(statements: StatementCache) {
    this.statements = statements;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { statement, returnsRows } = this.statements.get(sql);
    if (returnsRows) return { rows: statement.all(...parameters) as R[] };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  // biome-ignore lint/correctness/useYield: the interface asks for a generator, and this one only refuses.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new UnsupportedError('sqlite: rows are read at once, but got a stream. Read page by page.');
  }
}

async function refuse(): Promise<void> {
  throw new UnsupportedError(
    'sqlite: transactions belong to Database.write, but got one of kysely. Use write.',
  );
}
