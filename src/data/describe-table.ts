import type { Column, DateColumn, NumberColumn, StringColumn, Table } from './table.ts';

/** A frequent value and the number of rows that hold it. */
export interface TopValue {
  readonly value: string | number;
  readonly count: number;
}

/**
 * Facts about one column. `mean` to `max` are numbers for number columns, ISO 8601 strings for date columns (without
 * `std`) and absent for string columns and where there is no value; infinite values are part of them.
 */
export interface ColumnSummary {
  readonly name: string;
  readonly kind: Column['kind'];
  /** What the column is taken for by featurisation, where the caller knows. */
  readonly purpose?: string;
  /** Rows with a value. */
  readonly count: number;
  readonly missing: number;
  /** Distinct values. */
  readonly unique: number;
  readonly mean?: number | string;
  /** Sample standard deviation, n − 1 in the denominator; absent for fewer than two values. */
  readonly std?: number;
  readonly min?: number | string;
  readonly q25?: number | string;
  readonly q50?: number | string;
  readonly q75?: number | string;
  readonly max?: number | string;
  /** Most frequent values first; among equals the one that sorts first. */
  readonly top: readonly TopValue[];
}

export interface DescribeOptions {
  /** Number of top values per column; default 3. */
  readonly top?: number;
  /** Purpose by column name, copied into the summaries. */
  readonly purposes?: ReadonlyMap<string, string>;
}

/** Count, missing, distinct and top values of every column; moments and quartiles of numbers and dates. */
export function describeTable(table: Table, options: DescribeOptions = {}): ColumnSummary[] {
  const { top = 3, purposes } = options;
  return table.columns.map((column) => {
    const purpose = purposes?.get(column.name);
    const head = { name: column.name, kind: column.kind, ...(purpose === undefined ? {} : { purpose }) };
    return {
      ...head,
      ...(column.kind === 'string' ? describeStrings(column, top) : describeValues(column, top)),
    };
  });
}

type Facts = Omit<ColumnSummary, 'name' | 'kind' | 'purpose'>;

function describeStrings(column: StringColumn, top: number): Facts {
  const { codes, dictionary } = column;
  const counts = new Float64Array(dictionary.size);
  let count = 0;
  for (let i = 0; i < codes.length; i++) {
    if (codes[i] < 0) continue;
    counts[codes[i]]++;
    count++;
  }
  let unique = 0;
  const ranking = new Ranking<number>(top, (a, b) => (dictionary.get(a) < dictionary.get(b) ? -1 : 1));
  for (let code = 0; code < counts.length; code++) {
    if (counts[code] === 0) continue;
    unique++;
    ranking.add(code, counts[code]);
  }
  return {
    count,
    missing: codes.length - count,
    unique,
    top: ranking.items.map(({ value, count: rows }) => ({ value: dictionary.get(value), count: rows })),
  };
}

function describeValues(column: NumberColumn | DateColumn, top: number): Facts {
  const present = Float64Array.from(column.values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  const count = present.length;
  const show = (value: number) => (column.kind === 'date' ? formatDate(value) : value);
  const ranking = new Ranking<number>(top, (a, b) => a - b);
  let unique = 0;
  for (let i = 0; i < count; ) {
    const start = i;
    while (i < count && present[i] === present[start]) i++;
    unique++;
    ranking.add(present[start], i - start);
  }
  const facts = {
    count,
    missing: column.values.length - count,
    unique,
    top: ranking.items.map((item) => ({ value: show(item.value), count: item.count })),
  };
  if (count === 0) return facts;
  const mean = average(present);
  return {
    ...facts,
    mean: show(mean),
    ...(column.kind === 'number' && count > 1 ? { std: deviation(present, mean) } : {}),
    min: show(present[0]),
    q25: show(quantile(present, 0.25)),
    q50: show(quantile(present, 0.5)),
    q75: show(quantile(present, 0.75)),
    max: show(present[count - 1]),
  };
}

function average(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  if (!Number.isFinite(mean)) return mean;
  // The mean of what rounding left over corrects the first result.
  let rest = 0;
  for (let i = 0; i < values.length; i++) rest += values[i] - mean;
  return mean + rest / values.length;
}

function deviation(values: Float64Array, mean: number): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * Quantile of ascending values by linear interpolation between order statistics, h = p·(n − 1) (type 7 of Hyndman
 * and Fan, 1996; the default of pandas and NumPy). NaN without values.
 */
export function quantile(ascending: Float64Array, p: number): number {
  const h = p * (ascending.length - 1);
  const below = Math.floor(h);
  const low = ascending[below];
  const high = ascending[Math.ceil(h)];
  // Equal neighbours first: the difference of two infinities is not a number.
  return low === high ? low : low + (h - below) * (high - low);
}

/** ISO 8601 in UTC, as short as the instant allows: `2011-01-31`, `2011-01-31T10:30:00Z`. */
export function formatDate(milliseconds: number): string {
  const whole = Math.round(milliseconds);
  if (Math.abs(whole) > 8.64e15) return String(milliseconds);
  const text = new Date(whole).toISOString();
  return whole % 86_400_000 === 0 ? text.slice(0, -14) : text.replace('.000Z', 'Z');
}

/** Keeps the `size` most frequent values, ordered. */
class Ranking<T> {
  readonly items: { value: T; count: number }[] = [];
  private readonly size: number;
  private readonly compare: (a: T, b: T) => number;

  constructor(size: number, compare: (a: T, b: T) => number) {
    this.size = size;
    this.compare = compare;
  }

  add(value: T, count: number): void {
    const { items } = this;
    if (items.length === this.size && (this.size === 0 || count < items[this.size - 1].count)) return;
    items.push({ value, count });
    items.sort((a, b) => b.count - a.count || this.compare(a.value, b.value));
    if (items.length > this.size) items.pop();
  }
}
