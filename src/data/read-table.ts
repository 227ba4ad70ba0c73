import type { DuckDBConnection } from '@duckdb/node-api';
import { DataError } from '#core';
import { createBuilder } from './column-builders.ts';
import type { ColumnPlan, ReadingOptions } from './column-reading.ts';
import { withConnection } from './duckdb.ts';
import {
  checkReadOptions,
  explainFailure,
  type OpenRelation,
  openRelation,
  type ReadOptions,
} from './open-relation.ts';
import {
  chooseColumns,
  planColumns,
  readingOptions,
  replanRefuted,
  warnAmbiguousDates,
} from './plan-columns.ts';
import { emptyFile, type PreparedFile, prepareFiles } from './prepare-files.ts';
import type { Relation } from './relation.ts';
import { resolveSources, type TableFormat, type TableSource } from './source-files.ts';
import { streamRelation } from './stream-relation.ts';
import { type Column, Table } from './table.ts';

/** What was read and what had to be decided or repaired on the way. */
export interface ReadReport {
  readonly files: readonly string[];
  readonly format: TableFormat;
  readonly rows: number;
  /** Of the first file; absent for JSON Lines and Parquet. */
  readonly delimiter?: string;
  readonly header?: boolean;
  readonly columns: readonly ColumnFacts[];
  /** What was changed so that the files could be read, one sentence each. */
  readonly repairs: readonly string[];
  /** What the reader should know, one sentence each. */
  readonly warnings: readonly string[];
}

export interface ColumnFacts {
  readonly name: string;
  readonly kind: Column['kind'];
  readonly missing: number;
  /** Values that are +∞ or −∞; they are kept. */
  readonly infinite: number;
}

/**
 * Reads CSV, TSV, JSON Lines or Parquet, plain or gzip-compressed, from files, folders, patterns or http(s)
 * addresses into one table.
 *
 * A text column is a number column when every value in the files is a number, a date column when every value is a
 * date in one of the known styles, else a string column. It stays text when a value has leading zeros (`00123`) or
 * is a whole number beyond 2⁵³. Booleans are strings. Repeated column names are renamed `name_2`, empty ones
 * `column_3`. Infinite values are kept and counted in the report.
 *
 * @throws DataError naming file, row and column; ConfigError for impossible options
 */
export async function readTable(
  source: TableSource,
  options: ReadOptions = {},
): Promise<{ table: Table; report: ReadReport }> {
  const where = 'readTable';
  checkReadOptions(where, options);
  const sources = await resolveSources(where, source, options.format);
  const repairs: string[] = [];
  const prepared = await prepareFiles(where, sources, options, repairs);
  try {
    return await withConnection((connection) =>
      readPrepared(where, connection, sources[0].format, prepared.files, options, repairs),
    );
  } finally {
    await prepared.remove();
  }
}

async function readPrepared(
  where: string,
  connection: DuckDBConnection,
  format: TableFormat,
  files: readonly PreparedFile[],
  options: ReadOptions,
  repairs: string[],
): Promise<{ table: Table; report: ReadReport }> {
  const warnings: string[] = [];
  let open = await openRelation(where, connection, format, files, options, repairs);
  let columns: Column[];
  try {
    columns = await readRelation(where, connection, open.relation, options, repairs, warnings);
  } catch (error) {
    const fault = await explainFailure(where, open, files, error);
    if (fault !== undefined) throw fault;
    open = await openRelation(where, connection, format, files, options, [], false);
    columns = await readRelation(where, connection, open.relation, options, repairs, warnings).catch(
      async (again) => {
        throw await explainFailure(where, open, files, again);
      },
    );
    repairs.push('mixed line ends accepted');
  }
  const table = new Table(columns);
  if (table.rows === 0) throw noRows(where, open, files[0], options);
  return { table, report: makeReport(format, files, open, table, repairs, warnings) };
}

