import type { DuckDBDataChunk, DuckDBDoubleVector, DuckDBVarCharVector } from '@duckdb/node-api';
import { Dictionary } from './dictionary.ts';
import type { Column } from './table.ts';

const pieceRows = 1 << 15;

/** Collects one column chunk by chunk; `finish` gives the column and frees the pieces. */
export interface ColumnBuilder {
  append(chunk: DuckDBDataChunk, index: number): void;
  finish(rows: number): Column;
}

export function createBuilder(name: string, kind: Column['kind']): ColumnBuilder {
  return kind === 'string' ? new StringBuilder(name) : new NumberBuilder(name, kind);
}

/** Bits of the rows that hold a value, or `undefined` when all do. */
function validBits(words: BigUint64Array | null): Uint8Array | undefined {
  return words === null ? undefined : new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Float64 values; missing becomes NaN. The library's own arrays are copied whole instead of item by item. */
class NumberBuilder implements ColumnBuilder {
  private readonly name: string;
  private readonly kind: 'number' | 'date';
  private pieces: Float64Array[] = [];
  private used = pieceRows;

  constructor(name: string, kind: 'number' | 'date') {
    this.name = name;
    this.kind = kind;
  }

  append(chunk: DuckDBDataChunk, index: number): void {
    const vector = chunk.getColumnVector(index) as DuckDBDoubleVector;
    const items = vector['items'];
    const bits = validBits(vector['validity']['data']);
    if (bits !== undefined) {
      for (let i = 0; i < items.length; i++) {
        if ((bits[i >> 3] & (1 << (i & 7))) === 0) items[i] = Number.NaN;
      }
    }
    let from = 0;
    while (from < items.length) {
      if (this.used === pieceRows) {
        this.pieces.push(new Float64Array(pieceRows));
        this.used = 0;
      }
      const count = Math.min(items.length - from, pieceRows - this.used);
      this.pieces[this.pieces.length - 1].set(items.subarray(from, from + count), this.used);
      this.used += count;
      from += count;
    }
  }

  finish(rows: number): Column {
    const values = new Float64Array(new SharedArrayBuffer(8 * rows));
    for (let i = 0, at = 0; at < rows; i++, at += pieceRows) {
      values.set(this.pieces[i].subarray(0, Math.min(pieceRows, rows - at)), at);
    }
    this.pieces = [];
    if (this.kind === 'date') return { kind: 'date', name: this.name, values };
    let integer = true;
    for (let i = 0; integer && i < rows; i++) {
      const value = values[i];
      integer = Number.isInteger(value) || Number.isNaN(value);
    }
    return { kind: 'number', name: this.name, values, integer };
  }
}

/**
 * Dictionary codes in order of first appearance. Strings of at most 12 bytes lie inside DuckDB's 16-byte cells and
 * are looked up by those bytes in an open-addressing table, without being decoded; longer ones go through a map.
 */
class StringBuilder implements ColumnBuilder {
  private readonly name: string;
  private pieces: Int32Array[] = [];
  private used = pieceRows;
  private readonly values: string[] = [];
  private readonly long = new Map<string, number>();
  private cells = new Uint32Array(4 * 64);
  private slots = new Int32Array(64).fill(-1);
  private short = 0;

  constructor(name: string) {
    this.name = name;
  }

  append(chunk: DuckDBDataChunk, index: number): void {
    const vector = chunk.getColumnVector(index) as DuckDBVarCharVector;
    const view = vector['dataView'];
    const words = new Uint32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
    const bits = validBits(vector['validity']['data']);
    for (let i = 0; i < vector.itemCount; i++) {
      if (this.used === pieceRows) {
        this.pieces.push(new Int32Array(pieceRows));
        this.used = 0;
      }
      const missing = bits !== undefined && (bits[i >> 3] & (1 << (i & 7))) === 0;
      this.pieces[this.pieces.length - 1][this.used++] = missing ? -1 : this.code(vector, words, i);
    }
  }

  private code(vector: DuckDBVarCharVector, words: Uint32Array, i: number): number {
    const at = 4 * i;
    if (words[at] > 12) {
      const value = vector.getItem(i) as string;
      const known = this.long.get(value);
      if (known !== undefined) return known;
      this.long.set(value, this.values.length);
      return this.values.push(value) - 1;
    }
    const mask = this.slots.length - 1;
    let slot = hashCell(words[at], words[at + 1], words[at + 2], words[at + 3]) & mask;
    for (;;) {
      const code = this.slots[slot];
      if (code < 0) break;
      const c = 4 * slot;
      const cells = this.cells;
      if (
        cells[c] === words[at] &&
        cells[c + 1] === words[at + 1] &&
        cells[c + 2] === words[at + 2] &&
        cells[c + 3] === words[at + 3]
      ) {
        return code;
      }
      slot = (slot + 1) & mask;
    }
    const code = this.values.push(vector.getItem(i) as string) - 1;
    this.slots[slot] = code;
    this.cells.set(words.subarray(at, at + 4), 4 * slot);
    if (++this.short * 2 > this.slots.length) this.grow();
    return code;
  }

  private grow(): void {
    const { cells, slots } = this;
    const size = 2 * slots.length;
    this.cells = new Uint32Array(4 * size);
    this.slots = new Int32Array(size).fill(-1);
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] < 0) continue;
      const c = 4 * i;
      let slot = hashCell(cells[c], cells[c + 1], cells[c + 2], cells[c + 3]) & (size - 1);
      while (this.slots[slot] >= 0) slot = (slot + 1) & (size - 1);
      this.slots[slot] = slots[i];
      this.cells.set(cells.subarray(c, c + 4), 4 * slot);
    }
  }

  finish(rows: number): Column {
    const codes = new Int32Array(new SharedArrayBuffer(4 * rows));
    for (let i = 0, at = 0; at < rows; i++, at += pieceRows) {
      codes.set(this.pieces[i].subarray(0, Math.min(pieceRows, rows - at)), at);
    }
    this.pieces = [];
    return { kind: 'string', name: this.name, codes, dictionary: Dictionary.from(this.values) };
  }
}

function hashCell(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ Math.imul(b, 0x85ebca6b), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15) ^ c, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 13) ^ d, 0x165667b1);
  return (h ^ (h >>> 16)) >>> 0;
}
