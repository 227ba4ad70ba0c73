import { formatDate } from './describe-table.ts';
import type { Column, Table } from './table.ts';

const pieceRows = 1024;

/** A CSV field, quoted by RFC 4180 where it holds the delimiter, a quote, a line end or an outer space. */
export function csvField(text: string, delimiter: string): string {
  return text.includes(delimiter) || /["\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvHeader(table: Table, delimiter: string): string {
  return `${table.columnNames.map((name) => csvField(name, delimiter)).join(delimiter)}\n`;
}

/** The rows as CSV text, in pieces of about a thousand rows. */
export function csvRows(table: Table, delimiter: string): Generator<string> {
  const cells = table.columns.map((column) => {
    const cell = cellText(
      column,
      (text) => csvField(text, delimiter),
      (value) => (value === Infinity ? 'inf' : value === -Infinity ? '-inf' : String(value)),
    );
    return (row: number) => cell(row) ?? '';
  });
  // A row of one empty field would be a blank line, which readers skip.
  const lonely = cells.length === 1 ? '""' : '';
  return pieces(table.rows, (row) => `${cells.map((cell) => cell(row)).join(delimiter) || lonely}\n`);
}

/** The rows as JSON objects, one per line, in pieces. JSON has no infinite numbers: they become strings. */
export function jsonRows(table: Table): Generator<string> {
  const cells = table.columns.map((column) => {
    const key = `${JSON.stringify(column.name)}:`;
    const cell = cellText(
      column,
      (text) => JSON.stringify(text),
      (value) => (Number.isFinite(value) ? String(value) : value > 0 ? '"inf"' : '"-inf"'),
    );
    return (row: number) => key + (cell(row) ?? 'null');
  });
  return pieces(table.rows, (row) => `{${cells.map((cell) => cell(row)).join(',')}}\n`);
}

function* pieces(rows: number, line: (row: number) => string): Generator<string> {
  for (let from = 0; from < rows; from += pieceRows) {
    let text = '';
    for (let row = from; row < Math.min(rows, from + pieceRows); row++) text += line(row);
    yield text;
  }
}

/** How a column's cells are written; `undefined` is missing. Every dictionary entry is rendered once. */
function cellText(
  column: Column,
  ofText: (text: string) => string,
  ofNumber: (value: number) => string,
): (row: number) => string | undefined {
  if (column.kind === 'string') {
    const { codes, dictionary } = column;
    const rendered = new Array<string | undefined>(dictionary.size);
    return (row) => {
      const code = codes[row];
      if (code < 0) return undefined;
      rendered[code] ??= ofText(dictionary.get(code));
      return rendered[code];
    };
  }
  const { values, kind } = column;
  return (row) => {
    const value = values[row];
    if (Number.isNaN(value)) return undefined;
    return kind === 'date' ? ofText(formatDate(value)) : ofNumber(value);
  };
}
