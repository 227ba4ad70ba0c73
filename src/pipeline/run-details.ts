import type { Writable } from 'node:stream';
import type { Json, RunEvent, RunRecord, RunSummary, Store } from '#tracking';
import type { PipelineDefinition } from './definition.ts';
import { watchRun } from './watch-run.ts';

export interface ShowOptions {
  /** Where it is drawn; standard output by default. Anything but a terminal gets plain lines. */
  readonly stream?: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /** Draw what is known now and return; false, until the run is over, by default. */
  readonly once?: boolean;
  readonly signal?: AbortSignal;
}

/** A run to look at: what `PipelineRun` has of it. */
export interface ShownRun {
  readonly id: string;
  readonly experiment: { readonly workspace: { readonly store: Store } };
}

/** One step as it is drawn. */
export interface StepView {
  readonly name: string;
  readonly state: string;
  readonly reused: boolean;
  /** Trials that are over, whatever their end. */
  readonly trials: number;
  readonly best: { readonly name: string; readonly metric: string; readonly score: number } | undefined;
  readonly progress: { readonly done: number; readonly total: number } | undefined;
  readonly logTail: readonly string[];
}

/** Everything that is drawn. */
export interface DetailsView {
  readonly runId: string;
  readonly state: string;
  readonly error: string | null;
  readonly steps: readonly StepView[];
}

const TAIL_LINES = 5;
const BAR_CELLS = 24;
const TAIL_BYTES = 4096;

/**
 * The live view of a run, as Azure ML's widget of that name: steps, child runs, best so far, progress, end of the log.
 *
 * @example
 * await RunDetails(run).show();
 */
export function RunDetails(run: ShownRun): { show(options?: ShowOptions): Promise<void> } {
  const { store } = run.experiment.workspace;
  return {
    async show({ stream = process.stdout, once = false, signal } = {}) {
      if (once) {
        stream.write(`${formatDetails(await readDetails(store, run.id)).join('\n')}\n`);
        return;
      }
      const watch = signal === undefined ? {} : { signal };
      if (stream.isTTY === true) await redraw(store, run.id, stream, watch);
      else for await (const event of watchRun(store, run.id, watch)) await printEvent(store, event, stream);
    },
  };
}

