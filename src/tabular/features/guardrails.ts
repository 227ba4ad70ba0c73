import type { Column, StringColumn, Table } from '#data';
import { type FeaturizationConfig, imputationOf } from './config.ts';
import { countDuplicateRows } from './duplicate-rows.ts';
import { scoreColumns } from './leakage.ts';
import { type ColumnPurpose, countCodes, isUsed, type Purpose } from './purposes.ts';
import type { ColumnCount } from './repair-infinite.ts';

/** `Passed`: nothing found. `Done`: found and dealt with. `Alerted`: found, for a person to look at. */
export type GuardrailStatus = 'Passed' | 'Done' | 'Alerted';

/** One check of the data, as Azure's data guardrails report it. Plain data. */
export interface Guardrail {
  readonly name: string;
  readonly status: GuardrailStatus;
  /** What was found, one sentence. */
  readonly message: string;
  /** What was done about it, or can be; empty when nothing was found. */
  readonly action: string;
  readonly columns: readonly { readonly column: string; readonly detail: string }[];
}

/** What is predicted. */
export interface GuardrailTarget {
  readonly name: string;
  /** [N] class indices or values. */
  readonly y: Float64Array;
  /** K, or 0 for a regression. */
  readonly classes: number;
  /** [K] names of the classes. */
  readonly labels?: readonly string[];
}

/** What the checks cannot see in the table itself. */
export interface GuardrailInfo {
  readonly purposes: readonly ColumnPurpose[];
  readonly config?: FeaturizationConfig;
  /** How models are validated, e.g. `5-fold` and why. */
  readonly validation?: { readonly kind: string; readonly folds: number; readonly reason: string };
  /** What `repairInfinite` repaired. */
  readonly infinite?: readonly ColumnCount[];
  /** Rows left out because their label is missing. */
  readonly unlabelledRows?: number;
  readonly seed?: number;
}

interface Context {
  readonly table: Table;
  readonly target: GuardrailTarget;
  readonly info: GuardrailInfo;
  readonly used: readonly Column[];
  readonly purposeOf: ReadonlyMap<string, ColumnPurpose>;
}

/** A class with at most this share of the most frequent one's rows is called rare. */
const RARE_CLASS = 0.2;
const SUSPECT_SCORE = 0.995;

/**
 * The guardrail report, in a fixed order.
 * @param table raw columns, label dropped, infinite values repaired
 */
export function guardrails(table: Table, target: GuardrailTarget, info: GuardrailInfo): Guardrail[] {
  const purposeOf = new Map(info.purposes.map((entry) => [entry.column, entry]));
  const dropped = typeof info.config === 'object' ? (info.config.dropColumns ?? []) : [];
  const used = table.columns.filter(
    ({ name }) => isUsed(purposeOf.get(name)?.purpose ?? 'Ignore') && !dropped.includes(name),
  );
  const context: Context = { table, target, info, used, purposeOf };
  return [
    checkValidation(context),
    checkMissing(context),
    checkCardinality(context),
    ...(target.classes > 0 ? [checkBalance(context), checkSpelling(target)] : []),
    checkDropped(context),
    checkDates(context),
    checkInfinite(context),
    checkDuplicates(context),
    checkLeakage(context),
    ...(info.unlabelledRows === undefined ? [] : [checkLabels(info.unlabelledRows, target.name)]),
  ];
}

function report(
  name: string,
  found: readonly { column: string; detail: string }[],
  passed: string,
  otherwise: { status: 'Done' | 'Alerted'; message: string; action: string },
): Guardrail {
  return found.length === 0
    ? { name, status: 'Passed', message: passed, action: '', columns: [] }
    : { name, ...otherwise, columns: found };
}

function checkValidation({ info, table }: Context): Guardrail {
  const { validation } = info;
  const name = 'Validation split handling';
  if (validation === undefined) {
    return {
      name,
      status: 'Passed',
      message: `All ${table.rows} rows are used for training.`,
      action: '',
      columns: [],
    };
  }
  const splits = validation.folds === 1 ? 'one split' : `${validation.folds} splits`;
  return {
    name,
    status: 'Done',
    message: `Models are compared on rows they were not trained on: ${validation.kind}, ${splits}.`,
    action: validation.reason,
    columns: [],
  };
}

