import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBAppender, DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { loadDuckDB, sqlName, sqlText } from './duckdb.ts';
import type { Column, Table } from './table.ts';

const chunkRows = 2048;

/**
 * Collects parts in a database file in the temporary folder, in constant memory, and copies them to Parquet in the
 * end. Whole numbers become BIGINT, other numbers DOUBLE, strings VARCHAR, dates TIMESTAMP_MS.
 */
export class ParquetSink {
  private readonly target: string;
  private folder: string | undefined;
  private instance: DuckDBInstance | undefined;
  private connection: DuckDBConnection | undefined;
  private appender: DuckDBAppender | undefined;
  private columns: { name: string; kind: Column['kind']; integer: boolean }[] = [];

  constructor(target: string) {
    this.target = target;
  }

  async write(table: Table): Promise<void> {
    const appender = this.appender ?? (await this.open(table));
    for (const [i, column] of table.columns.entries()) {
      this.columns[i].integer &&= column.kind === 'number' && column.integer && fitsInt64(column.values);
    }
    const { DOUBLE, DuckDBDataChunk, VARCHAR } = await loadDuckDB();
    const types = table.columns.map((column) => (column.kind === 'string' ? VARCHAR : DOUBLE));
    for (let from = 0; from < table.rows; from += chunkRows) {
      const rows = Math.min(chunkRows, table.rows - from);
      const chunk = DuckDBDataChunk.create(types, rows);
      for (const [i, column] of table.columns.entries()) {
        chunk.setColumnValues(i, columnValues(column, from, rows));
      }
      appender.appendDataChunk(chunk);
    }
    appender.flushSync();
  }

  private async open(table: Table): Promise<DuckDBAppender> {
    this.folder = await mkdtemp(join(tmpdir(), 'trainyard-'));
    const { DuckDBInstance: Instance } = await loadDuckDB();
    this.instance = await Instance.create(join(this.folder, 'parts.db'), {
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    this.connection = await this.instance.connect();
    this.columns = table.columns.map(({ name, kind }) => ({ name, kind, integer: true }));
    const types = this.columns.map(({ kind }, i) => `c${i} ${kind === 'string' ? 'VARCHAR' : 'DOUBLE'}`);
    await this.connection.run(`CREATE TABLE parts (${types.join(', ')})`);
    this.appender = await this.connection.createAppender('parts');
    return this.appender;
  }

  async end(): Promise<void> {
    this.appender?.closeSync();
    const select = this.columns.map(({ name, kind, integer }, i) => {
      const value =
        kind === 'date'
          ? `CAST(make_timestamp_ms(CAST(c${i} AS BIGINT)) AS TIMESTAMP_MS)`
          : kind === 'number' && integer
            ? `CAST(c${i} AS BIGINT)`
            : `c${i}`;
      return `${value} AS ${sqlName(name)}`;
    });
    await this.connection?.run(
      `COPY (SELECT ${select.join(', ')} FROM parts) TO ${sqlText(this.target)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    await this.abort();
  }

  async abort(): Promise<void> {
    this.connection?.closeSync();
    this.instance?.closeSync();
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
  }
}

function fitsInt64(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) > 2 ** 53) return false;
  return true;
}

function columnValues(column: Column, from: number, rows: number): (number | string | null)[] {
  const result = new Array<number | string | null>(rows);
  for (let i = 0; i < rows; i++) {
    if (column.kind === 'string') {
      const code = column.codes[from + i];
      result[i] = code < 0 ? null : column.dictionary.get(code);
    } else {
      const value = column.values[from + i];
      result[i] = Number.isNaN(value) ? null : value;
    }
  }
  return result;
}
