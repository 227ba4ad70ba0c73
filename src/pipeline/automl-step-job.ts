import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { type JobContext, LocalCompute } from '#compute';
import { type AutoMLEvent, type AutoMLOptions, type AutoMLResult, type ChildRun, runAutoML } from '#tabular';
import type { Json } from '#tracking';
import { TabularDataset, Workspace } from '#workspace';
import type { ChildMessage } from './step-messages.ts';

/** What an AutoML step's process is told. */
export interface AutoMLJobInput {
  readonly workspace: string;
  readonly stepRunId: string;
  readonly training: Json;
  readonly validation: Json | null;
  /** `AutoMLOptions` as far as they are plain data; names that end in `/60` are in minutes. */
  readonly settings: Readonly<Record<string, Json>>;
  /** Makes the search resumable. */
  readonly stateFolder: string;
  readonly metricsPath: string;
  readonly modelPath: string;
}

/** Searches in the process of a step; tells of every trial, and writes metrics and model. */
export async function runAutoMLStep(json: Json, context: JobContext): Promise<Json> {
  const input = json as unknown as AutoMLJobInput;
  const options = await optionsOf(input, context);
  const workers = workersOf(input, options);
  try {
    return await search(input, workers === undefined ? options : { ...options, workers }, context);
  } finally {
    await workers?.close();
  }
}

/** Processes for trials, where they are wanted. */
function workersOf(
  { settings }: AutoMLJobInput,
  { concurrency = availableParallelism() }: AutoMLOptions,
): LocalCompute | undefined {
  return settings['workers'] === 'processes'
    ? new LocalCompute('trials', { maxNodes: concurrency })
    : undefined;
}

async function search(input: AutoMLJobInput, options: AutoMLOptions, context: JobContext): Promise<Json> {
  const run = runAutoML(options);
  const children = new Map<number, ChildMessage>();
  const tell = (child: ChildMessage) => {
    children.set(child.iteration, child);
    context.emit({ child: child as unknown as Json });
  };
  for await (const event of run) report(event, options.maxTrials, context, tell);
  const result = await run.result;
  for (const child of [...result.children.map(childOf), ...ensemblesOf(result)]) {
    const known = children.get(child.iteration);
    if (known?.state !== child.state) tell(child);
  }
  await mkdir(dirname(input.metricsPath), { recursive: true });
  await writeFile(
    input.metricsPath,
    `${JSON.stringify(metricsOf(input.stepRunId, children.values()), null, 2)}\n`,
  );
  return summaryOf(result);
}

async function optionsOf(input: AutoMLJobInput, { signal }: JobContext): Promise<AutoMLOptions> {
  const workspace = await Workspace.open({ path: input.workspace });
  try {
    const read = async (dataset: Json) =>
      (await TabularDataset.fromJSON(workspace, dataset)).toTable({ signal });
    const options: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(input.settings)) {
      if (name === 'workers') continue;
      if (name.endsWith('/60')) options[name.slice(0, -3)] = Number(value) * 60;
      else options[name] = value;
    }
    await mkdir(dirname(input.modelPath), { recursive: true });
    return {
      ...(options as Omit<AutoMLOptions, 'table' | 'label'> & { label: string }),
      table: await read(input.training),
      ...(input.validation === null
        ? {}
        : { validation: { kind: 'given' as const, table: await read(input.validation) } }),
      stateFolder: input.stateFolder,
      out: input.modelPath,
      signal,
    };
  } finally {
    await workspace.close();
  }
}

/** Prints what a terminal would show and passes on what the run records. */
function report(
  event: AutoMLEvent,
  maxTrials: number | undefined,
  context: JobContext,
  tell: (child: ChildMessage) => void,
): void {
  switch (event.type) {
    case 'started':
      console.log(
        `${event.task} of ${event.rows} rows × ${event.columns} columns, ${event.primaryMetric}, ${event.validation.kind} with ${event.validation.folds} splits`,
      );
      if (event.resumedTrials > 0) console.log(`${event.resumedTrials} trials are taken over`);
      console.log(' ITERATION  PIPELINE                                         SECONDS    METRIC      BEST');
      break;
    case 'guardrail':
      if (event.guardrail.status !== 'Passed')
        console.log(`${event.guardrail.status}: ${event.guardrail.message}`);
      break;
    case 'trial-started':
      tell({
        iteration: event.iteration,
        name: event.algorithm,
        state: 'Running',
        params: { preprocessing: event.preprocessing, ...event.hyperparameters } as Record<string, Json>,
        metrics: {},
        reason: null,
      });
      break;
    case 'trial': {
      const { child, score, best } = event;
      tell(childOf(child));
      const text = (value: number | null) => (value === null ? '-' : value.toFixed(4)).padStart(9);
      const name = `${child.algorithm} (${child.preprocessing})`.padEnd(48).slice(0, 48);
      console.log(
        `${String(child.iteration).padStart(10)}  ${name} ${child.fitSeconds.toFixed(1).padStart(7)} ${text(score)} ${text(best)}`,
      );
      context.emit({
        progress: child.iteration + 1,
        ...(maxTrials === undefined ? {} : { total: maxTrials }),
      });
      break;
    }
    case 'ensemble':
      console.log(`            ${event.ensemble.kind.padEnd(56)} ${event.score.toFixed(4).padStart(9)}`);
      break;
    case 'warning':
      console.log(`warning: ${event.message}`);
      break;
    default:
  }
}

const states = { completed: 'Completed', discarded: 'Canceled', failed: 'Failed' } as const;

function childOf(child: ChildRun): ChildMessage {
  return {
    iteration: child.iteration,
    name: child.algorithm,
    state: states[child.status],
    params: { preprocessing: child.preprocessing, ...child.hyperparameters } as Record<string, Json>,
    metrics: child.metrics,
    reason: child.reason ?? null,
  };
}

/** Ensembles count on after the last trial, as in Azure ML. */
function ensemblesOf({ children, ensembles }: AutoMLResult): ChildMessage[] {
  const first = Math.max(-1, ...children.map(({ iteration }) => iteration)) + 1;
  return ensembles.map((ensemble, i) => ({
    iteration: first + i,
    name: ensemble.kind,
    state: 'Completed',
    params: { members: JSON.parse(JSON.stringify(ensemble.members)) },
    metrics: ensemble.metrics,
    reason: null,
  }));
}

/** `{ "<run>_<iteration>": { "accuracy": [0.91], … } }`, the form of Azure ML's metrics output. */
function metricsOf(
  stepRunId: string,
  children: Iterable<ChildMessage>,
): Record<string, Record<string, number[]>> {
  const completed = [...children].filter(({ state }) => state === 'Completed');
  return Object.fromEntries(
    completed.map(({ iteration, metrics }) => [
      `${stepRunId}_${iteration}`,
      Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, [value]])),
    ]),
  );
}

function summaryOf(result: AutoMLResult): Json {
  const { best, primaryMetric } = result;
  return {
    best: {
      iteration: best.iteration,
      algorithm: best.algorithm,
      metrics: best.metrics as Record<string, Json>,
    },
    primaryMetric,
    stopReason: result.stopReason,
    children: result.children.length,
  };
}
