/** A row as it came in JSON. */
export type JsonRow = Readonly<Record<string, unknown>>;

export type ScoringMethod = 'predict' | 'predict_proba';

/** One row's answer: a label or value, or the probabilities in the order of the labels. */
export interface RowScore {
  readonly prediction: string | number;
  readonly probabilities: readonly number[] | null;
}

/** A loaded model that answers rows. */
export interface Scorer {
  /** Shown in headers and metrics. */
  readonly version: string;
  readonly isClassifier: boolean;
  /** Classes in the order of the probabilities; null for a regression. */
  readonly labels: readonly (string | number)[] | null;
  readonly inputs: readonly ScorerInput[];
  /** @throws DataError naming the column and row (from 1) at fault */
  check(rows: readonly JsonRow[]): void;
  /** Of checked rows, in order. */
  score(rows: readonly JsonRow[]): Promise<readonly RowScore[]>;
  release(): Promise<void>;
}

/** A column of the model as OpenAPI describes it. */
export interface ScorerInput {
  readonly name: string;
  readonly type: 'number' | 'integer' | 'string';
  readonly description: string;
  readonly example: string | number;
}