function checkMissing({ used, table, purposeOf, info }: Context): Guardrail {
  const found = used.flatMap((column) => {
    const missing = countMissing(column);
    if (missing === 0) return [];
    const share = ((100 * missing) / table.rows).toFixed(1);
    const purpose = purposeOf.get(column.name)?.purpose as Purpose;
    return [
      {
        column: column.name,
        detail: `${missing} missing (${share} %); ${imputation(column, purpose, info)}`,
      },
    ];
  });
  return report('Missing feature values imputation', found, 'No feature has missing values.', {
    status: 'Done',
    message: `Missing values were found in ${plural(found.length, 'column')}.`,
    action: 'They are filled in and flagged for linear models; trees see them as missing.',
  });
}

function imputation(column: Column, purpose: Purpose, { config }: GuardrailInfo): string {
  const wish = typeof config === 'object' ? imputationOf(config, column.name) : undefined;
  const numeric = purpose === 'Numeric' || purpose === 'DateTime';
  if (purpose === 'Text') return 'counts as empty text';
  const meantForNumbers = wish === 'mean' || wish === 'median';
  if (wish === undefined || wish === 'category' || (meantForNumbers && !numeric)) {
    return numeric ? 'filled with the mean' : 'a category of its own';
  }
  return `filled with ${typeof wish === 'object' ? JSON.stringify(wish.constant) : wish}`;
}

function checkCardinality({ used, purposeOf }: Context): Guardrail {
  const found = used.flatMap(({ name }) => {
    const entry = purposeOf.get(name);
    if (entry?.purpose !== 'CategoricalHash' && entry?.purpose !== 'Text') return [];
    const detail = entry.purpose === 'Text' ? 'hashed n-grams' : 'hashed or encoded by the target';
    return [{ column: name, detail: `${entry.reason}; ${detail}` }];
  });
  return report('High cardinality feature detection', found, 'No feature has a high number of categories.', {
    status: 'Done',
    message: `${plural(found.length, 'column')} with a high number of distinct values ${wereFound(found.length)}.`,
    action: 'Their values are hashed, encoded by the target, or read as text.',
  });
}

function checkBalance({ target }: Context): Guardrail {
  const counts = new Float64Array(target.classes);
  for (let i = 0; i < target.y.length; i++) counts[target.y[i]]++;
  const largest = counts.reduce((max, count) => Math.max(max, count), 0);
  const name = (k: number) => target.labels?.[k] ?? String(k);
  const rare = Array.from(counts.keys()).filter((k) => counts[k] <= RARE_CLASS * largest);
  const found = rare.map((k) => ({
    column: target.name,
    detail: `class "${name(k)}" has ${counts[k]} of ${target.y.length} rows`,
  }));
  const most = name(counts.indexOf(largest));
  return report('Class balancing detection', found, 'The classes are balanced: none is rare.', {
    status: 'Alerted',
    message:
      `${plural(found.length, 'class', 'classes')} with at most ${100 * RARE_CLASS} % of the rows of the largest ` +
      `one ("${most}", ${largest} rows) ${wereFound(found.length)}.`,
    action:
      'Balanced weights are among the candidates, and the decision threshold is tuned where it matters.',
  });
}

/** Classes whose names differ in case or spaces only are mostly one class. */
function checkSpelling({ name, labels = [] }: GuardrailTarget): Guardrail {
  const plain = (label: string) => label.trim().replace(/\s+/g, ' ').toLowerCase();
  const groups = new Map<string, string[]>();
  for (const label of labels) groups.set(plain(label), [...(groups.get(plain(label)) ?? []), label]);
  const found = [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({ column: name, detail: group.map((label) => JSON.stringify(label)).join(' and ') }));
  return report('Label spelling detection', found, 'No two classes differ in case or spaces only.', {
    status: 'Alerted',
    message: 'Classes that differ in case or spaces only were found.',
    action: 'They are kept apart. When they mean the same, spell them the same.',
  });
}

function checkDropped({ table, purposeOf, info }: Context): Guardrail {
  const wish = typeof info.config === 'object' ? (info.config.dropColumns ?? []) : [];
  const found = table.columns.flatMap(({ name }) => {
    const entry = purposeOf.get(name);
    if (wish.includes(name)) return [{ column: name, detail: 'dropped by the configuration' }];
    return entry !== undefined && !isUsed(entry.purpose) ? [{ column: name, detail: entry.reason }] : [];
  });
  return report('Uninformative column detection', found, 'Every column is used.', {
    status: 'Done',
    message: `${plural(found.length, 'column')} without information about new rows ${wereFound(found.length)}.`,
    action: 'They are left out. Set columnPurposes to keep one.',
  });
}

