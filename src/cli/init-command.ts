import { Command } from 'commander';
import { jsonText } from './json-text.ts';
import type { Terminal } from './terminal.ts';

interface InitFlags {
  readonly name?: string;
  readonly json?: boolean;
}

/** `trainyard init` */
export function initCommand(terminal: Terminal): Command {
  return new Command('init')
    .description(
      'Make a workspace here: experiments, runs, datasets, models and pipelines are kept in .trainyard/.',
    )
    .option('--name <name>', "of the workspace (default: the folder's name)")
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard init
  $ trainyard init --name churn

With TRAINYARD_DATABASE_URL=postgres://… the records are kept in PostgreSQL, files in .trainyard/ all the same.`,
    )
    .action(async ({ name, json }: InitFlags) => {
      const { Workspace } = await import('#workspace');
      const workspace = await Workspace.create(name === undefined ? {} : { name });
      await workspace.close();
      const { root, store } = workspace;
      if (json) terminal.out(jsonText({ name: workspace.name, root, store: store.kind }));
      else terminal.out(`Workspace "${workspace.name}" is ready in ${root} (${store.kind}).`);
    });
}
