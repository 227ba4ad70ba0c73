import { formatNumber, formatTable } from '#data';
import type { RunRecord, RunState, RunSummary } from '#tracking';
import { formatFacts, formatPairs, formatSpan, formatTime } from './format-facts.ts';
import { styled, type Terminal } from './terminal.ts';

/** Most metrics a table of runs has room for. */
const SHOWN_METRICS = 3;

/** One line per run: id, experiment, name, state, when, how long, the metrics that most of them have. */
export function formatRuns(runs: readonly RunSummary[]): string {
  const counts = new Map<string, number>();
  for (const key of runs.flatMap((run) => Object.keys(run.metrics ?? {}))) {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const keys = [...counts.entries()]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, SHOWN_METRICS)
    .map(([key]) => key);
  const header = ['run', 'experiment', 'name', 'kind', 'state', 'created (UTC)', 'took', ...keys];
  const rows = runs.map((run) => [
    run.id,
    run.experimentName,
    run.name,
    run.kind,
    run.state,
    formatTime(run.createdAt),
    formatSpan(run.startedAt, run.endedAt),
    ...keys.map((key) => formatMetric(run.metrics?.[key])),
  ]);
  return formatTable([header, ...rows], {
    align: [
      'left',
      'left',
      'left',
      'left',
      'left',
      'left',
      'right',
      ...keys.map(() => 'right' as const),
      'left',
    ],
  });
}

/** Everything the store knows of a run, on a page. */
export function formatRun(
  terminal: Terminal,
  run: RunRecord,
  { metrics, children }: { metrics: Readonly<Record<string, number>>; children: readonly RunSummary[] },
): string {
  const facts = formatFacts([
    ['run', run.id],
    ['experiment', run.experimentName],
    ['kind', run.kind],
    ['state', colorState(terminal, run.state)],
    ['error', run.error],
    ['description', run.description],
    ['parent', run.parentId],
    ['created', formatTime(run.createdAt)],
    ['started', formatTime(run.startedAt)],
    ['ended', formatTime(run.endedAt)],
    ['took', formatSpan(run.startedAt, run.endedAt)],
    ['driven by', run.owner === null ? null : `process ${run.owner.pid} on ${run.owner.host}`],
    ['tags', formatPairs(run.tags)],
    ['parameters', formatPairs(run.params)],
  ]);
  const heading = styled(terminal, 'bold', run.name === '' ? run.id : run.name);
  const parts = [heading, facts];
  if (Object.keys(metrics).length > 0) {
    parts.push(`\n${styled(terminal, 'bold', 'Metrics')}`, formatMetrics(metrics));
  }
  if (children.length > 0) parts.push(`\n${styled(terminal, 'bold', 'Child runs')}`, formatRuns(children));
  return parts.join('\n');
}

/** Name and latest value of every metric. */
export function formatMetrics(metrics: Readonly<Record<string, number>>): string {
  const rows = Object.entries(metrics)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, formatMetric(value)]);
  return formatTable([['metric', 'latest'], ...rows], { align: ['left', 'right'], widest: 80 });
}

/** A value for reading; NaN is one. */
export function formatMetric(value: number | undefined): string {
  if (value === undefined) return '';
  return Number.isNaN(value) ? 'NaN' : formatNumber(value);
}

/** The state in the colour of its news. */
export function colorState(terminal: Terminal, state: RunState): string {
  if (state === 'Completed') return styled(terminal, 'green', state);
  if (state === 'Failed' || state === 'NotResponding') return styled(terminal, 'red', state);
  return state === 'CancelRequested' || state === 'Canceled' ? styled(terminal, 'yellow', state) : state;
}
