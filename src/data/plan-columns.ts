import type { DuckDBConnection } from '@duckdb/node-api';
import { columnHint, DataError } from '#core';
import {
  type ColumnPlan,
  dateExpression,
  planColumn,
  type ReadingOptions,
  readingName,
  refutedExpression,
  swappedStyle,
  textExpression,
} from './column-reading.ts';
import { queryRows } from './duckdb.ts';
import type { ReadOptions } from './open-relation.ts';
import type { Relation } from './relation.ts';
import { looksLikeNumber } from './value-patterns.ts';

const sampleRows = 1000;

/** A plan for every column from the first 1,000 rows. */
export async function planColumns(
  connection: DuckDBConnection,
  relation: Relation,
  options: ReadingOptions,
): Promise<ColumnPlan[]> {
  const texts = relation.columns.map((column, i) => `${textExpression(column)} AS t${i}`);
  const rows = await queryRows(
    connection,
    `SELECT ${texts.join(', ')} FROM ${relation.sql} LIMIT ${sampleRows}`,
  );
  return relation.columns.map((column, i) => {
    const sample = rows.map((row) => row[i]).filter((value) => value !== null);
    return planColumn(column, [...new Set(sample.map(String))], options);
  });
}

/**
 * New plans, by position, for the columns whose reading some value refutes; the values that do become part of the
 * sample, so that the next reading fits them.
 *
 * @throws DataError naming file, row and value when the caller fixed the column's kind
 */
export async function replanRefuted(
  where: string,
  connection: DuckDBConnection,
  relation: Relation,
  plans: readonly ColumnPlan[],
  options: ReadingOptions,
): Promise<Map<number, ColumnPlan>> {
  const flags = plans.map((plan) => `bool_or(${refutedExpression(plan, options.decimal) ?? 'false'})`);
  const [found] = await queryRows(connection, `SELECT ${flags.join(', ')} FROM ${relation.sql}`);
  const result = new Map<number, ColumnPlan>();
  for (const [i, plan] of plans.entries()) {
    if (found[i] !== true) continue;
    const flag = refutedExpression(plan, options.decimal) as string;
    const rows = await queryRows(
      connection,
      `SELECT DISTINCT ${textExpression(plan.column)} FROM ${relation.sql} WHERE ${flag} LIMIT 20`,
    );
    const sample = [...plan.sample, ...rows.map(([value]) => String(value))];
    const refused = new Set([...plan.refused, readingName(plan.reading)]);
    const next = planColumn(plan.column, sample, options, refused);
    if (plan.declared && refused.has(readingName(next.reading))) {
      throw await locate(where, connection, relation, plan, flag);
    }
    result.set(i, next);
  }
  return result;
}

/** The first row in which a column whose kind the caller fixed holds something else. */
export async function locate(
  where: string,
  connection: DuckDBConnection,
  relation: Relation,
  plan: ColumnPlan,
  flag: string,
): Promise<DataError> {
  const { name } = plan.column;
  const { kind } = plan.reading;
  const style = plan.reading.kind === 'date' ? ` (${plan.reading.style.name})` : '';
  for (const file of relation.files) {
    const [hit] = await queryRows(
      connection,
      `SELECT r, v FROM (SELECT row_number() OVER () AS r, ${textExpression(plan.column)} AS v, ${flag} AS f ` +
        `FROM ${file.sql}) WHERE f LIMIT 1`,
    );
    if (hit === undefined) continue;
    return new DataError(
      `${where}: column "${name}" must hold a ${kind}${style}, but row ${hit[0]} of "${file.label}" has ${shown(hit[1])}. ` +
        (kind === 'date'
          ? 'Correct the value, give its dateFormats entry or read the column as a string.'
          : looksLikeNumber(String(hit[1]), ',')
            ? "Read with the decimal separator ',' if that is what it is, or correct the value."
            : 'Correct the value, add it to nullValues or read the column as a string.'),
      { file: file.label, row: Number(hit[0]), column: name, value: hit[1] },
    );
  }
  return new DataError(
    `${where}: column "${name}" must hold a ${kind}${style}, but got another value. Read it as a string.`,
    { column: name },
  );
}

/** Says so when day and month of a date column could as well be swapped in every row. */
export async function warnAmbiguousDates(
  connection: DuckDBConnection,
  relation: Relation,
  plans: readonly ColumnPlan[],
  warnings: string[],
): Promise<void> {
  for (const plan of plans) {
    const swapped = plan.declared ? undefined : swappedStyle(plan);
    if (swapped === undefined || plan.reading.kind !== 'date') continue;
    const text = textExpression(plan.column);
    const [[fails]] = await queryRows(
      connection,
      `SELECT bool_or(${text} IS NOT NULL AND ${dateExpression(text, swapped)} IS NULL) FROM ${relation.sql}`,
    );
    if (fails === true) continue;
    warnings.push(
      `column "${plan.column.name}" is read as dates ${plan.reading.style.name}, but ${swapped.name} fits as well; ` +
        'set dateFormats if days come first',
    );
  }
}

/** The relation with the columns that `options.columns` names. */
export function chooseColumns(where: string, relation: Relation, options: ReadOptions): Relation {
  const names = relation.columns.map((column) => column.name);
  const asked = [
    ...(options.columns ?? []),
    ...Object.keys(options.types ?? {}),
    ...Object.keys(options.dateFormats ?? {}),
  ];
  const absent = [...new Set(asked)].filter((name) => !names.includes(name));
  if (absent.length > 0) {
    const file = relation.files[0].label;
    throw new DataError(
      `${where}: the columns asked for must exist, but "${file}" has no ${quoted(absent)}. ${columnHint(absent[0], names)}`,
      { file, column: absent[0], absent, columns: names },
    );
  }
  if (options.columns === undefined) return relation;
  return { ...relation, columns: options.columns.map((name) => relation.columns[names.indexOf(name)]) };
}

/** What decides how single values are read. */
export function readingOptions(options: ReadOptions): ReadingOptions {
  return {
    decimal: options.decimal ?? '.',
    types: options.types ?? {},
    dateFormats: options.dateFormats ?? {},
  };
}

function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 10).map((name) => `"${name}"`);
  return names.length > shown.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more`
    : shown.join(', ');
}

/** A value as an error sentence shows it: on one line and not too long. */
function shown(value: unknown): string {
  const text = String(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
