import { type ColumnSummary, formatDate } from './describe-table.ts';
import type { Column, Table } from './table.ts';

export type Alignment = 'left' | 'right';

/**
 * Lines of aligned columns, two spaces apart; the first row is the header. Cells longer than `widest` characters
 * (default 40) are cut.
 *
 * @param align by column, the last entry repeated; default left
 */
export function formatTable(
  rows: readonly (readonly string[])[],
  { align = ['left'], widest = 40 }: { readonly align?: readonly Alignment[]; readonly widest?: number } = {},
): string {
  const cells = rows.map((row) => row.map((cell) => shorten(cell, widest)));
  const width: number[] = [];
  for (const row of cells) {
    for (const [j, cell] of row.entries()) width[j] = Math.max(width[j] ?? 0, displayWidth(cell));
  }
  return cells
    .map((row) =>
      row
        .map((cell, j) => {
          const gap = ' '.repeat(width[j] - displayWidth(cell));
          return (align[j] ?? align[align.length - 1]) === 'right' ? gap + cell : cell + gap;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function shorten(text: string, widest: number): string {
  const line = text.replace(/[\r\n\t]+/g, ' ');
  const points = [...line];
  return points.length > widest ? `${points.slice(0, widest - 1).join('')}…` : line;
}

/** Terminal cells that a text takes: two for East Asian wide characters, none for combining marks. */
function displayWidth(text: string): number {
  let width = 0;
  for (const char of text) {
    if (/\p{M}/u.test(char)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return width;
}

/** A number for reading: whole numbers as they are, others to six decimals, very large or small ones to six digits. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '' : value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size >= 1e9 || size < 1e-4) return String(Number(value.toPrecision(6)));
  return String(Number(value.toFixed(6)));
}

function formatFact(value: number | string | undefined): string {
  return value === undefined ? '' : typeof value === 'number' ? formatNumber(value) : value;
}

/** One line per column: kind or purpose, counts, moments, quartiles and top values. */
export function formatDescribe(summaries: readonly ColumnSummary[]): string {
  const header = [
    'column',
    summaries.some((summary) => summary.purpose !== undefined) ? 'purpose' : 'kind',
    ...['count', 'missing', 'unique', 'mean', 'std', 'min', '25%', '50%', '75%', 'max'],
    'top values',
  ];
  const rows = summaries.map((summary) => [
    summary.name,
    summary.purpose ?? summary.kind,
    ...[summary.count, summary.missing, summary.unique, summary.mean, summary.std, summary.min].map(
      formatFact,
    ),
    ...[summary.q25, summary.q50, summary.q75, summary.max].map(formatFact),
    summary.top.map(({ value, count }) => `${formatFact(value)} (${count})`).join(', '),
  ]);
  const right: Alignment[] = new Array<Alignment>(10).fill('right');
  return formatTable([header, ...rows], { align: ['left', 'left', ...right, 'left'], widest: 72 });
}

/** A cell for reading; missing is empty. */
function formatCell(column: Column, row: number): string {
  if (column.kind === 'string') return column.codes[row] < 0 ? '' : column.dictionary.get(column.codes[row]);
  const value = column.values[row];
  if (Number.isNaN(value)) return '';
  return column.kind === 'date' ? formatDate(value) : formatNumber(value);
}

/** The first `rows` rows, aligned, with row numbers from 0 as data frames print them. */
export function formatHead(table: Table, rows = 5): string {
  const count = Math.min(rows, table.rows);
  const lines = Array.from({ length: count }, (_, row) => [
    String(row),
    ...table.columns.map((column) => formatCell(column, row)),
  ]);
  const align = table.columns.map((column): Alignment => (column.kind === 'number' ? 'right' : 'left'));
  return formatTable([['', ...table.columnNames], ...lines], { align: ['right', ...align] });
}

/** Rows `from` to `to` (excluded) as plain objects: dates as ISO 8601 strings, missing as `null`. */
export function tableRecords(
  table: Table,
  from = 0,
  to = table.rows,
): Record<string, number | string | null>[] {
  const end = Math.min(to, table.rows);
  return Array.from({ length: Math.max(0, end - from) }, (_, i) =>
    Object.fromEntries(table.columns.map((column) => [column.name, cellValue(column, from + i)])),
  );
}

function cellValue(column: Column, row: number): number | string | null {
  if (column.kind === 'string')
    return column.codes[row] < 0 ? null : column.dictionary.get(column.codes[row]);
  const value = column.values[row];
  if (Number.isNaN(value)) return null;
  return column.kind === 'date' ? formatDate(value) : value;
}
