import { sqlText } from './duckdb.ts';
import type { SourceColumn } from './relation.ts';
import {
  type DateStyle,
  dateStyles,
  hasLeadingZero,
  isUnsafeInteger,
  looksLikeNumber,
} from './value-patterns.ts';

export type ColumnKind = 'number' | 'string' | 'date';

/** How the values of one column are turned into numbers, dates or strings. */
export type Reading =
  | { readonly kind: 'number' }
  | { readonly kind: 'string' }
  | { readonly kind: 'date'; readonly style: DateStyle };

/** A column, how it is read now, and what was tried before. */
export interface ColumnPlan {
  readonly column: SourceColumn;
  readonly reading: Reading;
  /** The caller fixed the kind: values that do not fit are an error. */
  readonly declared: boolean;
  /** Values seen so far, the refuting ones included. */
  readonly sample: readonly string[];
  readonly refused: ReadonlySet<string>;
  /** Why a column of numbers stays text. */
  readonly note?: string | undefined;
}

export interface ReadingOptions {
  readonly decimal: '.' | ',';
  readonly types: Readonly<Record<string, ColumnKind>>;
  readonly dateFormats: Readonly<Record<string, string>>;
}

/** The plan for a column from a sample of its values; a later refutation makes it a stricter one. */
export function planColumn(
  column: SourceColumn,
  sample: readonly string[],
  options: ReadingOptions,
  refused: ReadonlySet<string> = new Set(),
): ColumnPlan {
  const declared = Object.hasOwn(options.types, column.name) ? options.types[column.name] : undefined;
  const base = { column, sample, refused };
  const format = Object.hasOwn(options.dateFormats, column.name)
    ? options.dateFormats[column.name]
    : undefined;
  if (format !== undefined && (declared === undefined || declared === 'date')) {
    const style = { name: format, pattern: /(?:)/, formats: [format] };
    return { ...base, declared: true, reading: { kind: 'date', style } };
  }
  if (declared === 'date') {
    const style = matchingStyles(sample, refused)[0] ?? likeliestStyle(sample);
    // A refuted style is only final once no other fits.
    return { ...base, declared: true, reading: { kind: 'date', style } };
  }
  if (declared !== undefined) return { ...base, declared: true, reading: { kind: declared } };
  const { reading, note } = inferReading(column, sample, options.decimal, refused);
  return { ...base, declared: false, reading, note };
}

function inferReading(
  column: SourceColumn,
  sample: readonly string[],
  decimal: '.' | ',',
  refused: ReadonlySet<string>,
): { reading: Reading; note?: string } {
  if (column.content === 'date') return { reading: { kind: 'date', style: dateStyles[0] } };
  if (column.content === 'boolean') return { reading: { kind: 'string' } };
  if (column.content === 'number' && !refused.has('number')) return { reading: { kind: 'number' } };
  const text: Reading = { kind: 'string' };
  if (column.infer === 'nothing') return { reading: text };
  if (column.infer === 'anything') {
    const stray = sample.find((value) => !looksLikeNumber(value, decimal));
    if (stray === undefined) {
      const zero = sample.find(hasLeadingZero);
      if (zero !== undefined) return { reading: text, note: `"${zero}" has leading zeros` };
      const large = sample.find(isUnsafeInteger);
      if (large !== undefined) return { reading: text, note: `"${large}" is too large for an exact number` };
      if (!refused.has('number')) return { reading: { kind: 'number' } };
    } else if (refused.has('number')) {
      const style = matchingStyles(sample, refused)[0];
      if (style === undefined) return { reading: text, note: `"${stray}" is not a number` };
    }
  }
  const style = sample.length === 0 ? undefined : matchingStyles(sample, refused)[0];
  return { reading: style === undefined ? text : { kind: 'date', style } };
}

function matchingStyles(sample: readonly string[], refused: ReadonlySet<string>): DateStyle[] {
  return dateStyles.filter(
    ({ name, pattern }) => !refused.has(name) && sample.every((value) => pattern.test(value.trim())),
  );
}

function likeliestStyle(sample: readonly string[]): DateStyle {
  const counts = dateStyles.map(({ pattern }) => sample.filter((value) => pattern.test(value.trim())).length);
  return dateStyles[counts.indexOf(Math.max(...counts))];
}

