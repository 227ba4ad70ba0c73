import { hashString } from '#core';
import type { Table } from '#data';

/** Number of rows that repeat an earlier one in every column and in the label. */
export function countDuplicateRows(table: Table, y: Float64Array): number {
  const keys = rowKeys(table, y);
  // First row with a key; rows of equal keys are compared, so that a collision is no duplicate.
  const first = new Map<number, number>();
  let duplicates = 0;
  for (let row = 0; row < table.rows; row++) {
    const earlier = first.get(keys[row]);
    if (earlier === undefined) first.set(keys[row], row);
    else if (sameRows(table, y, earlier, row)) duplicates++;
  }
  return duplicates;
}

/** 53-bit hashes of the rows, built column by column. */
function rowKeys(table: Table, y: Float64Array): Float64Array {
  const high = new Uint32Array(table.rows);
  const low = new Uint32Array(table.rows).fill(1);
  const bits = new Uint32Array(2);
  const number = new Float64Array(bits.buffer);
  const add = (row: number, value: number) => {
    high[row] = Math.imul(high[row] ^ value, 0x9e3779b1) ^ (high[row] >>> 15);
    low[row] = Math.imul(low[row] + value, 0x85ebca6b) ^ (low[row] >>> 13);
  };
  const addNumbers = (values: Float64Array) => {
    for (let row = 0; row < values.length; row++) {
      number[0] = values[row] + 0;
      add(row, Math.imul(bits[0], 0x27d4eb2f) ^ bits[1]);
    }
  };
  for (const column of table.columns) {
    if (column.kind !== 'string') {
      addNumbers(column.values);
      continue;
    }
    const hashes = Uint32Array.from(column.dictionary.values, (text) => hashString(text));
    for (let row = 0; row < table.rows; row++)
      add(row, column.codes[row] < 0 ? 0 : hashes[column.codes[row]]);
  }
  addNumbers(y);
  const keys = new Float64Array(table.rows);
  for (let row = 0; row < keys.length; row++) keys[row] = high[row] * 2 ** 21 + (low[row] >>> 11);
  return keys;
}

function sameRows(table: Table, y: Float64Array, a: number, b: number): boolean {
  if (!Object.is(y[a], y[b])) return false;
  return table.columns.every((column) =>
    column.kind === 'string'
      ? column.codes[a] === column.codes[b]
      : Object.is(column.values[a] + 0, column.values[b] + 0),
  );
}
