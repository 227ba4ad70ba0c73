import { Command } from 'commander';
import { formatDescribe, formatHead, formatTable, tableRecords } from '#data';
import type { TabularDataset, Workspace } from '#workspace';
import { collectPages } from './collect-pages.ts';
import { formatFacts, formatPairs, formatTime } from './format-facts.ts';
import { jsonText } from './json-text.ts';
import { parsePair, wholeNumber } from './parse-options.ts';
import { addReadOptions, type ReadFlags, readOptionsOf } from './read-flags.ts';
import type { Terminal } from './terminal.ts';
import { withWorkspace } from './with-workspace.ts';

interface JsonFlag {
  readonly json?: boolean;
}

interface RegisterFlags extends ReadFlags {
  readonly name: string;
  readonly description?: string;
  readonly tag?: Record<string, string>;
  readonly json?: boolean;
}

/** `trainyard dataset` */
export function datasetCommand(terminal: Terminal): Command {
  const commands = [
    listCommand(terminal),
    registerCommand(terminal),
    showCommand(terminal),
    headCommand(terminal),
    describeCommand(terminal),
    deleteCommand(terminal),
  ];
  const group = new Command('dataset').description(
    'Registered datasets: list, register, show, head, describe, delete.',
  );
  for (const command of commands) group.addCommand(command);
  return group;
}

/** `name` for the newest version, `name:3` for that one. A name that ends like this itself is tried as a whole first. */
async function parseReference(
  { datasets }: Workspace,
  reference: string,
): Promise<{ name: string; version: number | undefined }> {
  const match = /^(.+):(\d+)$/s.exec(reference);
  if (match === null || (await datasets.has(reference))) return { name: reference, version: undefined };
  return { name: match[1] ?? '', version: Number(match[2]) };
}

async function resolveDataset(workspace: Workspace, reference: string): Promise<TabularDataset> {
  const { name, version } = await parseReference(workspace, reference);
  return workspace.datasets.get(name, version);
}

function listCommand(terminal: Terminal): Command {
  return new Command('list')
    .description('The newest version of every dataset.')
    .option('-n <count>', 'how many at most', wholeNumber(1), 50)
    .option('--json', 'print one JSON array')
    .addHelpText('after', '\nExample:\n  $ trainyard dataset list')
    .action(({ n, json }: { n: number; json?: boolean }) =>
      withWorkspace(async ({ store }) => {
        const datasets = await collectPages(n, (page) => store.listDatasets(page));
        if (json) return terminal.out(jsonText(datasets));
        if (datasets.length === 0)
          return terminal.out('No datasets yet. See: trainyard dataset register --help');
        const rows = datasets.map((dataset) => [
          dataset.name,
          String(dataset.version),
          formatTime(dataset.createdAt),
          formatPairs(dataset.tags),
          dataset.description,
        ]);
        const header = ['dataset', 'version', 'registered (UTC)', 'tags', 'description'];
        terminal.out(formatTable([header, ...rows], { align: ['left', 'right', 'left'] }));
      }),
    );
}

function registerCommand(terminal: Terminal): Command {
  const command = new Command('register')
    .description('Give a table a name and a version; the same content again is the version that exists.')
    .argument('<data...>', 'CSV, TSV, JSON Lines or Parquet: files, folders, patterns or http(s) addresses')
    .requiredOption('--name <name>', 'of the dataset (required)')
    .option('--description <text>', 'what it is')
    .option('--tag <name=value>', 'label; may be given several times', parsePair)
    .option('--json', 'print one JSON document');
  return addReadOptions(command)
    .addHelpText('after', '\nExample:\n  $ trainyard dataset register bank.csv --name "Bank marketing"')
    .action((data: string[], { name, description, tag, json, ...flags }: RegisterFlags) =>
      withWorkspace(async (workspace) => {
        const { TabularDataset } = await import('#workspace');
        const registered = await TabularDataset.fromSource(data, readOptionsOf(flags)).register({
          workspace,
          name,
          ...(description === undefined ? {} : { description }),
          ...(tag === undefined ? {} : { tags: tag }),
        });
        if (json) terminal.out(jsonText(await workspace.store.findDataset(name, registered.version)));
        else terminal.out(`Dataset "${name}" version ${registered.version} is registered.`);
      }),
    );
}

function showCommand(terminal: Terminal): Command {
  return withReference(new Command('show'))
    .description('What is known of a dataset, and its versions.')
    .addHelpText('after', '\nExample:\n  $ trainyard dataset show "Bank marketing"')
    .action((reference: string, { json }: JsonFlag) =>
      withWorkspace(async (workspace) => {
        const { store } = workspace;
        const { name, version } = await parseReference(workspace, reference);
        await workspace.datasets.get(name, version);
        const dataset = await store.findDataset(name, version);
        const versions = await collectPages(1000, (page) => store.listDatasetVersions(name, page));
        if (json || dataset === undefined) {
          return terminal.out(jsonText({ ...dataset, versions: versions.map((entry) => entry.version) }));
        }
        const sources = dataset.source['sources'];
        terminal.out(
          formatFacts([
            ['dataset', dataset.name],
            ['version', `${dataset.version} of ${versions.length}`],
            ['description', dataset.description],
            ['tags', formatPairs(dataset.tags)],
            ['registered', formatTime(dataset.createdAt)],
            ['fingerprint', dataset.fingerprint],
            ['from', Array.isArray(sources) ? sources.join(', ') : undefined],
          ]),
        );
      }),
    );
}

function headCommand(terminal: Terminal): Command {
  return withReference(new Command('head'))
    .description('The first rows.')
    .option('-n <rows>', 'number of rows', wholeNumber(1), 5)
    .addHelpText('after', '\nExample:\n  $ trainyard dataset head "Bank marketing" -n 10')
    .action((reference: string, { n, json }: JsonFlag & { n: number }) =>
      withWorkspace(async (workspace) => {
        const table = await (await resolveDataset(workspace, reference)).take(n).toTable();
        terminal.out(json ? jsonText(tableRecords(table)) : formatHead(table, n));
      }),
    );
}

function describeCommand(terminal: Terminal): Command {
  return withReference(new Command('describe'))
    .description('Per column: count, missing, unique, mean, std, quartiles, top values.')
    .addHelpText('after', '\nExample:\n  $ trainyard dataset describe "Bank marketing"')
    .action((reference: string, { json }: JsonFlag) =>
      withWorkspace(async (workspace) => {
        const columns = await (await resolveDataset(workspace, reference)).describe();
        terminal.out(json ? jsonText(columns) : formatDescribe(columns));
      }),
    );
}

function deleteCommand(terminal: Terminal): Command {
  return withReference(new Command('delete'))
    .description('Forget a version of a dataset, or all of them; local files stay where they are.')
    .addHelpText('after', '\nExample:\n  $ trainyard dataset delete "Bank marketing:1"')
    .action((reference: string, { json }: JsonFlag) =>
      withWorkspace(async (workspace) => {
        const { name, version } = await parseReference(workspace, reference);
        await workspace.datasets.get(name, version);
        await workspace.store.deleteDataset(name, version);
        const what = version === undefined ? 'all versions' : `version ${version}`;
        terminal.out(
          json ? jsonText({ deleted: name, version: version ?? null }) : `Deleted ${what} of "${name}".`,
        );
      }),
    );
}

function withReference(command: Command): Command {
  return command
    .argument('<dataset>', '`name` for the newest version (to delete: for all), or `name:3`')
    .option('--json', 'print one JSON document');
}
