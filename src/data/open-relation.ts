import type { DuckDBConnection } from '@duckdb/node-api';
import { ConfigError, DataError } from '#core';
import type { ColumnKind } from './column-reading.ts';
import { type CsvDialect, sniffCsv } from './csv-dialect.ts';
import { findCsvFault } from './csv-faults.ts';
import type { PreparedFile } from './prepare-files.ts';
import { csvRelation, jsonRelation, parquetRelation, type Relation, unreadableContent } from './relation.ts';
import type { TableFormat } from './source-files.ts';
import { defaultNullValues } from './value-patterns.ts';

export interface ReadOptions {
  /** Format of all files; by default the extension tells. */
  readonly format?: TableFormat;
  /** One character; by default found from the file. */
  readonly delimiter?: string;
  /** `,` for European decimals, where a point then groups thousands; default `.`. */
  readonly decimal?: '.' | ',';
  /** Encoding label of text files, such as `latin1` or `windows-1252`; default UTF-8, or UTF-16 by its mark. */
  readonly encoding?: string;
  /** Does the first record hold the names? Default `auto`. */
  readonly header?: 'auto' | boolean;
  /** Texts that mean missing; replaces the default list. Applied to CSV and JSON Lines. */
  readonly nullValues?: readonly string[];
  /** Kind of single columns, whatever their values look like; numbers read as strings keep their text. */
  readonly types?: Readonly<Record<string, ColumnKind>>;
  /** strptime formats of single date columns, such as `%d/%m/%Y`. */
  readonly dateFormats?: Readonly<Record<string, string>>;
  /** Columns to read, in this order; default all. */
  readonly columns?: readonly string[];
  /** Rows of the files to pass over, from 0; default 0. Kinds of columns are found from the rows that are read. */
  readonly skipRows?: number;
  /** Rows to read at most, from 1; files are read no further. Default all. */
  readonly maxRows?: number;
  /** Longest time for one download; default 10 minutes. */
  readonly timeoutMs?: number;
  /** Largest accepted download in bytes; default 20 GB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** The files as a relation, with what is needed to explain a failure while reading them. */
export interface OpenRelation {
  readonly relation: Relation;
  readonly dialects: readonly CsvDialect[] | undefined;
  readonly strict: boolean;
}

/** @throws ConfigError for options that no file can meet; all faults are reported together */
export function checkReadOptions(where: string, options: ReadOptions): void {
  const faults: string[] = [];
  const { delimiter, decimal, types = {}, skipRows = 0, maxRows = 1 } = options;
  if (delimiter !== undefined && ([...delimiter].length !== 1 || /["\r\n]/.test(delimiter))) {
    faults.push(`delimiter must be one character other than a quote, but got ${JSON.stringify(delimiter)}`);
  }
  if (decimal !== undefined && decimal !== '.' && decimal !== ',') {
    faults.push(`decimal must be "." or ",", but got ${JSON.stringify(decimal)}`);
  }
  if (!Number.isSafeInteger(skipRows) || skipRows < 0) {
    faults.push(`skipRows must be a whole number from 0, but got ${skipRows}`);
  }
  if (!Number.isSafeInteger(maxRows) || maxRows < 1) {
    faults.push(`maxRows must be a whole number from 1, but got ${maxRows}`);
  }
  for (const [name, kind] of Object.entries(types)) {
    if (!['number', 'string', 'date'].includes(kind)) {
      faults.push(`types must be number, string or date, but got ${JSON.stringify(kind)} for "${name}"`);
    }
  }
  if (faults.length > 0)
    throw new ConfigError(`${where}: ${faults.join('; ')}. Correct the options.`, { faults });
}

export async function openRelation(
  where: string,
  connection: DuckDBConnection,
  format: TableFormat,
  files: readonly PreparedFile[],
  options: ReadOptions,
  repairs: string[],
  strict = true,
): Promise<OpenRelation> {
  const whole = await openWhole(where, connection, format, files, options, repairs, strict);
  const { skipRows = 0, maxRows } = options;
  if (skipRows === 0 && maxRows === undefined) return whole;
  const limit = maxRows === undefined ? '' : ` LIMIT ${maxRows}`;
  const sql = `(SELECT * FROM ${whole.relation.sql}${limit} OFFSET ${skipRows})`;
  return { ...whole, relation: { ...whole.relation, sql } };
}

async function openWhole(
  where: string,
  connection: DuckDBConnection,
  format: TableFormat,
  files: readonly PreparedFile[],
  options: ReadOptions,
  repairs: string[],
  strict: boolean,
): Promise<OpenRelation> {
  const nullValues = options.nullValues ?? defaultNullValues;
  if (format === 'parquet') {
    return { relation: await parquetRelation(where, connection, files), dialects: undefined, strict };
  }
  if (format === 'jsonl') {
    return {
      relation: await jsonRelation(where, connection, files, nullValues),
      dialects: undefined,
      strict,
    };
  }
  const dialects: CsvDialect[] = [];
  for (const file of files) dialects.push(await sniffCsv(where, file, { ...options, nullValues }));
  return { relation: csvRelation(where, dialects, nullValues, strict, repairs), dialects, strict };
}

/**
 * Explains why DuckDB refused the files. `undefined` says that the text is sound but mixes line ends, which its
 * strict mode does not read: the caller reads again with `strict` off.
 */
export async function explainFailure(
  where: string,
  open: OpenRelation,
  files: readonly PreparedFile[],
  error: unknown,
): Promise<Error | undefined> {
  if (error instanceof DataError || error instanceof ConfigError) return error;
  if (open.dialects !== undefined) {
    const fault = await findCsvFault(where, open.dialects);
    if (fault !== undefined || open.strict) return fault;
  }
  const named = files.find((file) => String(error).includes(file.path)) ?? files[0];
  return unreadableContent(where, named.label, named.path, error);
}
