/** What the notebook shows with pandas. */
import { formatTable, type Table } from 'trainyard/data';
import type { ConfusionMatrixDocument } from 'trainyard/metrics';
import { evaluateModel, type TabularPredictor } from 'trainyard/tabular';

const columns = [
  'accuracy',
  'AUC_weighted',
  'average_precision_score_weighted',
  'log_loss',
  'norm_macro_recall',
];

/** One line per child run. */
export function metricsTable(metrics: Readonly<Record<string, Record<string, number[]>>>): string {
  const lines = Object.entries(metrics).map(([run, values]) => [
    run.replace(/^.{8}-.*_/, (id) => `${id.slice(0, 8)}…_`),
    ...columns.map((name) => values[name]?.[0]?.toFixed(4) ?? ''),
  ]);
  return formatTable([['run', ...columns], ...lines], { align: ['left', 'right'] });
}

/** Rows are true classes, columns predicted ones. */
export async function confusionMatrix(model: TabularPredictor, table: Table, label: string): Promise<string> {
  const { documents } = await evaluateModel(model, table, label);
  const { class_labels: labels, matrix } = (documents['confusion_matrix'] as ConfusionMatrixDocument).data;
  const rows = matrix.map((row, k) => [labels[k], ...row.map(String)]);
  return formatTable([['', ...labels], ...rows], { align: ['left', 'right'] });
}
