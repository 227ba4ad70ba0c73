import { createHash, type Hash } from 'node:crypto';
import type { StringColumn, Table } from './table.ts';

const blockRows = 1 << 16;

/**
 * SHA-256 of column names, kinds and values, in order, as 64 hexadecimal digits. Tables of equal content have equal
 * fingerprints, however their dictionaries are numbered; −0 counts as 0, and all missing numbers are alike.
 */
export function fingerprintTable(table: Table): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([table.rows, table.columns.map(({ name, kind }) => [name, kind])]));
  for (const column of table.columns) {
    if (column.kind === 'string') hashStrings(hash, column);
    else hashNumbers(hash, column.values);
  }
  return hash.digest('hex');
}

function hashNumbers(hash: Hash, values: Float64Array): void {
  const block = new Float64Array(blockRows);
  const words = new Uint32Array(block.buffer);
  for (let from = 0; from < values.length; from += blockRows) {
    const count = Math.min(blockRows, values.length - from);
    for (let i = 0; i < count; i++) {
      const value = values[from + i];
      block[i] = value + 0;
      if (Number.isNaN(value)) {
        words[2 * i] = 0;
        words[2 * i + 1] = 0x7ff80000;
      }
    }
    hash.update(new Uint8Array(block.buffer, 0, 8 * count));
  }
}

/** Codes renumbered in order of first appearance, then the strings in that order. */
function hashStrings(hash: Hash, column: StringColumn): void {
  const { codes, dictionary } = column;
  const renumbered = new Int32Array(dictionary.size).fill(-1);
  const used: string[] = [];
  const block = new Int32Array(blockRows);
  for (let from = 0; from < codes.length; from += blockRows) {
    const count = Math.min(blockRows, codes.length - from);
    for (let i = 0; i < count; i++) {
      const code = codes[from + i];
      if (code >= 0 && renumbered[code] < 0) renumbered[code] = used.push(dictionary.get(code)) - 1;
      block[i] = code < 0 ? -1 : renumbered[code];
    }
    hash.update(new Uint8Array(block.buffer, 0, 4 * count));
  }
  hash.update(JSON.stringify(used));
}
