import { numberColumn, Table } from '#data';

/** A column and how many of its values something was done to. */
export interface ColumnCount {
  readonly column: string;
  readonly count: number;
}

/**
 * Turns infinite values of number columns into missing ones. Columns without any are passed on, not copied.
 * @returns the repaired table, and the columns in which something was repaired
 */
export function repairInfinite(table: Table): { table: Table; repaired: ColumnCount[] } {
  const repaired: ColumnCount[] = [];
  const columns = table.columns.map((column) => {
    if (column.kind !== 'number') return column;
    let count = 0;
    for (let i = 0; i < column.values.length; i++) if (isInfinite(column.values[i])) count++;
    if (count === 0) return column;
    repaired.push({ column: column.name, count });
    return numberColumn(
      column.name,
      column.values.map((value) => (isInfinite(value) ? Number.NaN : value)),
    );
  });
  return { table: repaired.length === 0 ? table : new Table(columns), repaired };
}

function isInfinite(value: number): boolean {
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;
}
