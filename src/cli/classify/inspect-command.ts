import { Command } from 'commander';
import { jsonText } from '../json-text.ts';
import { wholeNumber } from '../parse-options.ts';
import type { Terminal } from '../terminal.ts';
import { findData } from './find-data.ts';
import { findWorkspace } from './log-training.ts';

interface InspectFlags {
  readonly folds?: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** `trainyard classify inspect` */
export function inspectCommand(terminal: Terminal): Command {
  return new Command('inspect')
    .description('Count the pictures of every class and fold, and find broken ones before training.')
    .argument('<data>', 'folder with a folder per class, a table of pictures, or a dataset of the workspace')
    .option('--folds <k>', 'to deal the data to, where it names none', wholeNumber(2))
    .option('--seed <n>', 'of the folds', wholeNumber(0), 123)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard classify inspect photos/
  $ trainyard classify inspect train.csv --folds 5`,
    )
    .action(async (text: string, flags: InspectFlags) => inspect(terminal, text, flags));
}

async function inspect(terminal: Terminal, text: string, { folds, seed, json }: InspectFlags): Promise<void> {
  const { checkImages, classReport, formatClassReport, imageFolds, readImageIndex } = await import('#data');
  const workspace = await findWorkspace();
  try {
    const data = await findData(text, workspace);
    const index = typeof data === 'object' && 'items' in data ? data : await readImageIndex(data);
    const dealt = folds === undefined ? {} : { folds: imageFolds(index.items, folds, seed) };
    const report = classReport(index, dealt);
    const { broken } = await checkImages(index.items, { onBroken: 'skip' });
    if (json) return terminal.out(jsonText({ ...report, broken }));
    terminal.out(formatClassReport(report));
    if (broken.length === 0) return terminal.out(`\nAll ${report.images} pictures can be read.`);
    terminal.out(`\n${broken.length} of ${report.images} pictures cannot be read:`);
    for (const { path, reason } of broken) terminal.out(`  ${path}: ${reason}`);
    process.exitCode = 1;
  } finally {
    await workspace?.close();
  }
}
