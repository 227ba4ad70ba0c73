import type { DuckDBConnection } from '@duckdb/node-api';
import { DataError } from '#core';
import type { CsvDialect } from './csv-dialect.ts';
import { firstLine, queryRows, sqlName, sqlPath, sqlText } from './duckdb.ts';
import type { PreparedFile } from './prepare-files.ts';

/** What a column of the files holds before its kind is decided. */
export interface SourceColumn {
  readonly name: string;
  /** Expression in the relation. */
  readonly sql: string;
  readonly content: 'text' | 'number' | 'date' | 'boolean';
  /** What a text column may turn out to be. */
  readonly infer: 'anything' | 'dates' | 'nothing';
  /** The file gives no name. */
  readonly unnamed?: boolean;
}

/** The rows of all files as something DuckDB can select from. */
export interface Relation {
  readonly sql: string;
  readonly columns: readonly SourceColumn[];
  /** The same columns, file by file, to find the row of a fault. */
  readonly files: readonly { readonly label: string; readonly sql: string }[];
}

/** `name`, `name_2`, `name_3`, … for repeated names and `column_3` for empty ones; changes are written to `repairs`. */
function repairNames(names: readonly string[], repairs: string[]): string[] {
  const used = new Set(names);
  const seen = new Set<string>();
  return names.map((name, i) => {
    if (name !== '' && !seen.has(name)) {
      seen.add(name);
      return name;
    }
    const stem = name === '' ? 'column' : name;
    let number = name === '' ? i + 1 : 2;
    while (used.has(`${stem}_${number}`)) number++;
    const fresh = `${stem}_${number}`;
    used.add(fresh);
    seen.add(fresh);
    repairs.push(
      name === ''
        ? `column ${i + 1} has no name: called "${fresh}"`
        : `column "${name}" appears again: renamed "${fresh}"`,
    );
    return fresh;
  });
}

/**
 * One relation over delimited files, whose columns may come in different orders. All values are read as text.
 *
 * @throws DataError when a file lacks a column of the first one or has another
 */
export function csvRelation(
  where: string,
  dialects: readonly CsvDialect[],
  nullValues: readonly string[],
  strict: boolean,
  repairs: string[],
): Relation {
  const names = repairNames(dialects[0].names, repairs);
  const files = dialects.map((dialect, i) => {
    const own = i === 0 ? names : repairNames(dialect.names, []);
    const positions = columnPositions(where, names, own, dialects[0].file.label, dialect.file.label);
    return { label: dialect.file.label, sql: csvSelect(dialect, positions, nullValues, strict) };
  });
  return {
    sql: unionAll(files.map((file) => file.sql)),
    files,
    columns: names.map((name, i) => ({
      name,
      sql: `v${i}`,
      content: 'text',
      infer: 'anything',
      unnamed: dialects[0].names[i] === '',
    })),
  };
}

function unionAll(parts: readonly string[]): string {
  return parts.length === 1
    ? parts[0]
    : `(${parts.map((sql) => `SELECT * FROM ${sql}`).join(' UNION ALL ')})`;
}

function columnPositions(
  where: string,
  names: readonly string[],
  own: readonly string[],
  firstLabel: string,
  label: string,
): number[] {
  const positions = names.map((name) => own.indexOf(name));
  const lacking = names.filter((_, i) => positions[i] < 0);
  const extra = own.filter((name) => !names.includes(name));
  if (lacking.length === 0 && extra.length === 0) return positions;
  const quote = (list: readonly string[]) => list.map((name) => `"${name}"`).join(', ');
  const parts = [
    ...(lacking.length > 0 ? [`lacks ${quote(lacking)}`] : []),
    ...(extra.length > 0 ? [`has also ${quote(extra)}`] : []),
  ];
  throw new DataError(
    `${where}: files of one table must have the same columns, but compared with "${firstLabel}", "${label}" ` +
      `${parts.join(' and ')}. Read them apart or make the columns agree.`,
    { file: label, lacking, extra },
  );
}

