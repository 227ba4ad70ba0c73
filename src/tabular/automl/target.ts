import { columnHint, DataError } from '#core';
import type { Column, NumberColumn, Table } from '#data';
import type { Task } from '../learners/learner.ts';
import { type ClassLabels, encodeLabels, inferClassLabels } from '../pipeline/class-labels.ts';

/** More classes than this are refused: one-vs-rest learners and K² tables stop making sense. */
const MAX_CLASSES = 1000;
/** Up to this many distinct whole numbers are taken for classes when no task is given. */
const MAX_INFERRED_CLASSES = 20;
/** Up to this many distinct fractions can be classes when the task is given as classification. */
const MAX_FRACTION_CLASSES = 20;
const MAX_WHOLE_CLASSES = 100;

/** The label column made ready for learning. n rows are used out of N. */
export interface PreparedTarget {
  readonly task: Task;
  /** Why this task, when it was inferred. */
  readonly taskReason: string;
  /** [n] rows of the given table that have a label, ascending. */
  readonly rows: Uint32Array;
  /** [n] class indices or values, in shared memory. */
  readonly y: Float64Array;
  /** K, 0 in regression. */
  readonly classes: number;
  readonly labels: ClassLabels | null;
  /** [K] rows of each class; empty in regression. */
  readonly classCounts: readonly number[];
  /** [n] sample weights, when a weight column was given. */
  readonly weights?: Float64Array;
  /** Rows dropped because their label is missing. */
  readonly missingLabels: number;
  /** Least and greatest value, in regression. */
  readonly range?: { readonly min: number; readonly max: number };
}

export interface TargetOptions {
  readonly label: string;
  readonly task?: Task;
  /** Column of sample weights. */
  readonly weightColumn?: string;
}

/** Class labels fixed elsewhere, e.g. by the training data a validation table goes with. */
export interface KnownTarget {
  readonly task: Task;
  readonly labels: ClassLabels | null;
}

/**
 * Takes the label column of a table apart: infers the task, orders the classes (numbers ascending, strings by code
 * unit), drops rows whose label is missing and checks that there is something to learn.
 *
 * @throws DataError for an unknown column, no labels, one class or one value, too many classes, a label that looks
 *   continuous under classification or is text under regression, infinite labels, bad weights
 */
export function prepareTarget(table: Table, options: TargetOptions): PreparedTarget {
  const column = labelColumn(table, options.label);
  const rows = labelledRows(column);
  if (rows.length < 2) {
    throw new DataError(
      `automl: there must be at least two rows with a label, but got ${rows.length} of ${table.rows} in ` +
        `"${column.name}". Add rows, or name another label column.`,
      { column: column.name, rows: rows.length },
    );
  }
  const { task, reason } = inferTask(column, rows, options.task);
  const weights =
    options.weightColumn === undefined ? undefined : sampleWeights(table, options.weightColumn, rows);
  const shared = {
    task,
    taskReason: reason,
    rows,
    missingLabels: table.rows - rows.length,
    ...(weights === undefined ? {} : { weights }),
  };
  return task === 'classification'
    ? { ...shared, ...classTarget(column, rows) }
    : { ...shared, ...valueTarget(column, rows) };
}

/**
 * The label column of further rows under the classes of the training data, and their sample weights.
 *
 * @throws DataError naming the row of a label the training data does not know, or of a bad weight
 */
export function encodeKnownTarget(
  table: Table,
  label: string,
  { task, labels }: KnownTarget,
  weightColumn?: string,
): { readonly rows: Uint32Array; readonly y: Float64Array; readonly weights?: Float64Array } {
  const column = labelColumn(table, label);
  const rows = labelledRows(column);
  const weights =
    weightColumn === undefined || rows.length === 0
      ? {}
      : { weights: sampleWeights(table, weightColumn, rows) };
  if (task === 'regression' || labels === null) return { rows, y: finiteValues(column, rows).y, ...weights };
  const codes = encodeLabels(column, labels);
  const unknown = rows.find((row) => codes[row] < 0);
  if (unknown !== undefined) {
    throw new DataError(
      `automl: validation data must have the labels of the training data, but row ${unknown + 1} has another one ` +
        `than ${labels.values.slice(0, 10).join(', ')}. Correct the label or add such rows to the training data.`,
      { column: label, row: unknown + 1 },
    );
  }
  return { rows, y: sharedFloats(rows, (row) => codes[row]), ...weights };
}

function labelColumn(table: Table, name: string): Column {
  if (table.has(name)) return table.column(name);
  const hint = columnHint(name, table.columnNames);
  throw new DataError(`automl: the label must be a column of the data, but there is no "${name}". ${hint}`, {
    column: name,
  });
}

function isMissing(column: Column, row: number): boolean {
  return column.kind === 'string' ? column.codes[row] < 0 : Number.isNaN(column.values[row]);
}

function labelledRows(column: Column): Uint32Array {
  const length = column.kind === 'string' ? column.codes.length : column.values.length;
  const rows = new Uint32Array(length);
  let count = 0;
  for (let row = 0; row < length; row++) if (!isMissing(column, row)) rows[count++] = row;
  return rows.slice(0, count);
}

