import { columnHint, DataError } from '#core';
import { numberColumn, stringColumn, Table } from '#data';
import { type InputSpec, TabularPredictor } from '#tabular';
import type { JsonRow, RowScore, Scorer, ScorerInput } from './scorer.ts';

/** A model written by `trainyard automl`. */
export class TabularScorer implements Scorer {
  readonly version: string;
  readonly isClassifier: boolean;
  readonly labels: readonly (string | number)[] | null;
  readonly inputs: readonly ScorerInput[];
  private readonly predictor: TabularPredictor;

  private constructor(predictor: TabularPredictor, version: string) {
    this.predictor = predictor;
    this.version = version;
    this.isClassifier = predictor.labels !== null;
    const { labels } = predictor;
    this.labels =
      labels === null ? null : labels.type === 'int64' ? labels.values.map(Number) : labels.values;
    this.inputs = predictor.inputs.map((input) => describe(input, predictor.example[input.column]));
  }

  /** @throws DataError when the file or bytes hold no tabular model */
  static async load(source: string | Uint8Array, version: string): Promise<TabularScorer> {
    return new TabularScorer(await TabularPredictor.load(source), version);
  }

  check(rows: readonly JsonRow[]): void {
    for (let row = 0; row < rows.length; row++) {
      for (const spec of this.predictor.inputs) checkValue(rows[row], spec, row + 1);
    }
  }

  async score(rows: readonly JsonRow[]): Promise<readonly RowScore[]> {
    const table = new Table(this.predictor.inputs.map((spec) => toColumn(rows, spec)));
    const { classes, probabilities, values } = await this.predictor.predict(table);
    const { labels } = this;
    if (classes === null || probabilities === null || labels === null) {
      return Array.from(values ?? [], (value) => ({ prediction: value, probabilities: null }));
    }
    const count = labels.length;
    return Array.from(classes, (k, i) => ({
      prediction: labels[k],
      probabilities: Array.from(probabilities.subarray(i * count, (i + 1) * count)),
    }));
  }

  release(): Promise<void> {
    return this.predictor.release();
  }
}

const isoDate = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?$/;

function checkValue(row: JsonRow, { column, dtype, kind }: InputSpec, at: number): void {
  const value = Object.hasOwn(row, column) ? row[column] : undefined;
  if (value === undefined) {
    throw new DataError(
      `score: every row must have every column of the model, but row ${at} lacks "${column}". ` +
        columnHint(column, Object.keys(row)),
      { column, row: at },
    );
  }
  if (value === null || fits(value, dtype, kind)) return;
  const expected =
    dtype === 'string'
      ? 'text'
      : kind === 'date'
        ? 'an ISO 8601 date'
        : dtype === 'int64'
          ? 'a whole number'
          : 'a number';
  throw new DataError(
    `score: column "${column}" must hold ${expected}, but row ${at} holds ${JSON.stringify(value)?.slice(0, 100)}. ` +
      'Correct the value, or send null where it is missing.',
    { column, row: at },
  );
}

function fits(value: unknown, dtype: InputSpec['dtype'], kind: InputSpec['kind']): boolean {
  if (dtype === 'string') return typeof value === 'string' || typeof value === 'number';
  if (kind === 'date' && typeof value === 'string')
    return isoDate.test(value) && !Number.isNaN(Date.parse(value));
  return dtype === 'int64' ? Number.isSafeInteger(value) : typeof value === 'number';
}

function toColumn(rows: readonly JsonRow[], { column, dtype, kind }: InputSpec) {
  if (dtype === 'string') {
    return stringColumn(
      column,
      rows.map((row) => (row[column] === null ? null : String(row[column]))),
    );
  }
  const numbers = rows.map((row) => {
    const value = row[column];
    if (value === null) return Number.NaN;
    if (kind !== 'date' || typeof value !== 'string') return value as number;
    // Without a zone it is UTC, as when tables are read.
    return Date.parse(value.length === 10 ? value : `${value.replace(' ', 'T').replace(/Z$/, '')}Z`);
  });
  return numberColumn(column, Float64Array.from(numbers));
}

/** @param typical what the column usually holds, as far as the file tells */
function describe({ column, dtype, kind, doc }: InputSpec, typical: unknown): ScorerInput {
  const given = typeof typical === 'string' || typeof typical === 'number' ? typical : undefined;
  if (dtype === 'string')
    return { name: column, type: 'string', description: doc ?? 'text, or null', example: given ?? 'text' };
  if (kind === 'date') {
    const description = 'ISO 8601 date, or null';
    return { name: column, type: 'string', description, example: given ?? '2024-01-31' };
  }
  return {
    name: column,
    type: dtype === 'int64' ? 'integer' : 'number',
    description: 'null where missing',
    example: given ?? 0,
  };
}