function csvSelect(
  dialect: CsvDialect,
  positions: readonly number[],
  nullValues: readonly string[],
  strict: boolean,
): string {
  const nulls = `[${nullValues.map(sqlText).join(', ')}]`;
  const columns = dialect.names.map((_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const read =
    `read_csv(${sqlPath(dialect.file.path)}, auto_detect=false, delim=${sqlText(dialect.delimiter)}, quote='"', ` +
    `escape='"', header=${dialect.header}, skip=${dialect.skip}, nullstr=${nullValues.length > 0 ? nulls : "''"}, ` +
    `strict_mode=${strict}, compression='none', columns={${columns}})`;
  const value = (i: number) => (dialect.spaced ? `trim(c${i})` : `c${i}`);
  const select = positions.map((p, i) =>
    dialect.spaced
      ? `CASE WHEN list_contains(${nulls}, ${value(p)}) THEN NULL ELSE ${value(p)} END AS v${i}`
      : `${value(p)} AS v${i}`,
  );
  return `(SELECT ${select.join(', ')} FROM ${read})`;
}

/** One relation over Parquet files; column types are the files' own. */
export async function parquetRelation(
  where: string,
  connection: DuckDBConnection,
  files: readonly PreparedFile[],
): Promise<Relation> {
  let first: string[] = [];
  for (const [i, file] of files.entries()) {
    const described = await describe(where, connection, file, `read_parquet(${sqlPath(file.path)})`);
    const names = described.map(([name]) => name);
    if (i === 0) first = names;
    else columnPositions(where, first, names, files[0].label, file.label);
  }
  const paths = files.map((file) => sqlPath(file.path)).join(', ');
  const all = `read_parquet([${paths}], union_by_name=true)`;
  const described = await describe(where, connection, files[0], all);
  const columns = described.map(([name, type]): SourceColumn => {
    const sql = sqlName(name);
    if (/^(BIGINT|HUGEINT|UBIGINT|UHUGEINT)$/.test(type))
      return { name, sql, content: 'number', infer: 'anything' };
    if (/^(U?(TINY|SMALL)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/.test(type)) {
      return { name, sql, content: 'number', infer: 'nothing' };
    }
    if (/^(DATE|TIMESTAMP.*)$/.test(type)) return { name, sql, content: 'date', infer: 'nothing' };
    if (type === 'BOOLEAN') return { name, sql, content: 'boolean', infer: 'nothing' };
    return { name, sql: textOf(sql, type), content: 'text', infer: 'nothing' };
  });
  return {
    sql: all,
    columns,
    files: files.map((file) => ({ label: file.label, sql: `read_parquet(${sqlPath(file.path)})` })),
  };
}

function textOf(sql: string, type: string): string {
  if (type === 'VARCHAR') return sql;
  return /[[(]/.test(type) ? `CAST(to_json(${sql}) AS VARCHAR)` : `CAST(${sql} AS VARCHAR)`;
}

/** One relation over files of JSON objects; nested values become JSON text, absent keys are missing. */
export async function jsonRelation(
  where: string,
  connection: DuckDBConnection,
  files: readonly PreparedFile[],
  nullValues: readonly string[],
): Promise<Relation> {
  const settings = "format='auto', sample_size=-1, maximum_sample_files=1000000, union_by_name=true";
  const paths = files.map((file) => sqlPath(file.path));
  for (const [i, file] of files.entries()) {
    const types = await describe(where, connection, file, `read_json(${paths[i]}, ${settings})`);
    if (types.length === 1 && types[0][0] === 'json') {
      throw new DataError(
        `${where}: every line must be a JSON object, but "${file.label}" holds other values. Write {"column": value} per line.`,
        { file: file.label },
      );
    }
  }
  const described = await describe(
    where,
    connection,
    files[0],
    `read_json([${paths.join(', ')}], ${settings})`,
  );
  const types = described.map(([name]) => `${sqlText(name)}: 'VARCHAR'`).join(', ');
  const read = (path: string) => `read_json(${path}, format='auto', columns={${types}})`;
  const nulls = `[${nullValues.map(sqlText).join(', ')}]`;
  const columns = described.map(([name, type]): SourceColumn => {
    const text = sqlName(name);
    const sql =
      nullValues.length === 0
        ? text
        : `CASE WHEN list_contains(${nulls}, ${text}) THEN NULL ELSE ${text} END`;
    const infer =
      type === 'JSON' || /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/.test(type)
        ? 'anything'
        : /^(VARCHAR|DATE|TIMESTAMP.*)$/.test(type)
          ? 'dates'
          : 'nothing';
    return { name, sql, content: 'text', infer };
  });
  return {
    sql: read(`[${paths.join(', ')}]`),
    columns,
    files: files.map((file, i) => ({ label: file.label, sql: read(paths[i]) })),
  };
}

async function describe(
  where: string,
  connection: DuckDBConnection,
  file: PreparedFile,
  relation: string,
): Promise<[string, string][]> {
  try {
    const rows = await queryRows(
      connection,
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${relation})`,
    );
    return rows.map(([name, type]) => [String(name), String(type)]);
  } catch (error) {
    throw unreadableContent(where, file.label, file.path, error);
  }
}

/** A file that DuckDB refuses, in one line. */
export function unreadableContent(where: string, label: string, path: string, error: unknown): DataError {
  const reason = firstLine(error).replaceAll(path, label);
  const line = reason.match(/in line (\d+)/)?.[1];
  return new DataError(
    `${where}: the file must be readable as a table, but "${label}" is not: ${reason}. Repair the file or give its format.`,
    { file: label, ...(line === undefined ? {} : { row: Number(line) }) },
    { cause: error },
  );
}
