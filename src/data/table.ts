import { columnHint, DataError } from '#core';
import { Dictionary } from './dictionary.ts';

/** Numbers as float64; NaN is missing. `integer` tells that every present value is a whole number. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly name: string;
  readonly values: Float64Array;
  readonly integer: boolean;
}

/** Dictionary-encoded strings: `codes[row]` is an entry of the dictionary, −1 is missing. */
export interface StringColumn {
  readonly kind: 'string';
  readonly name: string;
  readonly codes: Int32Array;
  readonly dictionary: Dictionary;
}

/** Instants as milliseconds since 1970-01-01T00:00:00Z (float64, whole); NaN is missing. */
export interface DateColumn {
  readonly kind: 'date';
  readonly name: string;
  readonly values: Float64Array;
}

export type Column = NumberColumn | StringColumn | DateColumn;

/** What `Table.share()` gives and `Table.fromShared()` takes: structured-cloneable, buffers are shared. */
export interface SharedTable {
  readonly rows: number;
  readonly columns: readonly SharedColumn[];
}
type SharedColumn =
  | NumberColumn
  | DateColumn
  | {
      readonly kind: 'string';
      readonly name: string;
      readonly codes: Int32Array;
      readonly bytes: Uint8Array;
      readonly offsets: Uint32Array;
    };

/** A typed columnar table. Columns created by Trainyard live in shared memory. */
export class Table {
  readonly rows: number;
  readonly columns: readonly Column[];
  private readonly byName: ReadonlyMap<string, Column>;

  /** @throws DataError when columns differ in length or two share a name */
  constructor(columns: readonly Column[]) {
    this.columns = columns;
    this.rows = columns.length === 0 ? 0 : columnLength(columns[0]);
    for (const column of columns) {
      if (columnLength(column) !== this.rows) {
        throw new DataError(
          `Table: columns must be of one length, but got ${columns[0].name} with ${this.rows} rows and ` +
            `${column.name} with ${columnLength(column)}. Cut them to the same rows.`,
          { column: column.name },
        );
      }
    }
    this.byName = new Map(columns.map((column) => [column.name, column]));
    if (this.byName.size !== columns.length) {
      const seen = new Set<string>();
      const twice = columns.find((column) => seen.size === seen.add(column.name).size);
      throw new DataError(
        `Table: column names must differ, but got "${twice?.name}" twice. Rename one of them.`,
        {
          column: twice?.name,
        },
      );
    }
  }

  get columnNames(): readonly string[] {
    return this.columns.map((column) => column.name);
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** @throws DataError naming the nearest column when there is none called `name` */
  column(name: string): Column {
    const column = this.byName.get(name);
    if (column !== undefined) return column;
    throw new DataError(
      `Table: the column asked for must exist, but got "${name}". ${columnHint(name, this.columnNames)}`,
      { column: name },
    );
  }

  /** The table without the named columns. */
  drop(...names: string[]): Table {
    return new Table(this.columns.filter((column) => !names.includes(column.name)));
  }

  select(names: readonly string[]): Table {
    return new Table(names.map((name) => this.column(name)));
  }

  /** Rows in the given order (repeats allowed); dictionaries are shared with this table. */
  take(index: ArrayLike<number>): Table {
    return new Table(this.columns.map((column) => takeColumn(column, index)));
  }

  share(): SharedTable {
    return {
      rows: this.rows,
      columns: this.columns.map((column) =>
        column.kind === 'string'
          ? {
              kind: 'string',
              name: column.name,
              codes: column.codes,
              bytes: column.dictionary.bytes,
              offsets: column.dictionary.offsets,
            }
          : column,
      ),
    };
  }

  static fromShared(shared: SharedTable): Table {
    return new Table(
      shared.columns.map((column) =>
        column.kind === 'string'
          ? {
              kind: 'string',
              name: column.name,
              codes: column.codes,
              dictionary: new Dictionary(column.bytes, column.offsets),
            }
          : column,
      ),
    );
  }
}

function columnLength(column: Column): number {
  return column.kind === 'string' ? column.codes.length : column.values.length;
}

function takeColumn(column: Column, index: ArrayLike<number>): Column {
  const rows = index.length;
  if (column.kind === 'string') {
    const codes = new Int32Array(new SharedArrayBuffer(4 * rows));
    for (let i = 0; i < rows; i++) codes[i] = column.codes[index[i]];
    return { ...column, codes };
  }
  const values = new Float64Array(new SharedArrayBuffer(8 * rows));
  for (let i = 0; i < rows; i++) values[i] = column.values[index[i]];
  return { ...column, values };
}

/** A number column in shared memory. `null`, `undefined` and NaN are missing. */
export function numberColumn(name: string, values: ArrayLike<number | null | undefined>): NumberColumn {
  const shared = new Float64Array(new SharedArrayBuffer(8 * values.length));
  let integer = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    shared[i] = value;
    if (integer && !Number.isNaN(value) && !Number.isInteger(value)) integer = false;
  }
  return { kind: 'number', name, values: shared, integer };
}

/** A string column in shared memory, dictionary in order of first appearance. `null` and `undefined` are missing. */
export function stringColumn(name: string, values: ArrayLike<string | null | undefined>): StringColumn {
  const codes = new Int32Array(new SharedArrayBuffer(4 * values.length));
  const seen = new Map<string, number>();
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null || value === undefined) {
      codes[i] = -1;
      continue;
    }
    let code = seen.get(value);
    if (code === undefined) {
      code = seen.size;
      seen.set(value, code);
    }
    codes[i] = code;
  }
  return { kind: 'string', name, codes, dictionary: Dictionary.from([...seen.keys()]) };
}

/** A date column in shared memory from milliseconds since 1970-01-01T00:00:00Z. `null`, `undefined` and NaN are missing. */
export function dateColumn(name: string, values: ArrayLike<number | null | undefined>): DateColumn {
  const shared = new Float64Array(new SharedArrayBuffer(8 * values.length));
  for (let i = 0; i < values.length; i++) shared[i] = values[i] ?? Number.NaN;
  return { kind: 'date', name, values: shared };
}