function inferTask(
  column: Column,
  rows: Uint32Array,
  given: Task | undefined,
): { task: Task; reason: string } {
  if (column.kind === 'date') {
    throw new DataError(
      `automl: a label must hold classes or numbers, but "${column.name}" holds dates. Convert it to a number, ` +
        'e.g. days since a fixed date.',
      { column: column.name },
    );
  }
  if (column.kind === 'string') {
    if (given !== 'regression') return { task: 'classification', reason: 'the label is text' };
    throw new DataError(
      `automl: a regression needs a label of numbers, but "${column.name}" holds text such as ` +
        `"${column.dictionary.get(column.codes[rows[0]])}". Use the task classification, or clean the column.`,
      { column: column.name },
    );
  }
  const distinct = new Set(column.values).size - (rows.length < column.values.length ? 1 : 0);
  if (given === 'regression') return { task: 'regression', reason: 'as given' };
  if (given === 'classification') {
    refuseContinuous(column, distinct, rows.length);
    return { task: 'classification', reason: 'as given' };
  }
  const few = distinct <= Math.max(2, Math.min(MAX_INFERRED_CLASSES, 0.1 * rows.length));
  return few && (column.integer || distinct <= 2)
    ? { task: 'classification', reason: `the label has ${distinct} distinct whole numbers` }
    : { task: 'regression', reason: `the label is a number with ${distinct} distinct values` };
}

function refuseContinuous(column: NumberColumn, distinct: number, rows: number): void {
  const limit = column.integer ? Math.max(MAX_WHOLE_CLASSES, 0.05 * rows) : MAX_FRACTION_CLASSES;
  if (distinct <= limit) return;
  throw new DataError(
    `automl: a classification needs a label of few classes, but "${column.name}" is a number with ${distinct} ` +
      `distinct values in ${rows} rows. Use the task regression, or group the values into classes.`,
    { column: column.name, distinct },
  );
}

function classTarget(column: Column, rows: Uint32Array) {
  const labels = inferClassLabels(column);
  const classes = labels.values.length;
  if (classes > MAX_CLASSES) {
    throw new DataError(
      `automl: a label may have up to ${MAX_CLASSES} classes, but "${column.name}" has ${classes}. Merge rare ` +
        'classes, or name another label column; numbers can be learned with the task regression.',
      { column: column.name, classes },
    );
  }
  if (classes < 2) {
    throw new DataError(
      `automl: a label must have at least two classes, but every row of "${column.name}" is "${labels.values[0]}". ` +
        'Name another label column, or add rows of other classes.',
      { column: column.name, classes },
    );
  }
  const codes = encodeLabels(column, labels);
  const y = sharedFloats(rows, (row) => codes[row]);
  const classCounts = new Array<number>(classes).fill(0);
  for (const k of y) classCounts[k]++;
  return { y, classes, labels, classCounts };
}

function valueTarget(column: Column, rows: Uint32Array) {
  const { y, range } = finiteValues(column, rows);
  if (range.min === range.max) {
    throw new DataError(
      `automl: a label must vary, but every row of "${column.name}" is ${range.min}. Name another label column.`,
      { column: column.name },
    );
  }
  return { y, classes: 0, labels: null, classCounts: [], range };
}

function finiteValues(column: Column, rows: Uint32Array) {
  if (column.kind !== 'number') {
    throw new DataError(
      `automl: a regression needs a label of numbers, but "${column.name}" holds ${column.kind}s. Clean the column.`,
      { column: column.name },
    );
  }
  const y = sharedFloats(rows, (row) => column.values[row]);
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < y.length; i++) {
    if (!Number.isFinite(y[i])) {
      throw new DataError(
        `automl: labels must be finite, but row ${rows[i] + 1} of "${column.name}" is ${y[i]}. Remove the row or ` +
          'correct it.',
        { column: column.name, row: rows[i] + 1 },
      );
    }
    min = Math.min(min, y[i]);
    max = Math.max(max, y[i]);
  }
  return { y, range: { min, max } };
}

function sampleWeights(table: Table, name: string, rows: Uint32Array): Float64Array {
  const column = table.column(name);
  if (column.kind !== 'number') {
    throw new DataError(
      `automl: weights must be numbers, but "${name}" holds ${column.kind}s. Name another column.`,
      {
        column: name,
      },
    );
  }
  const bad = rows.find((row) => !(column.values[row] >= 0 && Number.isFinite(column.values[row])));
  if (bad !== undefined) {
    throw new DataError(
      `automl: weights must be finite and at least 0, but row ${bad + 1} of "${name}" is ${column.values[bad]}. ` +
        'Correct it or remove the row.',
      { column: name, row: bad + 1 },
    );
  }
  const weights = sharedFloats(rows, (row) => column.values[row]);
  if (!weights.some((weight) => weight > 0)) {
    throw new DataError(
      `automl: some weight must be above 0, but all of "${name}" are 0. Name another column.`,
      {
        column: name,
      },
    );
  }
  return weights;
}

function sharedFloats(rows: Uint32Array, valueAt: (row: number) => number): Float64Array {
  const out = new Float64Array(new SharedArrayBuffer(8 * rows.length));
  for (let i = 0; i < rows.length; i++) out[i] = valueAt(rows[i]);
  return out;
}
