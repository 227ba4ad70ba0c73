import type { Column } from '#data';

/** What the classes are called, in the order of the probabilities. */
export interface ClassLabels {
  /** `int64` when every label is a whole number, else `string`. */
  readonly type: 'string' | 'int64';
  /** [K] */
  readonly values: readonly string[];
}

/** The text of a label value: strings as they are, numbers in their shortest form, dates as ISO 8601. */
function labelText(column: Column, row: number): string | undefined {
  if (column.kind === 'string') {
    const code = column.codes[row];
    return code < 0 ? undefined : column.dictionary.get(code);
  }
  const value = column.values[row];
  if (Number.isNaN(value)) return undefined;
  return column.kind === 'date' ? new Date(value).toISOString() : String(value);
}

/** The distinct labels of a column: whole numbers ascending, other numbers ascending, strings by code unit. */
export function inferClassLabels(column: Column): ClassLabels {
  const seen = new Set<string>();
  const rows = column.kind === 'string' ? column.codes.length : column.values.length;
  for (let i = 0; i < rows; i++) {
    const text = labelText(column, i);
    if (text !== undefined) seen.add(text);
  }
  const values = [...seen];
  if (column.kind === 'number') values.sort((a, b) => Number(a) - Number(b));
  else values.sort();
  const type =
    column.kind === 'number' && values.every((value) => Number.isSafeInteger(Number(value)))
      ? 'int64'
      : 'string';
  return { type, values };
}

/** Code of an entry that is missing, and of one that is not among the labels. */
export const MISSING_LABEL = -1;
export const UNKNOWN_LABEL = -2;

/** @returns [N] index of each row's label in `labels.values`, `MISSING_LABEL` or `UNKNOWN_LABEL` */
export function encodeLabels(column: Column, labels: ClassLabels): Int32Array {
  const index = new Map(labels.values.map((value, k) => [value, k]));
  const rows = column.kind === 'string' ? column.codes.length : column.values.length;
  const out = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const text = labelText(column, i);
    out[i] = text === undefined ? MISSING_LABEL : (index.get(text) ?? UNKNOWN_LABEL);
  }
  return out;
}
