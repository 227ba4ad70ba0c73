import { ConfigError, columnHint, nearestName } from '#core';
import type { Column, Table } from '#data';

/** What a raw column is used for. `Hashes`, `AllNan` and `Ignore` columns are left out. */
export type Purpose =
  | 'Numeric'
  | 'Categorical'
  | 'CategoricalHash'
  | 'DateTime'
  | 'Text'
  | 'Hashes'
  | 'AllNan'
  | 'Ignore';

const purposes: readonly Purpose[] = [
  'Numeric',
  'Categorical',
  'CategoricalHash',
  'DateTime',
  'Text',
  'Hashes',
  'AllNan',
  'Ignore',
];

/** A column, its purpose, and why it has it (one sentence without a full stop). */
export interface ColumnPurpose {
  readonly column: string;
  readonly purpose: Purpose;
  readonly reason: string;
  /** The purpose was given, not inferred. */
  readonly overridden?: boolean;
}

export interface PurposeOptions {
  /** Column → purpose that is used as it is. */
  readonly overrides?: Readonly<Record<string, Purpose>>;
}

/** Facts about one column that the rules look at. */
interface ColumnFacts {
  readonly rows: number;
  readonly missing: number;
  /** Distinct present values, counted no further than needed: numbers stop at `HIGH_CARDINALITY`. */
  readonly unique: number;
  /** Mean number of spaces in the present values of a string column. */
  readonly meanSpaces: number;
}

const HIGH_CARDINALITY = 200;
const MAX_INTEGER_CATEGORIES = 50;
const MAX_HASHED_CATEGORIES = 10_000;
const SHARE_OF_ROWS = 0.05;
const MIN_ROWS_OF_COUNTER = 20;

/** True for purposes whose columns give features. */
export function isUsed(purpose: Purpose): boolean {
  return purpose !== 'Hashes' && purpose !== 'AllNan' && purpose !== 'Ignore';
}

/**
 * The purpose of every column. With n rows, u distinct present values and r = u / n, the first rule that holds decides:
 *
 * 1. nothing present → AllNan; one value and none missing → Ignore; dates → DateTime;
 * 2. u ≥ min(200, n/20): numbers → Numeric; strings with r > .85 and more than one space on average → Text; r < .7 and
 *    u < 10,000 → CategoricalHash; more than one space → Text; r > .9 → Hashes; else Ignore;
 * 3. whole numbers with u ≤ min(50, n/20) → Categorical; other numbers → Numeric; strings → Categorical.
 *
 * On top of these, a column that only counts the rows (named like an id, holding 0, 1, 2 … or 1, 2, 3 …) → Ignore.
 * The empty string counts as missing.
 *
 * @throws ConfigError naming every override of an unknown column or of a purpose the column cannot have
 * @source the rules of Azure's automated ML, see the featurisation page of its documentation
 */
export function inferPurposes(table: Table, options: PurposeOptions = {}): ColumnPurpose[] {
  const overrides = options.overrides ?? {};
  const faults = Object.entries(overrides).flatMap(([column, purpose]) =>
    overrideFaults(table, column, purpose),
  );
  if (faults.length > 0) throw new ConfigError(`inferPurposes: ${faults.join(' ')}`, { faults });
  return table.columns.map((column) => {
    const purpose = Object.hasOwn(overrides, column.name) ? overrides[column.name] : undefined;
    if (purpose === undefined) return inferPurpose(column, table.rows);
    return { column: column.name, purpose, reason: 'set by the configuration', overridden: true };
  });
}

/** What is wrong with giving `purpose` to a column, as sentences; empty when nothing is. */
export function overrideFaults(table: Table, column: string, purpose: string): string[] {
  if (!table.has(column)) {
    const hint = columnHint(column, table.columnNames);
    return [`columnPurposes must name columns of the table, but got "${column}". ${hint}`];
  }
  if (!(purposes as readonly string[]).includes(purpose)) {
    const near = nearestName(purpose, purposes);
    return [
      `the purpose of column "${column}" must be one of ${purposes.join(', ')}, but got "${purpose}".` +
        (near === undefined ? '' : ` Did you mean "${near}"?`),
    ];
  }
  const kind = table.column(column).kind;
  const allowed = purposesOfKind[kind];
  if (!isUsed(purpose as Purpose) || allowed.includes(purpose as Purpose)) return [];
  return [
    `column "${column}" holds ${kind}s and can be ${allowed.join(', ')} or Ignore, but got ${purpose}. ` +
      'Choose one of these, or declare the column otherwise when reading the data.',
  ];
}

