import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { ConfigError } from '#core';
import { readTable, type Table } from '#data';
import { type AutoMLOptions, type AutoMLRun, runAutoML, type ValidationOption } from '#tabular';
import { AutoMLView } from './automl-view.ts';
import { jsonText } from './json-text.ts';
import { parseDuration, parseList, parseNumber, wholeNumber } from './parse-options.ts';
import { addReadOptions, type ReadFlags, readOptionsOf } from './read-flags.ts';
import type { Terminal } from './terminal.ts';

interface AutoMLFlags extends ReadFlags {
  readonly label: string;
  readonly task?: 'classification' | 'regression';
  readonly metric?: string;
  readonly folds?: number;
  readonly holdOut?: number;
  readonly monteCarlo?: number;
  readonly validationData?: string;
  readonly foldColumn?: string;
  readonly groupColumn?: string;
  readonly timeColumn?: string;
  readonly weights?: string;
  readonly positive?: string;
  readonly timeout?: number;
  readonly trialTimeout?: number;
  readonly maxTrials?: number;
  readonly exitScore?: number;
  readonly concurrency?: number;
  readonly allow?: string[];
  readonly block?: string[];
  readonly featurization: string;
  readonly ensembles: boolean;
  readonly importance: boolean;
  readonly state?: string;
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ trainyard automl bank.csv --label y
  $ trainyard automl bank.csv --label y --metric norm_macro_recall --timeout 5m --out recall.onnx
  $ trainyard automl 'sales/*.parquet' --label amount --task regression --time-column date
  $ trainyard automl bank.csv --label y --state search/        # interrupted? the same command goes on
  $ trainyard automl bank.csv --label y --json > result.json   # progress stays on the screen

Ctrl-C ends the search and saves the best model so far.`;

/** `trainyard automl` */
export function automlCommand(terminal: Terminal): Command {
  const command = new Command('automl')
    .description('Search for the best model of a table and write it as one ONNX file.')
    .argument('<data...>', 'CSV, TSV, JSON Lines or Parquet: files, folders, patterns or http(s) addresses')
    .requiredOption('--label <column>', 'column to predict (required)')
    .addOption(
      new Option('--task <task>', 'inferred from the label when absent').choices([
        'classification',
        'regression',
      ]),
    )
    .option('--metric <name>', 'primary metric, e.g. AUC_weighted, log_loss, norm_macro_recall, r2_score');
  return addReadOptions(addSearchOptions(addValidationOptions(addResultOptions(command))))
    .addHelpText('after', examples)
    .action(async (data: string[], flags: AutoMLFlags) => runCommand(terminal, data, flags));
}

function addResultOptions(command: Command): Command {
  return command
    .option(
      '--featurization <auto|off|FILE>',
      'how raw columns become features; FILE is a JSON configuration',
      'auto',
    )
    .option('--weights <column>', 'column of sample weights')
    .option('--positive <label>', 'label of the positive class, for the *_binary metrics')
    .option('--out <file>', 'ONNX file to write', 'model.onnx')
    .option('--json', 'print the result as one JSON document on standard output');
}

function addValidationOptions(command: Command): Command {
  return command
    .optionsGroup('Validation:')
    .option(
      '--folds <n>',
      'folds of the cross-validation (default: 5, or a hold-out for large data)',
      wholeNumber(2),
    )
    .option('--hold-out <share>', 'validate on a random share of the rows, e.g. 0.1', parseNumber)
    .option('--monte-carlo <n>', 'validate on n random splits with 20 % held out', wholeNumber(1))
    .option('--validation-data <file>', 'validate on another table')
    .option('--fold-column <column>', 'validate by the folds this column names')
    .option('--group-column <column>', 'keep rows with the same value in one fold')
    .option('--time-column <column>', 'validate each fold on rows later than those learned from');
}

function addSearchOptions(command: Command): Command {
  return command
    .optionsGroup('Search:')
    .option('--timeout <time>', 'end within this time, e.g. 90s, 5m', parseDuration)
    .option('--trial-timeout <time>', 'discard trials that take longer', parseDuration)
    .option('--max-trials <n>', 'most trials', wholeNumber(1))
    .option('--exit-score <score>', 'end once the primary metric is this good', parseNumber)
    .option('--concurrency <n>', 'trials at the same time (default: cores, at most 8)', wholeNumber(1))
    .option('--allow <names>', 'learners to use, separated by commas', parseList)
    .option('--block <names>', 'learners not to use, separated by commas', parseList)
    .option('--no-ensembles', 'no voting and stacking')
    .option('--no-importance', 'no permutation importance')
    .option('--state <folder>', 'folder that makes the search resumable')
    .option('--seed <n>', 'seed of everything random', wholeNumber(0), 0);
}

async function runCommand(terminal: Terminal, data: string[], flags: AutoMLFlags): Promise<void> {
  const { table, report } = await readTable(data, readOptionsOf(flags));
  const readNotes = [...report.repairs, ...report.warnings];
  for (const line of readNotes) terminal.note(`note: ${line}`);
  const options = await optionsOf(table, flags);
  const run = runAutoML(options);
  const release = stopOnInterrupt(run, terminal);
  const view = new AutoMLView(terminal);
  try {
    for await (const event of run) view.show(event);
    const result = await run.result;
    if (flags.json) terminal.out(jsonText({ ...result, warnings: [...readNotes, ...result.warnings] }));
    else terminal.out(view.summary(result));
  } finally {
    view.close();
    release();
  }
}

/** Of a promised time, what starting and reading have left: the promise counts from the start of the process. */
function timeLeft(timeoutSeconds: number | undefined): number | undefined {
  return timeoutSeconds === undefined ? undefined : Math.max(0.05, timeoutSeconds - performance.now() / 1000);
}

async function optionsOf(table: Table, flags: AutoMLFlags): Promise<AutoMLOptions> {
  const validation = await validationOf(table, flags);
  const given = {
    task: flags.task,
    metric: flags.metric,
    folds: validation === undefined ? flags.folds : undefined,
    validation,
    timeoutSeconds: timeLeft(flags.timeout),
    trialTimeoutSeconds: flags.trialTimeout,
    maxTrials: flags.maxTrials,
    exitScore: flags.exitScore,
    concurrency: flags.concurrency,
    allow: flags.allow,
    block: flags.block,
    stateFolder: flags.state,
    weights: flags.weights,
    positiveLabel: flags.positive,
  };
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    ...defined,
    table,
    label: flags.label,
    featurization: await featurizationOf(flags.featurization),
    ensembles: flags.ensembles,
    importance: flags.importance,
    seed: flags.seed,
    out: flags.out,
  };
}

async function validationOf(table: Table, flags: AutoMLFlags): Promise<ValidationOption | undefined> {
  const folds = flags.folds === undefined ? {} : { folds: flags.folds };
  const choices: (() => Promise<ValidationOption> | ValidationOption)[] = [];
  const { holdOut, monteCarlo, validationData, foldColumn, groupColumn, timeColumn } = flags;
  if (holdOut !== undefined) choices.push(() => ({ kind: 'hold-out', share: holdOut }));
  if (monteCarlo !== undefined)
    choices.push(() => ({ kind: 'monte-carlo', repeats: monteCarlo, share: 0.2 }));
  if (foldColumn !== undefined) choices.push(() => ({ kind: 'fold-column', column: foldColumn }));
  if (groupColumn !== undefined) choices.push(() => ({ kind: 'group', column: groupColumn, ...folds }));
  if (timeColumn !== undefined) choices.push(() => ({ kind: 'time', column: timeColumn, ...folds }));
  if (validationData !== undefined) {
    choices.push(async () => {
      // Read as the training data was, whatever its own values look like.
      const types = Object.fromEntries(table.columns.map(({ name, kind }) => [name, kind]));
      const validation = await readTable(validationData, { ...readOptionsOf(flags), types });
      return { kind: 'given', table: validation.table };
    });
  }
  if (choices.length > 1) {
    throw new ConfigError(
      'automl: one kind of validation must be chosen, but several were given. Keep one of --hold-out, --monte-carlo, ' +
        '--validation-data, --fold-column, --group-column and --time-column.',
    );
  }
  if (
    flags.folds !== undefined &&
    choices.length === 1 &&
    groupColumn === undefined &&
    timeColumn === undefined
  ) {
    throw new ConfigError(
      'automl: --folds goes with cross-validation, --group-column or --time-column, but another kind of validation was ' +
        'given. Leave out one of the two.',
    );
  }
  return choices[0]?.();
}

async function featurizationOf(value: string): Promise<NonNullable<AutoMLOptions['featurization']>> {
  if (value === 'auto' || value === 'off') return value;
  let text: string;
  try {
    text = await readFile(value, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `automl: --featurization must be auto, off or a JSON file, but "${value}" cannot be read ` +
        `(${(error as NodeJS.ErrnoException).code}). Check the path.`,
    );
  }
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(
      `automl: ${value} must hold JSON, but: ${(error as Error).message}. Correct the file.`,
    );
  }
}

/** First Ctrl-C or SIGTERM: end with the best so far. Second: end at once. */
function stopOnInterrupt(run: AutoMLRun, terminal: Terminal): () => void {
  let asked = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked) process.exit(signal === 'SIGINT' ? 130 : 143);
    asked = true;
    terminal.note(
      '\nStopping: running trials are discarded, the best model so far is saved. Again to end at once.',
    );
    run.stop();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
