import { Command, Option } from 'commander';
import { DataError } from '#core';
import { formatNumber, formatTable } from '#data';
import { type RunState, runStates, type Store } from '#tracking';
import { collectPages } from './collect-pages.ts';
import { followLog } from './follow-log.ts';
import { formatMetric, formatMetrics, formatRun, formatRuns } from './format-runs.ts';
import { jsonText } from './json-text.ts';
import { parseList, parsePair, wholeNumber } from './parse-options.ts';
import { resolveRun } from './resolve-run.ts';
import type { Terminal } from './terminal.ts';
import { waitForPipeline } from './wait-for-pipeline.ts';
import { watchRun } from './watch-run.ts';
import { withWorkspace } from './with-workspace.ts';

interface JsonFlag {
  readonly json?: boolean;
}

interface ListFlags extends JsonFlag {
  readonly experiment?: string;
  readonly state?: string[];
  readonly tag?: Record<string, string>;
  readonly all?: boolean;
  readonly n: number;
}

/** `trainyard run` */
export function runCommand(terminal: Terminal): Command {
  const commands = [
    listCommand(terminal),
    showCommand(terminal),
    logsCommand(terminal),
    metricsCommand(terminal),
    watchCommand(terminal),
    cancelCommand(terminal),
    resumeCommand(terminal),
    deleteCommand(terminal),
  ];
  const group = new Command('run').description(
    'Runs: list, show, logs, metrics, watch, cancel, resume, delete.',
  );
  for (const command of commands) group.addCommand(command);
  return group;
}

function listCommand(terminal: Terminal): Command {
  return new Command('list')
    .description('Newest runs, with their latest metrics.')
    .option('--experiment <name>', 'only of this experiment')
    .addOption(
      new Option('--state <states>', `only in these, separated by commas: ${runStates.join(', ')}`).argParser(
        parseList,
      ),
    )
    .option('--tag <name=value>', 'only with this tag; may be given several times', parsePair)
    .option('--all', 'child runs too')
    .option('-n <count>', 'how many at most', wholeNumber(1), 20)
    .option('--json', 'print one JSON array')
    .addHelpText(
      'after',
      `
Examples:
  $ trainyard run list
  $ trainyard run list --experiment bank --state Running,Failed -n 5`,
    )
    .action(({ experiment, state, tag, all, n, json }: ListFlags) =>
      withWorkspace(async ({ store, experiments }) => {
        if (experiment !== undefined) await experiments.get(experiment);
        // What a killed process has left running is said to be so.
        await store.markNotResponding();
        const runs = await collectPages(n, (page) =>
          store.listRuns({
            ...page,
            ...(experiment === undefined ? {} : { experimentName: experiment }),
            // The store says which states there are.
            ...(state === undefined ? {} : { states: state as RunState[] }),
            ...(tag === undefined ? {} : { tags: tag }),
            ...(all ? {} : { parentId: null }),
            withMetrics: true,
          }),
        );
        if (json) terminal.out(jsonText(runs));
        else terminal.out(runs.length === 0 ? 'No such runs.' : formatRuns(runs));
      }),
    );
}

function showCommand(terminal: Terminal): Command {
  return new Command('show')
    .description('Everything about a run.')
    .argument('<run>', 'id, or `latest`')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard run show latest')
    .action((id: string, { json }: JsonFlag) =>
      withWorkspace(async ({ store }) => {
        await store.markNotResponding();
        const run = await store.getRun(await resolveRun(store, id));
        const metrics = await store.latestMetrics(run.id);
        const children = await collectPages(1000, (page) =>
          store.listRuns({ ...page, parentId: run.id, order: 'oldest', withMetrics: true }),
        );
        const artifacts = await collectPages(1000, (page) => store.listArtifacts(run.id, page));
        if (json) return terminal.out(jsonText({ ...run, metrics, children, artifacts }));
        const files = artifacts.map(({ path, size }) => [path, formatNumber(size)]);
        const listed =
          files.length === 0
            ? ''
            : `\n\n${formatTable([['file', 'bytes'], ...files], { align: ['left', 'right'], widest: 80 })}`;
        terminal.out(formatRun(terminal, run, { metrics, children }) + listed);
      }),
    );
}

function logsCommand(terminal: Terminal): Command {
  return new Command('logs')
    .description("A run's log.")
    .argument('<run>', 'id, or `latest`')
    .option('--follow', 'go on until the run has ended')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard run logs latest --follow')
    .action((id: string, { follow, json }: JsonFlag & { follow?: boolean }) =>
      withWorkspace(async ({ store }) => {
        const run = await resolveRun(store, id);
        let whole = '';
        await followLog(store, run, { follow: follow === true }, (text) => {
          if (json) whole += text;
          else terminal.out(text);
        });
        if (json) terminal.out(jsonText({ run, text: whole }));
      }),
    );
}

