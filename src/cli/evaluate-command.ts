import { Command } from 'commander';
import { readTable } from '#data';
import { type Evaluation, evaluateModel, TabularPredictor } from '#tabular';
import { formatMetric } from './automl-summary.ts';
import { explainAbsentColumns } from './explain-absent-columns.ts';
import { formatConfusionMatrix } from './format-confusion-matrix.ts';
import { jsonText } from './json-text.ts';
import { modelReadOptions } from './model-read-options.ts';
import { addReadOptions, type ReadFlags } from './read-flags.ts';
import type { Terminal } from './terminal.ts';

interface EvaluateFlags extends ReadFlags {
  readonly label?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ trainyard evaluate model.onnx test.csv --label y
  $ trainyard evaluate model.onnx test.parquet --json > metrics.json`;

/** `trainyard evaluate` */
export function evaluateCommand(terminal: Terminal): Command {
  const command = new Command('evaluate')
    .description(
      'Judge a model on labelled rows: all metrics and the confusion matrix. Runs the ONNX file, nothing else.',
    )
    .argument('<model>', 'ONNX file written by trainyard automl')
    .argument('<data...>', 'labelled table')
    .option('--label <column>', 'column with the true labels (default: the one it was trained on)')
    .option('--json', 'print one JSON document');
  return addReadOptions(command)
    .addHelpText('after', examples)
    .action(async (model: string, data: string[], flags: EvaluateFlags) => {
      const predictor = await TabularPredictor.load(model);
      try {
        const { table } = await readTable(data, modelReadOptions(predictor, flags, flags.label)).catch(
          (error: unknown) => {
            throw explainAbsentColumns('evaluate', predictor, error);
          },
        );
        const evaluation = await evaluateModel(predictor, table, flags.label);
        terminal.out(flags.json ? jsonText(evaluation) : describeEvaluation(evaluation));
      } finally {
        await predictor.release();
      }
    });
}

function describeEvaluation(evaluation: Evaluation): string {
  const { task, rows, missingLabel, metrics, documents } = evaluation;
  const skipped = missingLabel === 0 ? '' : `, ${missingLabel} without a label left out`;
  const matrix = documents['confusion_matrix'];
  return [
    `${task}, ${rows} rows${skipped}`,
    '',
    ...Object.entries(metrics).map(([name, value]) => `  ${name.padEnd(36)} ${formatMetric(value)}`),
    ...(matrix === undefined ? [] : ['', ...formatConfusionMatrix(matrix)]),
  ].join('\n');
}
