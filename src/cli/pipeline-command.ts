import { Command } from 'commander';
import { DataError } from '#core';
import { formatTable } from '#data';
import type { PublishedPipelineRecord, Store } from '#tracking';
import { collectPages } from './collect-pages.ts';
import { formatTime } from './format-facts.ts';
import { jsonText } from './json-text.ts';
import { wholeNumber } from './parse-options.ts';
import type { Terminal } from './terminal.ts';
import { withWorkspace } from './with-workspace.ts';

interface JsonFlag {
  readonly json?: boolean;
}

/** `trainyard pipeline` */
export function pipelineCommand(terminal: Terminal): Command {
  return new Command('pipeline')
    .description('Published pipelines: list, disable, enable.')
    .addCommand(listCommand(terminal))
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
