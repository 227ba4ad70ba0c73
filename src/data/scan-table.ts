import type { DuckDBConnection } from '@duckdb/node-api';
import { ConfigError } from '#core';
import { createBuilder } from './column-builders.ts';
import { type ColumnKind, type ColumnPlan, refutedExpression } from './column-reading.ts';
import { openConnection } from './duckdb.ts';
import {
  checkReadOptions,
  explainFailure,
  type OpenRelation,
  openRelation,
  type ReadOptions,
} from './open-relation.ts';
import { chooseColumns, locate, planColumns, readingOptions, replanRefuted } from './plan-columns.ts';
import { prepareFiles } from './prepare-files.ts';
import type { Relation } from './relation.ts';
import { resolveSources, type TableSource } from './source-files.ts';
import { streamRelation } from './stream-relation.ts';
import { Table } from './table.ts';

/** A column that every chunk has, of a kind fixed beforehand. */
export interface ScanColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

export interface ScanOptions extends Omit<ReadOptions, 'types' | 'columns'> {
  /** Rows per table; chunks may have up to 2,047 more, the last may have fewer. Default 16,384. */
  readonly chunkRows?: number;
}

/**
 * Reads a source of any size table by table, in constant memory, with a schema fixed by the caller: exactly these
 * columns, in this order; others in the files are passed over. Dictionaries differ from chunk to chunk.
 *
 * @throws DataError when a column is missing (naming the nearest), a value does not fit its column's kind (naming file
 *   and row), or the files cannot be read; tables before the fault have been yielded by then
 */
export async function* scanTable(
  source: TableSource,
  columns: readonly ScanColumn[],
  options: ScanOptions = {},
): AsyncGenerator<Table, void, undefined> {
  const where = 'scanTable';
  const { chunkRows = 16_384 } = options;
  if (!Number.isInteger(chunkRows) || chunkRows < 1) {
    throw new ConfigError(
      `${where}: chunkRows must be a whole number above 0, but got ${chunkRows}. Use 16384.`,
    );
  }
  const full: ReadOptions = {
    ...options,
    columns: columns.map(({ name }) => name),
    types: Object.fromEntries(columns.map(({ name, kind }) => [name, kind])),
  };
  checkReadOptions(where, full);
  const sources = await resolveSources(where, source, options.format);
  const prepared = await prepareFiles(where, sources, options, []);
  try {
    const connection = await openConnection();
    try {
      let done = 0;
      for (const strict of [true, false]) {
        const open = await openRelation(
          where,
          connection,
          sources[0].format,
          prepared.files,
          full,
          [],
          strict,
        );
        try {
          for await (const table of scanRelation(where, connection, open, full, chunkRows, done)) {
            done += table.rows;
            yield table;
          }
          return;
        } catch (error) {
          const fault = await explainFailure(where, open, prepared.files, error);
          if (fault !== undefined) throw fault;
        }
      }
    } finally {
      connection.closeSync();
    }
  } finally {
    await prepared.remove();
  }
}

async function* scanRelation(
  where: string,
  connection: DuckDBConnection,
  { relation }: OpenRelation,
  options: ReadOptions,
  chunkRows: number,
  skipRows: number,
): AsyncGenerator<Table, void, undefined> {
  const chosen = chooseColumns(where, relation, options);
  const reading = readingOptions(options);
  const plans = await settleDates(
    where,
    connection,
    chosen,
    await planColumns(connection, chosen, reading),
    options,
  );
  const create = () => plans.map((plan) => createBuilder(plan.column.name, plan.reading.kind));
  let builders = create();
  let rows = 0;
  for await (const piece of streamRelation(connection, chosen, plans, reading.decimal, skipRows)) {
    if (piece.refuted) {
      const refuted = await replanRefuted(where, connection, chosen, plans, reading);
      const [plan] = [...refuted.keys()].map((i) => plans[i]);
      const doubt = refutedExpression(plan, reading.decimal) as string;
      throw await locate(where, connection, chosen, plan, doubt);
    }
    for (const [i, builder] of builders.entries()) builder.append(piece.chunk, i);
    rows += piece.rows;
    if (rows < chunkRows) continue;
    const finished = builders;
    const count = rows;
    builders = create();
    rows = 0;
    yield new Table(finished.map((builder) => builder.finish(count)));
  }
  if (rows > 0) yield new Table(builders.map((builder) => builder.finish(rows)));
}

/**
 * Dates other than ISO 8601 may turn out to be written day first only far into the files, so their style is settled
 * by one pass over those columns before the first chunk leaves.
 */
async function settleDates(
  where: string,
  connection: DuckDBConnection,
  relation: Relation,
  plans: readonly ColumnPlan[],
  options: ReadOptions,
): Promise<ColumnPlan[]> {
  const settled = [...plans];
  const isOpen = ({ reading, column }: ColumnPlan) =>
    reading.kind === 'date' && column.content !== 'date' && reading.style.formats !== undefined;
  let open = settled.flatMap((plan, i) => (isOpen(plan) ? [i] : []));
  while (open.length > 0) {
    const again = await replanRefuted(
      where,
      connection,
      relation,
      open.map((i) => settled[i]),
      readingOptions(options),
    );
    const next: number[] = [];
    for (const [k, plan] of again) {
      settled[open[k]] = plan;
      next.push(open[k]);
    }
    open = next;
  }
  return settled;
}