/** The key by which a refuted reading is remembered. */
export function readingName(reading: Reading): string {
  return reading.kind === 'date' ? reading.style.name : reading.kind;
}

/** Other ways to read the same dates, day and month swapped; `undefined` when the order is plain. */
export function swappedStyle(plan: ColumnPlan): DateStyle | undefined {
  if (plan.reading.kind !== 'date' || plan.column.content === 'date') return undefined;
  const { name } = plan.reading.style;
  const swapped = name.replace(/%[md]/g, (part) => (part === '%m' ? '%d' : '%m'));
  if (swapped === name || plan.refused.has(swapped)) return undefined;
  return dateStyles.find((style) => style.name === swapped);
}

/** Expression of the column's text as in the file. */
export function textExpression(column: SourceColumn): string {
  return column.content === 'text' ? column.sql : `CAST(${column.sql} AS VARCHAR)`;
}

/** Expression of the column's value: DOUBLE for numbers and dates (milliseconds), VARCHAR for strings. */
export function valueExpression(plan: ColumnPlan, decimal: '.' | ','): string {
  const { column, reading } = plan;
  if (reading.kind === 'string') return textExpression(column);
  if (reading.kind === 'number') {
    return column.content === 'number' ? `CAST(${column.sql} AS DOUBLE)` : numberExpression(column, decimal);
  }
  if (column.content === 'date') return `CAST(epoch_ms(CAST(${column.sql} AS TIMESTAMP)) AS DOUBLE)`;
  return dateExpression(textExpression(column), reading.style);
}

function numberExpression(column: SourceColumn, decimal: '.' | ','): string {
  const text = textExpression(column);
  if (decimal === '.') return `TRY_CAST(${text} AS DOUBLE)`;
  const plain = `replace(replace(${text}, '.', ''), ',', '.')`;
  const grouped = `regexp_full_match(${text}, '\\s*[+-]?\\d{1,3}(\\.\\d{3})+(,\\d*)?\\s*')`;
  return `CASE WHEN contains(${text}, '.') AND NOT ${grouped} THEN NULL ELSE TRY_CAST(${plain} AS DOUBLE) END`;
}

export function dateExpression(text: string, style: DateStyle): string {
  const instant =
    style.formats === undefined
      ? `TRY_CAST(trim(${text}) AS TIMESTAMPTZ)`
      : `TRY_STRPTIME(trim(${text}), [${style.formats.map(sqlText).join(', ')}])`;
  return `CAST(epoch_ms(${instant}) AS DOUBLE)`;
}

/** Boolean expression: true in a row that refutes the reading; `undefined` when nothing can. */
export function refutedExpression(plan: ColumnPlan, decimal: '.' | ','): string | undefined {
  const { column, reading, declared } = plan;
  if (reading.kind === 'string') return undefined;
  const value = valueExpression(plan, decimal);
  if (reading.kind === 'date') {
    return column.content === 'date'
      ? undefined
      : `(${textExpression(column)} IS NOT NULL AND ${value} IS NULL)`;
  }
  if (column.content === 'number') {
    return column.infer === 'nothing' || declared ? undefined : `(abs(${value}) > 9007199254740991)`;
  }
  const text = textExpression(column);
  const underscore = `contains(${text}, '_')`;
  const wrong = `WHEN ${value} IS NULL THEN ${text} IS NOT NULL`;
  if (declared) return `(CASE ${wrong} ELSE ${underscore} END)`;
  // Columns of measurements hold no codes, so that the remaining tests are saved.
  if (plan.sample.some((value) => /\d[.,eE]/.test(value))) return `(CASE ${wrong} ELSE false END)`;
  // One CASE, so that the dear tests only see the few values they concern.
  const leadingZero = `WHEN ${text} LIKE '0%' THEN (${text} >= '00' AND ${text} < '0:') OR ${underscore}`;
  const unsafe = `WHEN abs(${value}) > 9007199254740991 THEN regexp_full_match(${text}, '\\s*[+-]?[\\d_]+\\s*')`;
  return `(CASE ${wrong} ${leadingZero} ${unsafe} ELSE ${underscore} END)`;
}