function checkDates({ table, used }: Context): Guardrail {
  const texts = table.columns.filter(looksLikeDates).map((column) => ({
    column: column.name,
    detail: `looks like dates but was read as text${reasonForText(column)}`,
  }));
  if (texts.length > 0) {
    return report('Datetime parsing', texts, '', {
      status: 'Alerted',
      message: 'Some values could not be read as dates.',
      action: 'Write dates as YYYY-MM-DD or YYYY-MM-DD hh:mm:ss.',
    });
  }
  const dates = used
    .filter(({ kind }) => kind === 'date')
    .map(({ name }) => ({ column: name, detail: 'read as dates' }));
  return report('Datetime parsing', dates, 'There are no dates to read.', {
    status: 'Done',
    message: `${plural(dates.length, 'column')} of dates ${wereFound(dates.length)}.`,
    action: 'Year, month, day, weekday, time of day and the like become features.',
  });
}

const dateShape = /^\s*\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T]\d{1,2}:\d{2}.*)?\s*$/;

function looksLikeDates(column: Column): column is StringColumn {
  if (column.kind !== 'string') return false;
  const sample = column.dictionary.values.slice(0, 200).filter((text) => text !== '');
  return sample.length > 0 && sample.filter((text) => dateShape.test(text)).length >= 0.8 * sample.length;
}

/** The first value that is no date, and its row. */
function reasonForText({ dictionary, codes }: StringColumn): string {
  const isBad = (text: string) => text !== '' && (!dateShape.test(text) || isNoDay(text));
  const bad = new Set([...dictionary.values.keys()].filter((code) => isBad(dictionary.values[code])));
  const row = codes.findIndex((code) => bad.has(code));
  return row < 0 ? '' : `, because of ${JSON.stringify(dictionary.values[codes[row]])} in row ${row + 1}`;
}

/** A day written as the calendar does not have it, such as 2023-02-31. */
function isNoDay(text: string): boolean {
  const [, year, month, day] = /^\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})/.exec(text)?.map(Number) ?? [];
  if (year === undefined) return false;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day;
}

function checkInfinite({ info }: Context): Guardrail {
  const found = (info.infinite ?? []).map(({ column, count }) => ({
    column,
    detail: `${plural(count, 'infinite value')}`,
  }));
  return report('Infinite value detection', found, 'No feature has infinite values.', {
    status: 'Done',
    message: `Infinite values were found in ${plural(found.length, 'column')}.`,
    action: 'They count as missing.',
  });
}

function checkDuplicates({ table, target }: Context): Guardrail {
  const count = countDuplicateRows(table, target.y);
  const share = ((100 * count) / Math.max(1, table.rows)).toFixed(2);
  return {
    name: 'Duplicate row detection',
    status: count === 0 ? 'Passed' : 'Alerted',
    message:
      count === 0
        ? 'No row repeats another one.'
        : `${plural(count, 'row')} (${share} %) ${count === 1 ? 'repeats' : 'repeat'} an earlier row, label included.`,
    action:
      count === 0
        ? ''
        : 'They are kept. When they are no separate observations, remove them: copies on both sides of a split ' +
          'flatter the scores.',
    columns: [],
  };
}

function checkLeakage({ table, used, target, info }: Context): Guardrail {
  const scores = scoreColumns(
    table.select(used.map(({ name }) => name)),
    target.y,
    target.classes,
    info.seed,
  );
  const metric = target.classes > 0 ? 'AUC' : 'R²';
  const found = scores
    .filter(({ score }) => score > SUSPECT_SCORE)
    .map(({ column, score }) => ({ column, detail: `${metric} ${score.toFixed(4)} by itself` }));
  return report('Leakage detection', found, 'No column predicts the label almost perfectly by itself.', {
    status: 'Alerted',
    message: `${plural(found.length, 'column')} enough to predict "${target.name}" almost perfectly ${wereFound(found.length)}.`,
    action: 'Is it known before the label is? If not, leave it out with dropColumns.',
  });
}

function checkLabels(count: number, label: string): Guardrail {
  return report(
    'Missing label detection',
    count === 0 ? [] : [{ column: label, detail: `${plural(count, 'row')} without a label` }],
    'Every row has a label.',
    {
      status: 'Done',
      message: `${plural(count, 'row')} without a label ${wereFound(count)}.`,
      action: 'They are left out.',
    },
  );
}

function countMissing(column: Column): number {
  if (column.kind !== 'string') {
    let missing = 0;
    for (let i = 0; i < column.values.length; i++) if (Number.isNaN(column.values[i])) missing++;
    return missing;
  }
  const counts = countCodes(column);
  const empty = column.dictionary.indexOf('');
  const present = counts.reduce((sum, count) => sum + count, 0);
  return column.codes.length - present + (empty < 0 ? 0 : counts[empty]);
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function wereFound(count: number): string {
  return count === 1 ? 'was found' : 'were found';
}
