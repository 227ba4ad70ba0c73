/**
 * Azure's bank-marketing notebook as one program: look at the data, search, metrics of all child runs, the best model
 * and its steps, its confusion matrix on rows it never saw, and the model file used without Trainyard.
 *
 *   npm run example bank-marketing                    # on generated data
 *   npm run example bank-marketing bankmarketing_train.csv
 *   npm run example -- bank-marketing data.csv --label y --metric accuracy --trials 40
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import {
  describeTable,
  formatDescribe,
  formatHead,
  formatTable,
  generateBank,
  holdOut,
  readTable,
  tableRecords,
} from 'trainyard/data';
import type { ConfusionMatrixDocument } from 'trainyard/metrics';
import { type AutoMLResult, evaluateModel, runAutoML, TabularPredictor } from 'trainyard/tabular';
import { scoreRows } from '../predict-in-node/score-rows.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    label: { type: 'string', default: 'y' },
    metric: { type: 'string', default: 'AUC_weighted' },
    trials: { type: 'string', default: '20' },
    out: { type: 'string', default: '.trainyard/bank-marketing.onnx' },
  },
});

heading('Data');
const [file] = positionals;
const table =
  file === undefined ? generateBank({ rows: 6000, seed: 1 }).table : (await readTable(file)).table;
console.log(formatDescribe(describeTable(table)));
console.log(`\n${formatHead(table)}`);
const [split] = holdOut(table.rows, { share: 0.2, seed: 1 });
const training = table.take(split.train);
const test = table.take(split.test);

heading('Train');
mkdirSync(dirname(options.out), { recursive: true });
const run = runAutoML({
  table: training,
  label: options.label,
  task: 'classification',
  metric: options.metric,
  folds: 5,
  maxTrials: Number(options.trials),
  out: options.out,
});
for await (const event of run) {
  if (event.type === 'guardrail' && event.guardrail.status !== 'Passed') {
    console.log(`${event.guardrail.status}: ${event.guardrail.message}`);
  }
  if (event.type === 'improved') {
    console.log(`${event.seconds.toFixed(1).padStart(6)} s  ${event.score.toFixed(4)}  ${event.algorithm}`);
  }
}
const result = await run.result;

heading('Metrics of all child runs');
console.log(childMetrics(result));

heading('Best model');
const { best } = result;
console.log(`${best.algorithm}, ${result.primaryMetric} ${best.metrics[result.primaryMetric].toFixed(4)}`);
for (const { name, settings } of best.steps)
  console.log(`- ${name} ${JSON.stringify(settings).slice(0, 150)}`);

heading('Test the model');
const predictor = await TabularPredictor.load(options.out);
const { metrics, documents, rows } = await evaluateModel(predictor, test);
await predictor.release();
console.log(`On ${rows} rows the search did not see:`);
for (const name of ['accuracy', 'AUC_weighted', 'log_loss', 'norm_macro_recall']) {
  console.log(`  ${name.padEnd(18)} ${metrics[name].toFixed(4)}`);
}
const { class_labels: labels, matrix } = (documents['confusion_matrix'] as ConfusionMatrixDocument).data;
console.log('\nConfusion matrix (rows: true, columns: predicted)');
const counts = matrix.map((row, k) => [labels[k], ...row.map(String)]);
console.log(formatTable([['', ...labels], ...counts], { align: ['left', 'right'] }));

heading('Use the model elsewhere');
const session = await InferenceSession.create(options.out);
const { label, probabilities } = await scoreRows(session, tableRecords(test, 0, 3));
await session.release();
for (let i = 0; i < label.dims[0]; i++) {
  const shares = labels.map(
    (name, k) => `P(${name}) = ${Number(probabilities.data[i * labels.length + k]).toFixed(3)}`,
  );
  console.log(`row ${i + 1}: ${label.data[i]}, ${shares.join(', ')}`);
}
console.log(`\n${options.out}: ${result.modelBytes} bytes`);

function heading(text: string): void {
  console.log(`\n== ${text}\n`);
}

/** One line per child run; `children[].metrics` holds more than the columns chosen here. */
function childMetrics({ children, ensembles }: AutoMLResult): string {
  const columns = [
    'accuracy',
    'AUC_weighted',
    'average_precision_score_weighted',
    'log_loss',
    'norm_macro_recall',
  ];
  const runs = [
    ...children
      .filter((child) => child.status === 'completed')
      .map((child) => ({ name: `${child.iteration} ${child.algorithm}`, metrics: child.metrics })),
    ...ensembles.map((ensemble) => ({ name: ensemble.kind, metrics: ensemble.metrics })),
  ];
  const lines = runs.map(({ name, metrics }) => [
    name,
    ...columns.map((column) => metrics[column].toFixed(4)),
  ]);
  return formatTable([['', ...columns], ...lines], { align: ['left', 'right'] });
}
