import { describeTable, type Table } from '#data';

/** Rows that are looked at. */
const LOOKED_AT = 10_000;

/**
 * What each column usually holds: medians, and texts that stand in several rows, so that no row of the data is given
 * away. `null` where no text is frequent.
 */
export function typicalRow(table: Table): Record<string, string | number | null> {
  const rows = Math.min(table.rows, LOOKED_AT);
  const part = rows === table.rows ? table : table.take(Uint32Array.from({ length: rows }, (_, i) => i));
  const summaries = describeTable(part, { top: 1 });
  return Object.fromEntries(
    part.columns.map((column, i) => {
      const { q50, top } = summaries[i];
      const [first] = top;
      if (column.kind === 'string')
        return [column.name, first !== undefined && first.count > 1 ? String(first.value) : null];
      if (column.kind === 'number' && column.integer && typeof q50 === 'number')
        return [column.name, Math.round(q50)];
      return [column.name, q50 ?? null];
    }),
  );
}
