import { columnHint, DataError } from '#core';
import {
  type Column,
  type DateColumn,
  dateColumn,
  type NumberColumn,
  numberColumn,
  type StringColumn,
  stringColumn,
  Table,
} from '#data';
import type { InputSpec } from './inputs.ts';

/**
 * The columns a model reads, in the kinds it reads them in: `string` → string column, `float32` → number column,
 * `int64` → whole-number or date column, in which infinite values are missing. Columns that are as they should be are passed on, not copied.
 *
 * @throws DataError naming a missing column (and the nearest name), or the row and value that cannot be converted
 */
export function alignTable(table: Table, inputs: readonly InputSpec[], where = 'alignTable'): Table {
  const missing = inputs.filter((input) => !table.has(input.column));
  if (missing.length > 0) {
    const { column } = missing[0];
    const names = missing.map((input) => `"${input.column}"`).join(', ');
    throw new DataError(
      `${where}: the data must have every column the model was trained on, but ${names} ` +
        `${missing.length === 1 ? 'is' : 'are'} missing. ` +
        columnHint(column, table.columnNames),
      { column },
    );
  }
  return new Table(inputs.map((input) => alignColumn(table.column(input.column), input, where)));
}

function alignColumn(column: Column, { dtype }: InputSpec, where: string): Column {
  if (dtype === 'string') return toStrings(column, where);
  if (dtype === 'float32') return toNumbers(column, where);
  return toWhole(column, where);
}

function toStrings(column: Column, where: string): StringColumn {
  if (column.kind === 'string') return column;
  if (column.kind === 'date') {
    throw new DataError(
      `${where}: column "${column.name}" held strings when the model was trained, but got dates. ` +
        'Read the column as strings.',
      { column: column.name },
    );
  }
  const { values } = column;
  const texts = new Map<number, string>();
  const strings = Array.from(values, (value) => {
    if (Number.isNaN(value)) return null;
    let text = texts.get(value);
    if (text === undefined) {
      text = String(value);
      texts.set(value, text);
    }
    return text;
  });
  return stringColumn(column.name, strings);
}

function toNumbers(column: Column, where: string): NumberColumn {
  if (column.kind === 'number') return column;
  if (column.kind === 'date') {
    throw new DataError(
      `${where}: column "${column.name}" held numbers when the model was trained, but got dates. ` +
        'Pass the numbers.',
      { column: column.name },
    );
  }
  return numberColumn(column.name, convertEntries(column, parseNumber, 'numbers', where));
}

function toWhole(column: Column, where: string): NumberColumn | DateColumn {
  if (column.kind === 'date') {
    const { values } = column;
    const broken = values.findIndex((value) => !Number.isNaN(value) && !Number.isInteger(value));
    return broken < 0 ? column : dateColumn(column.name, values.map(Math.floor));
  }
  const numbers =
    column.kind === 'number'
      ? column
      : numberColumn(column.name, convertEntries(column, parseWhole, 'whole numbers or ISO dates', where));
  const { values } = numbers;
  let infinite = false;
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (Number.isNaN(value) || Number.isSafeInteger(value)) continue;
    if (!Number.isFinite(value)) {
      infinite = true;
      continue;
    }
    throw new DataError(
      `${where}: column "${column.name}" must hold whole numbers as it did in training, but row ${row + 1} holds ` +
        `${value}. Correct the value, or leave it empty.`,
      { column: column.name, row: row + 1 },
    );
  }
  if (!infinite) return numbers;
  return numberColumn(
    column.name,
    values.map((value) => (Number.isFinite(value) ? value : Number.NaN)),
  );
}

/** Converts each dictionary entry once. NaN is missing; `undefined` from `parse` is a fault. */
function convertEntries(
  column: StringColumn,
  parse: (text: string) => number | undefined,
  expected: string,
  where: string,
): Float64Array {
  const entries = column.dictionary.values.map(parse);
  const out = new Float64Array(column.codes.length);
  for (let row = 0; row < out.length; row++) {
    const code = column.codes[row];
    const value = code < 0 ? Number.NaN : entries[code];
    if (value === undefined) {
      throw new DataError(
        `${where}: column "${column.name}" must hold ${expected} as it did in training, but row ${row + 1} holds ` +
          `"${column.dictionary.get(code)}". Correct the value, or leave it empty.`,
        { column: column.name, row: row + 1 },
      );
    }
    out[row] = value;
  }
  return out;
}

function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.toLowerCase() === 'nan') return Number.NaN;
  const value = Number(trimmed);
  return Number.isNaN(value) ? undefined : value;
}

function parseWhole(text: string): number | undefined {
  const date = /^\s*(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)Z?)?\s*$/.exec(text);
  if (date === null) return parseNumber(text);
  const value = Date.parse(`${date[1]}T${date[2] ?? '00:00'}Z`);
  return Number.isNaN(value) ? undefined : value;
}
