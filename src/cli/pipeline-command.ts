import { Command } from 'commander';
import { DataError } from '#core';
import { formatTable } from '#data';
import type { PublishedPipelineRecord, Store } from '#tracking';
import { collectPages } from './collect-pages.ts';
import { formatTime } from './format-facts.ts';
import { jsonText } from './json-text.ts';
import { parsePair, wholeNumber } from './parse-options.ts';
import { resolveRun } from './resolve-run.ts';
import type { Terminal } from './terminal.ts';
import { waitForPipeline } from './wait-for-pipeline.ts';
import { withWorkspace } from './with-workspace.ts';

interface JsonFlag {
  readonly json?: boolean;
}

interface PublishFlags extends JsonFlag {
  readonly name: string;
  readonly description: string;
  readonly pipelineVersion: string;
}

interface SubmitFlags extends JsonFlag {
  readonly experiment: string;
  readonly param?: Record<string, string>;
  readonly tag?: Record<string, string>;
}

/** `trainyard pipeline` */
export function pipelineCommand(terminal: Terminal): Command {
  return new Command('pipeline')
    .description('Published pipelines: list, publish, submit, explain, disable, enable.')
    .addCommand(listCommand(terminal))
    .addCommand(publishCommand(terminal))
    .addCommand(submitCommand(terminal))
    .addCommand(explainCommand(terminal))
    .addCommand(statusCommand(terminal, 'disable'))
    .addCommand(statusCommand(terminal, 'enable'));
}

/** By id, or by name where only one has it. */
async function resolvePipeline(store: Store, reference: string): Promise<PublishedPipelineRecord> {
  const found = await store.findPublishedPipeline(reference);
  if (found !== undefined) return found;
  const pipelines = await collectPages(1000, (page) => store.listPublishedPipelines(page));
  const named = pipelines.filter(({ name }) => name === reference);
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  const known = (named.length > 1 ? named : pipelines).slice(0, 10).map(({ id, name }) => `${id} (${name})`);
  throw new DataError(
    `pipeline: must be the id or the one name of a published pipeline, but got ${JSON.stringify(reference)}. There are: ${known.join(', ') || 'none'}.`,
  );
}

function listCommand(terminal: Terminal): Command {
  return new Command('list')
    .description('Published pipelines.')
    .option('-n <count>', 'how many at most', wholeNumber(1), 50)
    .option('--json', 'print one JSON array')
    .addHelpText('after', '\nExample:\n  $ trainyard pipeline list')
    .action(({ n, json }: JsonFlag & { n: number }) =>
      withWorkspace(async ({ store }) => {
        const pipelines = await collectPages(n, (page) => store.listPublishedPipelines(page));
        if (json) return terminal.out(jsonText(pipelines));
        if (pipelines.length === 0) return terminal.out('No published pipelines yet.');
        const rows = pipelines.map((pipeline) => [
          pipeline.id,
          pipeline.name,
          pipeline.version,
          pipeline.status,
          formatTime(pipeline.createdAt),
          pipeline.description,
        ]);
        const header = ['id', 'name', 'version', 'status', 'published (UTC)', 'description'];
        terminal.out(formatTable([header, ...rows]));
      }),
    );
}

function publishCommand(terminal: Terminal): Command {
  return new Command('publish')
    .description(
      'Keep the pipeline of a run that has completed, so that it can be started again, over HTTP too.',
    )
    .argument('<run>', 'id of the pipeline run, or `latest`')
    .requiredOption('--name <name>', 'of the pipeline (required)')
    .option('--description <text>', 'what it does', '')
    .option('--pipeline-version <text>', 'any text', '1.0')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard pipeline publish 3f0c… --name bank-training')
    .action((runId: string, { name, description, pipelineVersion, json }: PublishFlags) =>
      withWorkspace(async (workspace) => {
        const { PublishedPipeline } = await import('#pipeline');
        const options = { name, description, version: pipelineVersion };
        const { record, endpoint } = await PublishedPipeline.publish(
          workspace,
          await resolveRun(workspace.store, runId),
          options,
        );
        if (json) terminal.out(jsonText({ ...record, endpoint }));
        else terminal.out(`Pipeline "${name}" is published as ${record.id}.\nEndpoint: ${endpoint}`);
      }),
    );
}

function submitCommand(terminal: Terminal): Command {
  return new Command('submit')
    .description('Run a published pipeline in this process, to its end.')
    .argument('<pipeline>', 'id, or name')
    .option('--experiment <name>', 'experiment of the run', 'pipelines')
    .option('--param <name=value>', 'value of a parameter; may be given several times', parsePair)
    .option('--tag <name=value>', 'label of the run; may be given several times', parsePair)
    .option('--json', "print the run's record at its end instead of its progress")
    .addHelpText(
      'after',
      '\nExample:\n  $ trainyard pipeline submit bank-training --experiment nightly --param rate=0.1\n\nCtrl-C cancels it.',
    )
    .action((reference: string, { experiment, param = {}, tag, json }: SubmitFlags) =>
      withWorkspace(async (workspace) => {
        const { PublishedPipeline } = await import('#pipeline');
        const record = await resolvePipeline(workspace.store, reference);
        const run = await PublishedPipeline.of(workspace, record).submit(experiment, {
          showOutput: json !== true,
          parameterAssignments: param,
          ...(tag === undefined ? {} : { tags: tag }),
        });
        await waitForPipeline(terminal, run, { json: json === true });
      }),
    );
}

function explainCommand(terminal: Terminal): Command {
  return new Command('explain')
    .description('Why a step was reused, or had to run.')
    .argument('<run>', 'id of the pipeline run, or `latest`')
    .argument('<step>', 'name of the step')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard pipeline explain latest train')
    .action((runId: string, step: string, { json }: JsonFlag) =>
      withWorkspace(async ({ store }) => {
        const { explainReuse } = await import('#pipeline');
        const found = await explainReuse(store, await resolveRun(store, runId), step);
        if (json) return terminal.out(jsonText(found));
        const verdict = `Step "${found.step}": ${found.reason}`;
        const rows = found.differences.map(({ part, before, now }) => [
          part,
          JSON.stringify(before),
          JSON.stringify(now),
        ]);
        const differences =
          rows.length === 0 ? '' : `\n\n${formatTable([['part', 'before', 'now'], ...rows])}`;
        terminal.out(verdict + differences);
      }),
    );
}

function statusCommand(terminal: Terminal, verb: 'disable' | 'enable'): Command {
  const status = verb === 'disable' ? 'Disabled' : 'Active';
  return new Command(verb)
    .description(verb === 'disable' ? 'Refuse new runs of a pipeline.' : 'Allow runs of a pipeline again.')
    .argument('<pipeline>', 'id, or name')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\nExample:\n  $ trainyard pipeline ${verb} bank-training`)
    .action((reference: string, { json }: JsonFlag) =>
      withWorkspace(async ({ store }) => {
        const { id, name } = await resolvePipeline(store, reference);
        await store.setPublishedStatus(id, status);
        terminal.out(json ? jsonText({ id, status }) : `Pipeline "${name}" (${id}) is ${status}.`);
      }),
    );
}