/** Draws over what it has drawn, at most once for the events that have come in since. */
async function redraw(
  store: Store,
  runId: string,
  stream: NonNullable<ShowOptions['stream']>,
  watch: { signal?: AbortSignal },
): Promise<void> {
  let height = 0;
  const draw = async () => {
    const width = (stream.columns ?? 80) - 1;
    const lines = formatDetails(await readDetails(store, runId)).map((line) => line.slice(0, width));
    stream.write(`${height === 0 ? '' : `\u001b[${height}A\u001b[0J`}${lines.join('\n')}\n`);
    height = lines.length;
  };
  let drawing: Promise<void> | undefined;
  let isStale = false;
  const request = (): void => {
    isStale = true;
    drawing ??= (async () => {
      while (isStale) {
        isStale = false;
        await draw();
      }
      drawing = undefined;
    })();
    // Told below, where it is waited for.
    drawing.catch(() => undefined);
  };
  request();
  for await (const _ of watchRun(store, runId, watch)) request();
  await drawing;
  await draw();
}

async function printEvent(store: Store, event: RunEvent, stream: Writable): Promise<void> {
  if (event.type !== 'state' && event.type !== 'progress') return;
  const record = await store.findRun(event.runId);
  if (record === undefined) return;
  const what = record.kind === 'pipeline' ? 'run' : record.kind;
  const label = `${what} ${record.name === '' ? record.id : record.name}`;
  const data = event.data as Readonly<Record<string, Json>>;
  if (event.type === 'progress') {
    const { progress, total } = data;
    if (record.kind === 'step')
      stream.write(`${label}: ${progress}${total === undefined ? '' : ` of ${total}`}\n`);
    return;
  }
  const state = String(data['state'] ?? data['to'] ?? record.state);
  if (record.kind === 'trial' && state === 'Running') return;
  stream.write(`${label}: ${state}${record.error === null ? '' : ` (${record.error})`}\n`);
}

/** What is to be drawn now. @throws DataError when there is no such run */
export async function readDetails(store: Store, runId: string): Promise<DetailsView> {
  const run = await store.getRun(runId);
  const page = await store.listRuns({ parentId: runId, kinds: ['step'], order: 'oldest', limit: 1000 });
  const progress = await readProgress(store, runId);
  const started = await Promise.all(page.items.map((step) => viewStep(store, run, step, progress)));
  const definition = run.properties['definition'] as unknown as PipelineDefinition | undefined;
  const waiting = (definition?.steps ?? [])
    .filter(({ name }) => !started.some((step) => step.name === name))
    .map(({ name }) => ({ ...emptyView, name }));
  return { runId, state: run.state, error: run.error, steps: [...started, ...waiting] };
}

const emptyView: Omit<StepView, 'name'> = {
  state: 'NotStarted',
  reused: false,
  trials: 0,
  best: undefined,
  progress: undefined,
  logTail: [],
};

async function readProgress(store: Store, runId: string): Promise<Map<string, StepView['progress']>> {
  const latest = new Map<string, StepView['progress']>();
  let after = 0;
  while (true) {
    const events = await store.readEvents(runId, { after, limit: 1000 });
    for (const { type, data, runId: id, seq } of events) {
      after = seq;
      if (type !== 'progress') continue;
      const { progress, total } = data as { progress?: number; total?: number };
      if (progress !== undefined && total !== undefined) latest.set(id, { done: progress, total });
    }
    if (events.length < 1000) return latest;
  }
}

async function viewStep(
  store: Store,
  run: RunRecord,
  step: RunSummary,
  progress: ReadonlyMap<string, StepView['progress']>,
): Promise<StepView> {
  const trials: RunSummary[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listRuns({
      parentId: step.id,
      withMetrics: true,
      limit: 200,
      ...(cursor === undefined ? {} : { cursor }),
    });
    trials.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return {
    name: step.name,
    state: step.state,
    reused: (step.properties['reuse'] as { reused?: boolean } | undefined)?.reused === true,
    trials: trials.filter(({ state }) => state !== 'Running').length,
    best: findBest(run, step, trials),
    progress: progress.get(step.id),
    logTail: await readTail(store, step.id),
  };
}

function findBest(run: RunRecord, step: RunSummary, trials: readonly RunSummary[]): StepView['best'] {
  const definition = run.properties['definition'] as unknown as PipelineDefinition | undefined;
  const named = definition?.steps.find(({ name }) => name === step.name)?.settings['metric'];
  const keys = new Set(trials.flatMap(({ metrics = {} }) => Object.keys(metrics)));
  const metric = [named, 'AUC_weighted', 'r2_score'].find(
    (key): key is string => typeof key === 'string' && keys.has(key),
  );
  if (metric === undefined) return undefined;
  const sign = /error|loss/.test(metric) ? -1 : 1;
  let best: StepView['best'];
  for (const { name, metrics } of trials) {
    const score = metrics?.[metric];
    if (score !== undefined && (best === undefined || sign * score > sign * best.score))
      best = { name, metric, score };
  }
  return best;
}

/** The last lines of a log. */
async function readTail(store: Store, runId: string): Promise<readonly string[]> {
  let tail = '';
  let offset = 0;
  while (true) {
    const { text, next } = await store.readLog(runId, { offset, maxBytes: 1 << 20 });
    if (next === offset) break;
    tail = (tail + text).slice(-TAIL_BYTES);
    offset = next;
  }
  return tail.trimEnd().split('\n').filter(Boolean).slice(-TAIL_LINES);
}

/** The view as lines of text. */
export function formatDetails({ runId, state, error, steps }: DetailsView): string[] {
  const done = steps.filter((step) => step.state === 'Completed').length;
  const width = Math.max(0, ...steps.map(({ name }) => name.length));
  const lines = [`PipelineRun ${runId}: ${state}, ${done} of ${steps.length} steps`];
  if (error !== null) lines.push(`  ${error.split('\n')[0]}`);
  for (const step of steps) {
    const parts = [step.reused ? `${step.state} (reused)` : step.state];
    if (step.trials > 0) parts.push(`${step.trials} child runs`);
    if (step.best !== undefined)
      parts.push(`best ${step.best.metric} ${step.best.score.toFixed(4)} (${step.best.name})`);
    lines.push(`  ${step.name.padEnd(width)}  ${parts.join(' · ')}`);
    if (step.progress !== undefined && step.state === 'Running') lines.push(`    ${bar(step.progress)}`);
    if (step.state === 'Running') lines.push(...step.logTail.map((line) => `    | ${line}`));
  }
  return lines;
}

function bar({ done, total }: { done: number; total: number }): string {
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const full = Math.round(share * BAR_CELLS);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}] ${done}/${total}`;
}
