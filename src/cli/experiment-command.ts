import { Command } from 'commander';
import { formatTable } from '#data';
import { collectPages } from './collect-pages.ts';
import { formatPairs, formatTime } from './format-facts.ts';
import { jsonText } from './json-text.ts';
import { wholeNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';
import { withWorkspace } from './with-workspace.ts';

interface ListFlags {
  readonly n: number;
  readonly json?: boolean;
}

/** `trainyard experiment` */
export function experimentCommand(terminal: Terminal): Command {
  const list = new Command('list')
    .description('Experiments of the workspace.')
    .option('-n <count>', 'how many at most', wholeNumber(1), 50)
    .option('--json', 'print one JSON array')
    .addHelpText('after', '\nExample:\n  $ trainyard experiment list')
    .action(({ n, json }: ListFlags) =>
      withWorkspace(async ({ store }) => {
        const experiments = await collectPages(n, (page) => store.listExperiments(page));
        if (json) return terminal.out(jsonText(experiments));
        if (experiments.length === 0) return terminal.out('No experiments yet.');
        const rows = experiments.map((experiment) => [
          experiment.name,
          formatTime(experiment.createdAt),
          formatPairs(experiment.tags),
          experiment.description,
        ]);
        terminal.out(formatTable([['experiment', 'created (UTC)', 'tags', 'description'], ...rows]));
      }),
    );
  const remove = new Command('delete')
    .description('Delete an experiment with all its runs and their files; nothing of it may be running.')
    .argument('<name>', 'of the experiment')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard experiment delete "first tries"')
    .action((name: string, { json }: { json?: boolean }) =>
      withWorkspace(async ({ store, experiments }) => {
        await experiments.get(name);
        await store.deleteExperiment(name);
        terminal.out(json ? jsonText({ deleted: name }) : `Deleted experiment "${name}".`);
      }),
    );
  return new Command('experiment')
    .description('Experiments of the workspace: list, delete.')
    .addCommand(list)
    .addCommand(remove);
}
