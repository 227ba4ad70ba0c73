import { type Deadline, Rng } from '#core';
import { Table } from '#data';

export interface ColumnImportance {
  readonly column: string;
  /** Mean drop of the score when the column is shuffled; about 0 for a useless column. */
  readonly importance: number;
  /** Standard deviation over the repeats. */
  readonly std: number;
}

export interface PermutationOptions {
  readonly seed: number;
  /** Shuffles per column. */
  readonly repeats?: number;
  /** Columns to shuffle; all when absent. */
  readonly columns?: readonly string[];
  /** When over, the columns measured so far are returned. */
  readonly deadline: Deadline;
}

/**
 * How much worse predictions become when one raw column is shuffled, for every column; the most important first.
 *
 * @param table held-out rows, label dropped
 * @param score gives the quality of predictions for a table with these rows; greater is better
 * @source Breiman, "Random forests", Machine Learning 45 (2001); Fisher, Rudin and Dominici, JMLR 20 (2019)
 */
export function permutationImportance(
  table: Table,
  score: (table: Table) => number,
  { seed, repeats = 3, columns, deadline }: PermutationOptions,
): ColumnImportance[] {
  const rng = new Rng(seed);
  const baseline = score(table);
  const result: ColumnImportance[] = [];
  for (const column of table.columns) {
    if (columns !== undefined && !columns.includes(column.name)) continue;
    if (deadline.expired) break;
    const drops = Array.from({ length: repeats }, (_, r) => {
      const order = rng.fork(`${column.name}:${r}`).permutation(table.rows);
      const shuffled = new Table([column]).take(order).columns[0];
      return baseline - score(new Table(table.columns.map((c) => (c === column ? shuffled : c))));
    });
    const mean = drops.reduce((sum, drop) => sum + drop, 0) / repeats;
    const variance = drops.reduce((sum, drop) => sum + (drop - mean) ** 2, 0) / Math.max(1, repeats - 1);
    result.push({ column: column.name, importance: mean, std: Math.sqrt(variance) });
  }
  return result.sort((a, b) => b.importance - a.importance);
}