function noRows(
  where: string,
  open: OpenRelation,
  file: PreparedFile,
  { skipRows = 0 }: ReadOptions,
): DataError {
  if (skipRows > 0) {
    return new DataError(
      `${where}: there must be rows after skipRows, but "${file.label}" has none after ${skipRows}. Skip fewer.`,
      { file: file.label, skipRows },
    );
  }
  if (open.dialects?.[0].header !== true) return emptyFile(where, file.label);
  return new DataError(
    `${where}: a table must have rows, but "${file.label}" has only a header. ` +
      'Add rows, or read with header: false if the first line is data.',
    { file: file.label },
  );
}

async function readRelation(
  where: string,
  connection: DuckDBConnection,
  relation: Relation,
  options: ReadOptions,
  repairs: string[],
  warnings: string[],
): Promise<Column[]> {
  const chosen = chooseColumns(where, relation, options);
  const reading = readingOptions(options);
  const plans = await planColumns(connection, chosen, reading);
  const columns = new Array<Column>(plans.length);
  let pending = plans.map((_, i) => i);
  while (pending.length > 0) {
    const wanted = pending.map((i) => plans[i]);
    const { read, refuted } = await readColumns(connection, chosen, wanted, reading);
    const again = refuted ? await replanRefuted(where, connection, chosen, wanted, reading) : new Map();
    const next: number[] = [];
    for (const [k, i] of pending.entries()) {
      const plan = again.get(k);
      if (plan === undefined) columns[i] = read[k];
      else {
        plans[i] = plan;
        next.push(i);
      }
    }
    pending = next;
  }
  for (const { column, note } of plans) {
    if (note !== undefined) {
      warnings.push(`column "${column.name}" is read as text: ${note}; set types to read it otherwise`);
    }
  }
  await warnAmbiguousDates(connection, chosen, plans, warnings);
  return columns.filter((column, i) => {
    const empty = plans[i].column.unnamed === true && countMissing(column) === columnRows(column);
    if (empty) repairs.push(`column ${i + 1} has neither name nor values: dropped`);
    return !empty;
  });
}

/** One pass over the files for some columns; `refuted` says that a value does not fit its column's reading. */
async function readColumns(
  connection: DuckDBConnection,
  relation: Relation,
  plans: readonly ColumnPlan[],
  options: ReadingOptions,
): Promise<{ read: Column[]; refuted: boolean }> {
  const builders = plans.map((plan) => createBuilder(plan.column.name, plan.reading.kind));
  let rows = 0;
  let refuted = false;
  for await (const piece of streamRelation(connection, relation, plans, options.decimal)) {
    for (const [i, builder] of builders.entries()) builder.append(piece.chunk, i);
    rows += piece.rows;
    refuted ||= piece.refuted;
  }
  return { read: builders.map((builder) => builder.finish(rows)), refuted };
}

function makeReport(
  format: TableFormat,
  files: readonly PreparedFile[],
  open: OpenRelation,
  table: Table,
  repairs: readonly string[],
  warnings: readonly string[],
): ReadReport {
  const dialect = open.dialects?.[0];
  return {
    files: files.map((file) => file.label),
    format,
    rows: table.rows,
    ...(dialect === undefined ? {} : { delimiter: dialect.delimiter, header: dialect.header }),
    columns: table.columns.map((column) => ({
      name: column.name,
      kind: column.kind,
      missing: countMissing(column),
      infinite: countInfinite(column),
    })),
    repairs,
    warnings,
  };
}

function columnRows(column: Column): number {
  return column.kind === 'string' ? column.codes.length : column.values.length;
}

/** Rows of a column without a value. */
function countMissing(column: Column): number {
  let count = 0;
  if (column.kind === 'string') {
    const { codes } = column;
    for (let i = 0; i < codes.length; i++) if (codes[i] < 0) count++;
  } else {
    const { values } = column;
    for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) count++;
  }
  return count;
}

function countInfinite(column: Column): number {
  if (column.kind !== 'number') return 0;
  const { values } = column;
  let count = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) === Number.POSITIVE_INFINITY) count++;
  return count;
}
