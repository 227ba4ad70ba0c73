import { Command } from 'commander';
import { DataError } from '#core';
import {
  type Column,
  numberColumn,
  type ScanColumn,
  scanTable,
  stringColumn,
  Table,
  TableWriter,
} from '#data';
import { type TablePredictions, TabularPredictor } from '#tabular';
import { explainAbsentColumns } from './explain-absent-columns.ts';
import { jsonText } from './json-text.ts';
import { parseList } from './parse-options.ts';
import { addReadOptions, type ReadFlags, readOptionsOf } from './read-flags.ts';
import type { Terminal } from './terminal.ts';

interface PredictFlags extends ReadFlags {
  readonly out: string;
  readonly keep?: string[];
  readonly probabilities: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ trainyard predict model.onnx new.csv --out predictions.csv
  $ trainyard predict model.onnx 'new/*.parquet' --keep id --out predictions.parquet

The output has one row per input row, in order: label and a probability per class, or the predicted value.
Data of any size is read, predicted and written piece by piece.`;

/** `trainyard predict` */
export function predictCommand(terminal: Terminal): Command {
  const command = new Command('predict')
    .description('Predict a table with a model. Runs the ONNX file, nothing else.')
    .argument('<model>', 'ONNX file written by trainyard automl')
    .argument('<data...>', 'table with the columns the model was trained on')
    .requiredOption('--out <file>', 'file to write: .csv, .jsonl or .parquet, with .gz if wanted')
    .option('--keep <columns>', 'columns of the data to copy to the output', parseList)
    .option('--no-probabilities', 'labels only')
    .option('--json', 'print one JSON document about the predictions');
  return addReadOptions(command)
    .addHelpText('after', examples)
    .action(async (model: string, data: string[], flags: PredictFlags) => {
      const predictor = await TabularPredictor.load(model);
      try {
        const rows = await predictFile(terminal, predictor, data, flags);
        const facts = { out: flags.out, rows, task: predictor.task, model };
        terminal.out(flags.json ? jsonText(facts) : `${flags.out}: ${rows} predictions`);
      } finally {
        await predictor.release();
      }
    });
}

async function predictFile(
  terminal: Terminal,
  predictor: TabularPredictor,
  data: string[],
  flags: PredictFlags,
): Promise<number> {
  const keep = flags.keep ?? [];
  const inputs = predictor.inputs.map(({ column, kind = 'string' }): ScanColumn => ({ name: column, kind }));
  const known = new Set(inputs.map((input) => input.name));
  const columns = [...inputs, ...keep.filter((name) => !known.has(name)).map(asString)];
  const writer = await TableWriter.open(flags.out);
  let rows = 0;
  try {
    for await (const chunk of scanTable(data, columns, readOptionsOf(flags))) {
      const predictions = await predictor.predict(chunk);
      await writer.write(outputTable(predictor, chunk, predictions, keep, flags.probabilities));
      rows += chunk.rows;
      if (terminal.interactive) process.stderr.write(`\r${rows} rows`);
    }
    if (rows === 0) {
      throw new DataError(
        `predict: a table must have rows, but ${data.join(', ')} has only a header. Add rows, or give --no-header if the ` +
          'first line is data.',
      );
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw explainAbsentColumns('predict', predictor, error);
  } finally {
    if (terminal.interactive) process.stderr.write('\r\x1b[2K');
  }
  return rows;
}

function asString(name: string): ScanColumn {
  return { name, kind: 'string' };
}

function outputTable(
  predictor: TabularPredictor,
  chunk: Table,
  { classes, probabilities, values }: TablePredictions,
  keep: readonly string[],
  withProbabilities: boolean,
): Table {
  const columns: Column[] = keep.map((name) => chunk.column(name));
  const label = predictor.labelColumn;
  if (values !== null)
    columns.push(numberColumn(keep.includes(label) ? `predicted_${label}` : label, values));
  if (classes !== null && probabilities !== null && predictor.labels !== null) {
    const names = predictor.labels.values;
    const texts = Array.from(classes, (k) => names[k]);
    const name = keep.includes(label) ? `predicted_${label}` : label;
    columns.push(
      predictor.labels.type === 'int64' ? numberColumn(name, texts.map(Number)) : stringColumn(name, texts),
    );
    for (let k = 0; k < names.length && withProbabilities; k++) {
      const own = Float64Array.from(classes, (_, i) => probabilities[i * names.length + k]);
      columns.push(numberColumn(`probability_${names[k]}`, own));
    }
  }
  return new Table(columns);
}
