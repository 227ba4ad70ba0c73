import { userInfo } from 'node:os';
import { Command } from 'commander';
import { ConfigError } from '#core';
import { formatTable } from '#data';
import type { Model, Workspace } from '#workspace';
import { collectPages } from './collect-pages.ts';
import { formatFacts, formatPairs, formatSize, formatTime } from './format-facts.ts';
import { formatMetrics } from './format-runs.ts';
import { jsonText } from './json-text.ts';
import { parsePair, wholeNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';
import { withWorkspace } from './with-workspace.ts';

interface JsonFlag {
  readonly json?: boolean;
}

interface RegisterFlags extends JsonFlag {
  readonly name: string;
  readonly description?: string;
  readonly tag?: Record<string, string>;
  readonly run?: string;
}

interface AliasFlags extends JsonFlag {
  readonly reason?: string;
  readonly remove?: boolean;
}

/** `trainyard model` */
export function modelCommand(terminal: Terminal): Command {
  const commands = [
    listCommand(terminal),
    registerCommand(terminal),
    showCommand(terminal),
    aliasCommand(terminal),
    promotionsCommand(terminal),
    downloadCommand(terminal),
    deleteCommand(terminal),
  ];
  const group = new Command('model').description(
    'Registered models: list, register, show, alias, promotions, download, delete.',
  );
  for (const command of commands) group.addCommand(command);
  return group;
}

/** The model of `name`, `name:3` or `name:champion`. A name may hold a colon itself: then it is tried as a whole first. */
async function resolveModel(workspace: Workspace, reference: string): Promise<Model> {
  const { Model } = await import('#workspace');
  const at = reference.lastIndexOf(':');
  if (at <= 0 || (await workspace.models.has(reference))) return Model.get(workspace, reference);
  const version = reference.slice(at + 1);
  return Model.get(workspace, reference.slice(0, at), /^\d+$/.test(version) ? Number(version) : version);
}

function listCommand(terminal: Terminal): Command {
  return new Command('list')
    .description('The newest version of every model, or all versions of one.')
    .argument('[name]', 'whose versions are listed')
    .option('-n <count>', 'how many at most', wholeNumber(1), 50)
    .option('--json', 'print one JSON array')
    .addHelpText('after', '\nExample:\n  $ trainyard model list')
    .action((name: string | undefined, { n, json }: JsonFlag & { n: number }) =>
      withWorkspace(async ({ store, models }) => {
        if (name !== undefined) await models.get(name);
        const records = await collectPages(n, (page) =>
          name === undefined ? store.listModels(page) : store.listModelVersions(name, page),
        );
        if (json) return terminal.out(jsonText(records));
        if (records.length === 0) return terminal.out('No models yet. See: trainyard model register --help');
        const rows = records.map((model) => [
          model.name,
          String(model.version),
          model.aliases.join(', '),
          formatSize(model.size),
          formatTime(model.createdAt),
          model.description,
        ]);
        const header = ['model', 'version', 'aliases', 'size', 'registered (UTC)', 'description'];
        terminal.out(formatTable([header, ...rows], { align: ['left', 'right', 'left', 'right', 'left'] }));
      }),
    );
}

function registerCommand(terminal: Terminal): Command {
  return new Command('register')
    .description('Keep a copy of a file as the next version of a model.')
    .argument('<file>', 'usually ONNX')
    .requiredOption('--name <name>', 'of the model (required)')
    .option('--description <text>', 'what it is')
    .option('--tag <name=value>', 'label; may be given several times', parsePair)
    .option('--run <id>', 'the run that made it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard model register model.onnx --name bank')
    .action((path: string, { name, description, tag, run, json }: RegisterFlags) =>
      withWorkspace(async (workspace) => {
        const { Model } = await import('#workspace');
        const { record } = await Model.register({
          workspace,
          path,
          name,
          ...(description === undefined ? {} : { description }),
          ...(tag === undefined ? {} : { tags: tag }),
          ...(run === undefined ? {} : { runId: run }),
        });
        terminal.out(json ? jsonText(record) : `Model "${name}" version ${record.version} is registered.`);
      }),
    );
}

function showCommand(terminal: Terminal): Command {
  return withModel(new Command('show'))
    .description('What is known of a version.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ trainyard model show bank\n  $ trainyard model show bank:champion',
    )
    .action((reference: string, { json }: JsonFlag) =>
      withWorkspace(async (workspace) => {
        const { record } = await resolveModel(workspace, reference);
        if (json) return terminal.out(jsonText(record));
        const facts = formatFacts([
          ['model', record.name],
          ['version', String(record.version)],
          ['aliases', record.aliases.join(', ')],
          ['description', record.description],
          ['tags', formatPairs(record.tags)],
          ['run', record.runId],
          ['registered', formatTime(record.createdAt)],
          ['size', formatSize(record.size)],
          ['sha256', record.sha256],
        ]);
        const isMeasured = Object.keys(record.metrics).length > 0;
        terminal.out(isMeasured ? `${facts}\n\n${formatMetrics(record.metrics)}` : facts);
      }),
    );
}

function aliasCommand(terminal: Terminal): Command {
  return withModel(new Command('alias'))
    .description('Point an alias at a version; the promotion log keeps who did it and why.')
    .argument('<alias>', 'such as champion')
    .option('--reason <text>', 'kept in the promotion log')
    .option('--remove', 'take the alias away')
    .addHelpText(
      'after',
      '\nExamples:\n  $ trainyard model alias bank:3 champion --reason "better recall"\n  $ trainyard model alias bank champion --remove',
    )
    .action((reference: string, alias: string, { reason, remove, json }: AliasFlags) =>
      withWorkspace(async (workspace) => {
        const model = await resolveModel(workspace, reference);
        const note = { by: userInfo().username, ...(reason === undefined ? {} : { reason }) };
        if (remove) {
          const { Model } = await import('#workspace');
          await Model.get(workspace, model.name, alias);
          await model.removeAlias(alias, note);
        } else if (/^\d+$/.test(alias)) {
          throw new ConfigError(
            `model alias: an alias must not look like a version, but got ${alias}. Write name:${alias} and an alias after it.`,
          );
        } else await model.setAlias(alias, note);
        const version = remove ? null : model.version;
        if (json) terminal.out(jsonText({ name: model.name, alias, version }));
        else if (remove) terminal.out(`"${model.name}" has no alias ${alias} any more.`);
        else terminal.out(`"${model.name}" ${alias} is version ${model.version}.`);
      }),
    );
}

function promotionsCommand(terminal: Terminal): Command {
  return new Command('promotions')
    .description('Which version each alias has pointed at, newest first.')
    .argument('<name>', 'of the model')
    .option('--json', 'print one JSON array')
    .addHelpText('after', '\nExample:\n  $ trainyard model promotions bank')
    .action((name: string, { json }: JsonFlag) =>
      withWorkspace(async ({ models }) => {
        const log = await (await models.get(name)).promotions();
        if (json) return terminal.out(jsonText(log));
        if (log.length === 0) return terminal.out(`"${name}" has never had an alias.`);
        const rows = log.map((line) => [
          formatTime(line.time),
          line.alias,
          `${line.fromVersion ?? '–'} → ${line.toVersion ?? '–'}`,
          line.by,
          line.reason,
        ]);
        terminal.out(formatTable([['time (UTC)', 'alias', 'version', 'by', 'reason'], ...rows]));
      }),
    );
}

function downloadCommand(terminal: Terminal): Command {
  return withModel(new Command('download'))
    .description('Write the file of a version into a folder; its checksum is compared.')
    .option('--out <folder>', 'where to', '.')
    .addHelpText('after', '\nExample:\n  $ trainyard model download bank:champion --out models')
    .action((reference: string, { out, json }: JsonFlag & { out: string }) =>
      withWorkspace(async (workspace) => {
        const model = await resolveModel(workspace, reference);
        const file = await model.download(out);
        const { name, version, sha256 } = model.record;
        terminal.out(
          json ? jsonText({ name, version, file, sha256 }) : `Wrote ${file} ("${name}" version ${version}).`,
        );
      }),
    );
}

function deleteCommand(terminal: Terminal): Command {
  return withModel(new Command('delete'))
    .description('Delete a version that no alias points at; the version must be named.')
    .addHelpText('after', '\nExample:\n  $ trainyard model delete bank:1')
    .action((reference: string, { json }: JsonFlag) =>
      withWorkspace(async (workspace) => {
        if (await workspace.models.has(reference)) {
          throw new ConfigError(
            `model delete: a version must be named, but got ${JSON.stringify(reference)}. Write ${reference}:1.`,
          );
        }
        const model = await resolveModel(workspace, reference);
        await model.delete();
        const { name, version } = model;
        terminal.out(
          json ? jsonText({ deleted: name, version }) : `Deleted version ${version} of "${name}".`,
        );
      }),
    );
}

function withModel(command: Command): Command {
  return command
    .argument('<model>', '`name` for the newest version, `name:3`, or `name:alias`')
    .option('--json', 'print one JSON document');
}
