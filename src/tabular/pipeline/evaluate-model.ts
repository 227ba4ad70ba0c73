import { DataError } from '#core';
import type { Column, Table } from '#data';
import { classificationMetrics, regressionMetrics } from '#metrics';
import { type ClassLabels, encodeLabels, MISSING_LABEL, UNKNOWN_LABEL } from './class-labels.ts';
import type { TabularPredictor } from './onnx-predictor.ts';

/** What an ONNX model is worth on labelled rows. */
export interface Evaluation {
  readonly task: 'classification' | 'regression';
  readonly rows: number;
  /** Rows left out because their label is missing. */
  readonly missingLabel: number;
  /** Azure's names. */
  readonly metrics: Readonly<Record<string, number>>;
  /** `confusion_matrix` and `accuracy_table`, or `residuals` and `predicted_true`. */
  readonly documents: Readonly<Record<string, unknown>>;
}

/**
 * Scores a model's ONNX file on labelled rows; the `*_binary` metrics are of the positive class it was trained with.
 * @param label column with the true labels; the name the model was trained with when absent
 * @throws DataError when the column is missing, holds no label, or a label the model does not know
 */
export async function evaluateModel(
  predictor: TabularPredictor,
  table: Table,
  label: string = predictor.labelColumn,
): Promise<Evaluation> {
  const column = table.column(label);
  const values = truthOf(column, predictor);
  const known: number[] = [];
  for (let row = 0; row < table.rows; row++) if (!Number.isNaN(values[row])) known.push(row);
  if (known.length === 0) {
    throw new DataError(
      `evaluate: column "${label}" must hold labels, but all ${table.rows} are missing. Check it.`,
    );
  }
  const used = known.length === table.rows ? table : table.take(known);
  const yTrue = Float64Array.from(known, (row) => values[row]);
  const predictions = await predictor.predict(used);
  const counts = { rows: used.rows, missingLabel: table.rows - used.rows };
  if (predictor.labels === null) {
    const { scalars, ...documents } = regressionMetrics({
      yTrue,
      predictions: predictions.values as Float64Array,
    });
    return { task: 'regression', ...counts, metrics: scalars, documents };
  }
  const positive = predictor.labels.values.indexOf(predictor.metadata['trainyard.positiveLabel']);
  const { scalars, ...documents } = classificationMetrics({
    yTrue,
    probabilities: predictions.probabilities as Float64Array,
    predicted: predictions.classes as Int32Array,
    classes: predictor.labels.values.length,
    classLabels: predictor.labels.values,
    ...(positive < 0 ? {} : { positiveClass: positive }),
  });
  return { task: 'classification', ...counts, metrics: scalars as Record<string, number>, documents };
}

/** [N] class indices or values; NaN where the label is missing. */
function truthOf(column: Column, predictor: TabularPredictor): Float64Array {
  if (predictor.labels !== null) {
    const codes = encodeLabels(column, predictor.labels);
    const unknown = codes.indexOf(UNKNOWN_LABEL);
    if (unknown >= 0) throw unknownLabel(column, unknown, predictor.labels);
    return Float64Array.from(codes, (code) => (code === MISSING_LABEL ? Number.NaN : code));
  }
  if (column.kind === 'number') return column.values;
  throw new DataError(
    `evaluate: the label of a regression must be numbers, but column "${column.name}" holds ${column.kind}s. ` +
      'Check the column, or read it with another decimal separator.',
    { column: column.name },
  );
}

function unknownLabel(column: Column, row: number, labels: ClassLabels): DataError {
  const value =
    column.kind === 'string' ? column.dictionary.get(column.codes[row]) : String(column.values[row]);
  return new DataError(
    `evaluate: labels must be classes the model knows (${labels.values.slice(0, 10).join(', ')}), but row ` +
      `${row + 1} of "${column.name}" is "${value}". Name the label column with --label, or drop such rows.`,
    { column: column.name, row: row + 1 },
  );
}
