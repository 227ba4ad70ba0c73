import type { DuckDBConnection, DuckDBDataChunk, DuckDBTinyIntVector } from '@duckdb/node-api';
import { type ColumnPlan, refutedExpression, valueExpression } from './column-reading.ts';
import type { Relation } from './relation.ts';

/** A piece of the rows: only the first `rows` of the chunk count. */
export interface RelationChunk {
  readonly chunk: DuckDBDataChunk;
  readonly rows: number;
  /** A value here does not fit its column's reading. */
  readonly refuted: boolean;
}

const fits = 0;
const refutes = 1;
const end = 2;

/**
 * Runs through all rows in the order of the files, column i of a chunk being plan i's values.
 *
 * The library ends a streamed result silently when the query fails on the way, which would be a shorter table. So
 * the rows are followed by a mark; when it does not arrive, the query is run again in a form that reports its error.
 */
export async function* streamRelation(
  connection: DuckDBConnection,
  relation: Relation,
  plans: readonly ColumnPlan[],
  decimal: '.' | ',',
  skipRows = 0,
): AsyncGenerator<RelationChunk, void, undefined> {
  const values = plans.map((plan, i) => `${valueExpression(plan, decimal)} AS e${i}`);
  const flags = plans.map((plan) => refutedExpression(plan, decimal)).filter((sql) => sql !== undefined);
  // `greatest` takes any number of arguments, where a chain of OR would be too deep for wide tables.
  const state =
    flags.length === 0
      ? `${fits}`
      : `CASE WHEN greatest(${flags.join(', ')}, false) THEN ${refutes} ELSE ${fits} END`;
  const rows =
    `SELECT ${[...values, `CAST(${state} AS TINYINT) AS state`].join(', ')} FROM ${relation.sql}` +
    `${skipRows > 0 ? ` OFFSET ${skipRows}` : ''}`;
  const mark = `SELECT ${'NULL, '.repeat(plans.length)}CAST(${end} AS TINYINT)`;
  const result = await connection.stream(`(${rows}) UNION ALL (${mark})`);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    const states = (chunk.getColumnVector(plans.length) as DuckDBTinyIntVector)['items'];
    const ended = states[states.length - 1] === end;
    const count = ended ? states.length - 1 : states.length;
    if (count > 0) yield { chunk, rows: count, refuted: states.includes(refutes) };
    if (ended) return;
  }
  const counts = plans.map((_, i) => `count(e${i})`);
  await connection.run(`SELECT ${[...counts, 'max(state)'].join(', ')} FROM (${rows})`);
  throw new Error('the rows ended early');
}
