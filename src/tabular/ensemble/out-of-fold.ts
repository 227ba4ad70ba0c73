import { hashString } from '#core';
import type { Task } from '../learners/learner.ts';

/**
 * Which rows were predicted while validating, and in which fold. One entry per predicted row; with Monte Carlo
 * validation a row may have several. All candidates of a search share one layout, so their predictions can be
 * compared and averaged entry by entry.
 *
 * Shapes: E entries.
 */
export interface OutOfFold {
  readonly task: Task;
  /** K, 0 in regression. */
  readonly classes: number;
  /** Number of folds. */
  readonly folds: number;
  /** [E] row of the table. */
  readonly rows: Uint32Array;
  /** [E] fold that held the row out, 0 … folds − 1. */
  readonly fold: Uint16Array;
  /** [E] class index or value. */
  readonly y: Float64Array;
  /** [E] sample weights, when there are any. */
  readonly weights?: Float64Array;
}

/** Parts of validated rows that are no partition by themselves. */
const NESTED_PARTS = 5;

/** Values per entry: K probabilities, or one number. */
export function outputsOf(layout: OutOfFold): number {
  return layout.task === 'classification' ? layout.classes : 1;
}

/**
 * Divides the entries into parts for nested scoring: whatever is chosen on the other parts is scored on this one.
 * No row is ever in two parts. The folds themselves serve when they partition the rows; else rows are dealt into
 * five parts in the order of a hash, or into fewer where there are not as many rows.
 * @returns [E] part of each entry, and the number of parts
 */
export function nestedParts(layout: OutOfFold): { readonly part: Uint16Array; readonly parts: number } {
  const { rows, fold, folds } = layout;
  if (folds >= 2 && new Set(rows).size === rows.length) return { part: fold, parts: folds };
  const distinct = [...new Set(rows)].map((row) => ({ row, hash: hashString(`part:${row}`) }));
  distinct.sort((a, b) => a.hash - b.hash || a.row - b.row);
  const parts = Math.min(NESTED_PARTS, distinct.length);
  const partOf = new Map(distinct.map(({ row }, rank) => [row, rank % parts]));
  return { part: Uint16Array.from(rows, (row) => partOf.get(row) as number), parts };
}

/** Entry numbers with `part[e] === p` (inside) and the others. */
export function splitByPart(part: Uint16Array, p: number): { inside: Uint32Array; outside: Uint32Array } {
  const inside: number[] = [];
  const outside: number[] = [];
  for (let e = 0; e < part.length; e++) (part[e] === p ? inside : outside).push(e);
  return { inside: Uint32Array.from(inside), outside: Uint32Array.from(outside) };
}

/** Entries of row-major values [E, outputs] in the order of `index`. */
export function takeEntries(values: Float64Array, index: ArrayLike<number>, outputs: number): Float64Array {
  const out = new Float64Array(index.length * outputs);
  for (let i = 0; i < index.length; i++) {
    for (let k = 0; k < outputs; k++) out[i * outputs + k] = values[index[i] * outputs + k];
  }
  return out;
}