function metricsCommand(terminal: Terminal): Command {
  return new Command('metrics')
    .description("A run's latest metrics, or the history of one.")
    .argument('<run>', 'id, or `latest`')
    .argument('[metric]', 'whose history is shown')
    .option('--points <count>', 'points of the history at most, evenly chosen', wholeNumber(2), 50)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ trainyard run metrics latest\n  $ trainyard run metrics latest loss',
    )
    .action((id: string, metric: string | undefined, { points, json }: JsonFlag & { points: number }) =>
      withWorkspace(async ({ store }) => {
        const run = await resolveRun(store, id);
        const latest = await store.latestMetrics(run);
        if (metric === undefined) {
          const isEmpty = Object.keys(latest).length === 0;
          if (json) return terminal.out(jsonText(latest));
          return terminal.out(isEmpty ? 'No metrics.' : formatMetrics(latest));
        }
        if (!Object.hasOwn(latest, metric)) {
          throw new DataError(
            `run metrics: ${run} must have the metric, but got ${JSON.stringify(metric)}. There are: ${Object.keys(latest).join(', ') || 'none'}.`,
          );
        }
        const history = await store.metricHistory(run, metric, { maxPoints: points });
        if (json) return terminal.out(jsonText(history));
        const rows = history.map(({ step, value, time }) => [String(step), formatMetric(value), time]);
        terminal.out(formatTable([['step', metric, 'time'], ...rows], { align: ['right', 'right', 'left'] }));
      }),
    );
}

function watchCommand(terminal: Terminal): Command {
  return new Command('watch')
    .description('Show a run as it goes on: steps, child runs, metrics and log, until it has ended.')
    .argument('<run>', 'id, or `latest`')
    .option('--json', 'print events, one JSON document a line')
    .addHelpText('after', '\nExample:\n  $ trainyard run watch latest')
    .action((id: string, { json }: JsonFlag) =>
      withWorkspace(async ({ store }) => {
        const run = await resolveRun(store, id);
        const state =
          process.stdout.isTTY && !json
            ? await drawRun(store, run)
            : await watchRun(store, run, terminal, { json: json === true });
        if (state !== 'Completed') process.exitCode = 1;
      }),
    );
}

/** Draws a run over and over until it has ended or nobody drives it any more. */
async function drawRun(store: Store, id: string): Promise<RunState> {
  const { RunDetails } = await import('#pipeline');
  const aborter = new AbortController();
  const look = setInterval(async () => {
    await store.markNotResponding().catch(() => undefined);
    const run = await store.findRun(id).catch(() => undefined);
    if (run?.state === 'NotResponding') aborter.abort();
  }, 2000);
  try {
    await RunDetails({ id, experiment: { workspace: { store } } }).show({ signal: aborter.signal });
  } finally {
    clearInterval(look);
  }
  return (await store.getRun(id)).state;
}

function cancelCommand(terminal: Terminal): Command {
  return new Command('cancel')
    .description('Ask whoever drives a run to end it.')
    .argument('<run>', 'id, or `latest`')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard run cancel latest')
    .action((id: string, { json }: JsonFlag) =>
      withWorkspace(async (workspace) => {
        const { Run } = await import('#workspace');
        const run = await Run.get(workspace, await resolveRun(workspace.store, id));
        await run.cancel('It was cancelled from the command line.');
        const state = await run.getStatus();
        terminal.out(json ? jsonText({ id: run.id, state }) : `Run ${run.id} is ${state}.`);
      }),
    );
}

function resumeCommand(terminal: Terminal): Command {
  return new Command('resume')
    .description('Go on with a pipeline run that has stopped before its end: finished steps and trials stay.')
    .argument('<run>', 'id, or `latest`')
    .option('--json', "print the run's record at its end instead of its progress")
    .addHelpText('after', '\nExample:\n  $ trainyard run resume latest')
    .action((id: string, { json }: JsonFlag) =>
      withWorkspace(async (workspace) => {
        const { resumePipelineRun } = await import('#pipeline');
        const run = await resumePipelineRun(workspace, await resolveRun(workspace.store, id));
        await waitForPipeline(terminal, run, { json: json === true, isResumed: true });
      }),
    );
}

function deleteCommand(terminal: Terminal): Command {
  return new Command('delete')
    .description('Delete a run that has ended, with its child runs and files.')
    .argument('<run>', 'id')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ trainyard run delete 3f0c…')
    .action((id: string, { json }: JsonFlag) =>
      withWorkspace(async ({ store }) => {
        await store.getRun(id);
        await store.deleteRun(id);
        terminal.out(json ? jsonText({ deleted: id }) : `Deleted run ${id}.`);
      }),
    );
}
