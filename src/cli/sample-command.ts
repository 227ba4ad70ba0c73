import { Command } from 'commander';
import { generateBank, generateMulticlass, generateRegression, type Table, writeTable } from '#data';
import { jsonText } from './json-text.ts';
import { parseNumber, wholeNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';

interface SampleFlags {
  readonly rows: number;
  readonly seed: number;
  readonly missing: number;
  readonly out: string;
  readonly json?: boolean;
  readonly classes?: number;
  readonly noise?: number;
}

interface Sample {
  readonly table: Table;
  readonly label: string;
  /** Best reachable scores; `expected` is the mean over all labels that could have been drawn. */
  readonly best: Readonly<Record<string, number>>;
  readonly expected: Readonly<Record<string, number>>;
}

/** `trainyard sample` */
export function sampleCommand(terminal: Terminal): Command {
  return new Command('sample')
    .description('Write generated tables whose best reachable score is known.')
    .addCommand(
      sampleKind(
        terminal,
        'bank',
        'Shaped like the bank-marketing data: 20 columns and the label y.',
        32_950,
        drawBank,
      ),
    )
    .addCommand(
      sampleKind(
        terminal,
        'regression',
        'A smooth function of numbers and categories plus noise.',
        10_000,
        drawRegression,
      ).option('--noise <deviation>', 'standard deviation of the noise (default: 1)', parseNumber),
    )
    .addCommand(
      sampleKind(
        terminal,
        'multiclass',
        'Classes that overlap by a known amount.',
        10_000,
        drawMulticlass,
      ).option('--classes <k>', 'number of classes (default: 5)', wholeNumber(2)),
    );
}

function sampleKind(
  terminal: Terminal,
  name: string,
  description: string,
  rows: number,
  draw: (flags: SampleFlags) => Sample,
): Command {
  return new Command(name)
    .description(description)
    .option('--rows <n>', 'number of rows', wholeNumber(1), rows)
    .option('--seed <n>', 'same seed, same table', wholeNumber(0), 0)
    .option('--missing <share>', 'share of cells left empty, in [0, 1)', parseNumber, 0)
    .requiredOption('--out <file>', 'file to write: .csv, .jsonl or .parquet, with .gz if wanted')
    .option('--json', 'print one JSON document about the table')
    .addHelpText('after', `\nExample:\n  $ trainyard sample ${name} --rows 5000 --seed 1 --out ${name}.csv`)
    .action(async (flags: SampleFlags) => {
      const { table, label, best, expected } = draw(flags);
      await writeTable(table, flags.out);
      const facts = {
        out: flags.out,
        rows: table.rows,
        columns: table.columns.length,
        label,
        best,
        expected,
      };
      terminal.out(flags.json ? jsonText(facts) : describeSample(facts));
    });
}

function drawBank({ rows, seed, missing }: SampleFlags): Sample {
  const { table, truth } = generateBank({ rows, seed, missing });
  return {
    table,
    label: 'y',
    best: { AUC_weighted: truth.bestAuc, log_loss: truth.bestLogLoss, accuracy: truth.bestAccuracy },
    expected: {
      AUC_weighted: truth.expectedAuc,
      log_loss: truth.expectedLogLoss,
      accuracy: truth.expectedAccuracy,
    },
  };
}

function drawRegression({ rows, seed, missing, noise }: SampleFlags): Sample {
  const { table, truth } = generateRegression({
    rows,
    seed,
    missing,
    ...(noise === undefined ? {} : { noise }),
  });
  return {
    table,
    label: 'y',
    best: {
      root_mean_squared_error: truth.bestRmse,
      mean_absolute_error: truth.bestMae,
      r2_score: truth.bestR2,
    },
    expected: { root_mean_squared_error: truth.expectedRmse },
  };
}

function drawMulticlass({ rows, seed, missing, classes }: SampleFlags): Sample {
  const { table, truth } = generateMulticlass({
    rows,
    seed,
    missing,
    ...(classes === undefined ? {} : { classes }),
  });
  return {
    table,
    label: 'label',
    best: { log_loss: truth.bestLogLoss, accuracy: truth.bestAccuracy },
    expected: { log_loss: truth.expectedLogLoss, accuracy: truth.expectedAccuracy },
  };
}

function describeSample(
  facts: Omit<Sample, 'table'> & { out: string; rows: number; columns: number },
): string {
  const scores = (values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value.toFixed(4)}`)
      .join(', ');
  return [
    `${facts.out}: ${facts.rows} rows × ${facts.columns} columns, label "${facts.label}"`,
    `best reachable on these rows: ${scores(facts.best)}`,
    `expected over all labels that could have been drawn: ${scores(facts.expected)}`,
  ].join('\n');
}