const purposesOfKind: Readonly<Record<Column['kind'], readonly Purpose[]>> = {
  number: ['Numeric', 'Categorical', 'CategoricalHash'],
  string: ['Categorical', 'CategoricalHash', 'Text'],
  date: ['DateTime'],
};

function inferPurpose(column: Column, rows: number): ColumnPurpose {
  const facts = column.kind === 'string' ? stringFacts(column) : valueFacts(column.values);
  const [purpose, reason] = applyRules(column, facts);
  return { column: column.name, purpose, reason: rows === 0 ? 'the table has no rows' : reason };
}

function applyRules(column: Column, facts: ColumnFacts): [Purpose, string] {
  const { rows, unique, missing } = facts;
  if (missing === rows) return ['AllNan', 'every value is missing'];
  if (unique === 1 && missing === 0) return ['Ignore', 'constant: every row holds the same value'];
  if (column.kind === 'date') return ['DateTime', 'holds dates'];
  if (column.kind === 'number' && isRowCounter(column.name, column.values)) {
    return ['Ignore', 'counts the rows and is named like an id'];
  }
  const high = unique >= Math.min(HIGH_CARDINALITY, SHARE_OF_ROWS * rows);
  if (column.kind === 'number') {
    if (high) return ['Numeric', 'numbers with many distinct values'];
    return column.integer && unique <= Math.min(MAX_INTEGER_CATEGORIES, SHARE_OF_ROWS * rows)
      ? ['Categorical', `whole numbers with ${unique} distinct values`]
      : ['Numeric', 'numbers'];
  }
  if (!high) return ['Categorical', `strings with ${unique} distinct values`];
  return highCardinalityRules(facts);
}

function highCardinalityRules({ rows, unique, meanSpaces }: ColumnFacts): [Purpose, string] {
  const ratio = unique / rows;
  const values = `${unique} distinct values in ${rows} rows`;
  if (ratio > 0.85 && meanSpaces > 1) return ['Text', `text: ${values}, several words each`];
  if (ratio < 0.7 && unique < MAX_HASHED_CATEGORIES) return ['CategoricalHash', `${values}`];
  if (meanSpaces > 1) return ['Text', `text: ${values}, several words each`];
  if (ratio > 0.9) return ['Hashes', `identifiers: ${values}`];
  return ['Ignore', `too many categories: ${values}`];
}

function valueFacts(values: Float64Array): ColumnFacts {
  const seen = new Set<number>();
  let missing = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) missing++;
    else if (seen.size < HIGH_CARDINALITY) seen.add(value);
  }
  return { rows: values.length, missing, unique: seen.size, meanSpaces: 0 };
}

function stringFacts(column: Extract<Column, { kind: 'string' }>): ColumnFacts {
  const counts = countCodes(column);
  const texts = column.dictionary.values;
  let present = 0;
  let unique = 0;
  let spaces = 0;
  for (let code = 0; code < counts.length; code++) {
    if (counts[code] === 0 || texts[code] === '') continue;
    present += counts[code];
    unique++;
    spaces += counts[code] * (texts[code].split(' ').length - 1);
  }
  const rows = column.codes.length;
  return { rows, missing: rows - present, unique, meanSpaces: present === 0 ? 0 : spaces / present };
}

/** Rows per dictionary entry. */
export function countCodes(column: Extract<Column, { kind: 'string' }>): Uint32Array {
  const counts = new Uint32Array(column.dictionary.size);
  for (let i = 0; i < column.codes.length; i++) if (column.codes[i] >= 0) counts[column.codes[i]]++;
  return counts;
}

function isRowCounter(name: string, values: Float64Array): boolean {
  if (values.length < MIN_ROWS_OF_COUNTER || (values[0] !== 0 && values[0] !== 1)) return false;
  if (!/^$|^(unnamed|instant|index|row|rownum|number|nr|no)\b|(^|[^a-z])id$|Id$|ID$/.test(name)) return false;
  for (let i = 1; i < values.length; i++) if (values[i] !== values[i - 1] + 1) return false;
  return true;
}
