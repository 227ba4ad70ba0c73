import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { RuntimeFailure } from '#core';

let instance: Promise<DuckDBInstance> | undefined;

/**
 * A connection to the process-wide in-memory database; the caller closes it. Extensions are never downloaded: only
 * what is linked into the library (CSV, JSON, Parquet) is used.
 */
export async function openConnection(): Promise<DuckDBConnection> {
  instance ??= createInstance();
  try {
    const connection = await (await instance).connect();
    // Dates without a zone are UTC, whatever the machine's zone.
    await connection.run("SET TimeZone = 'UTC'");
    return connection;
  } catch (error) {
    instance = undefined;
    throw new RuntimeFailure(
      `duckdb: the database library must start, but it failed: ${(error as Error).message}. Reinstall @duckdb/node-api.`,
      {},
      { cause: error },
    );
  }
}

/** Loads the library only now: it takes a third of a second and 30 MB, and many processes never need it. */
export const loadDuckDB = () => import('@duckdb/node-api');

async function createInstance(): Promise<DuckDBInstance> {
  const { DuckDBInstance: Instance } = await loadDuckDB();
  return Instance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
}

/** Runs `work` on a connection of its own. */
export async function withConnection<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const connection = await openConnection();
  try {
    return await work(connection);
  } finally {
    connection.closeSync();
  }
}

/** All rows of a small result as plain values. */
export async function queryRows(
  connection: DuckDBConnection,
  sql: string,
): Promise<(string | number | boolean | null)[][]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRowsJson() as (string | number | boolean | null)[][];
}

/** A string literal of SQL. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A quoted identifier of SQL. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A file path as a literal of SQL: characters that DuckDB would take for a pattern stand for themselves. */
export function sqlPath(path: string): string {
  return sqlText(path.replace(/[[*?]/g, '[$&]'));
}

/** The first line of a database error, without its position in our SQL and its list of settings. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .split('\n')[0]
    .replace(/^[A-Z][A-Za-z ]*Error: /, '')
    .replace(/[.\s]+$/, '');
}
