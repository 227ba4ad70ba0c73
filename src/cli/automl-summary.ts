import { relative } from 'node:path';
import { isBetter } from '#metrics';
import type { AutoMLResult } from '#tabular';
import { formatConfusionMatrix } from './format-confusion-matrix.ts';
import { styled, type Terminal } from './terminal.ts';

const LEADERS = 10;
const BAR_WIDTH = 30;

/** The end of a run for people: leaderboard, best model, what it looks at, where it is. */
export function summarize(result: AutoMLResult, terminal: Terminal): string {
  const heading = (text: string) => `\n${styled(terminal, 'bold', text)}`;
  return [
    heading(
      `Leaderboard (${result.primaryMetric}, ${result.validation.kind}, ${result.validation.folds} folds)`,
    ),
    ...leaderboard(result),
    heading(`Best: ${result.best.algorithm}`),
    ...members(result),
    ...metricLines(result),
    ...confusion(result),
    ...importance(result, heading),
    heading('Model'),
    ...modelLines(result),
  ].join('\n');
}

function leaderboard(result: AutoMLResult): string[] {
  const metric = result.primaryMetric;
  const rows = [
    ...result.children
      .filter((child) => child.status === 'completed')
      .map((child) => ({
        score: child.metrics[metric],
        name: `${child.algorithm} (${child.preprocessing})`,
        number: String(child.iteration),
      })),
    ...result.ensembles.map((ensemble) => ({
      score: ensemble.metrics[metric],
      name: ensemble.kind,
      number: '',
    })),
  ].sort((a, b) => Number(isBetter(metric, b.score, a.score)) - Number(isBetter(metric, a.score, b.score)));
  const lines = rows
    .slice(0, LEADERS)
    .map(
      (row, i) =>
        `${String(i + 1).padStart(4)}. ${row.score.toFixed(6)}  ${row.name}${row.number && ` #${row.number}`}`,
    );
  if (rows.length > LEADERS) lines.push(`      … and ${rows.length - LEADERS} more`);
  const lost = result.children.filter((child) => child.status !== 'completed').length;
  if (lost > 0) lines.push(`      ${lost} trials were discarded or failed`);
  return lines;
}

function members(result: AutoMLResult): string[] {
  const ensemble = result.ensembles.find((candidate) => candidate.kind === result.best.algorithm);
  if (ensemble === undefined) return [];
  return ensemble.members.map(({ iteration, weight }) => {
    const child = result.children.find((candidate) => candidate.iteration === iteration);
    const share = ensemble.kind === 'VotingEnsemble' ? `${(100 * weight).toFixed(0).padStart(3)} %  ` : '';
    return `  ${share}#${iteration} ${child?.algorithm} (${child?.preprocessing})`;
  });
}

const shownMetrics: Readonly<Record<string, readonly string[]>> = {
  classification: [
    'accuracy',
    'AUC_weighted',
    'average_precision_score_weighted',
    'log_loss',
    'norm_macro_recall',
    'f1_score_macro',
    'matthews_correlation',
  ],
  regression: [
    'r2_score',
    'root_mean_squared_error',
    'mean_absolute_error',
    'normalized_root_mean_squared_error',
    'spearman_correlation',
  ],
};

function metricLines(result: AutoMLResult): string[] {
  const names = new Set([result.primaryMetric, ...shownMetrics[result.task]]);
  return [...names].map((name) => `  ${name.padEnd(34)} ${formatMetric(result.best.metrics[name])}`);
}

/** A metric's value with five significant digits, one decimal from 1000 up; `undefined` where it has none. */
export function formatMetric(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return 'undefined';
  return Math.abs(value) >= 1000 ? value.toFixed(1) : value.toPrecision(5);
}

function confusion(result: AutoMLResult): string[] {
  const document = result.best.documents['confusion_matrix'];
  return document === undefined ? [] : ['', ...formatConfusionMatrix(document)];
}

function importance(result: AutoMLResult, heading: (text: string) => string): string[] {
  const top = result.featureImportance.slice(0, 8).filter((entry) => entry.importance > 0);
  if (top.length === 0) return [];
  const width = Math.max(...top.map((entry) => entry.column.length));
  return [
    heading(`What it looks at (loss of ${result.primaryMetric} when a column is shuffled)`),
    ...top.map(({ column, importance: value }) => {
      const bar = '█'.repeat(Math.max(1, Math.round((BAR_WIDTH * value) / top[0].importance)));
      return `  ${column.padEnd(width)}  ${bar} ${value.toPrecision(3)}`;
    }),
  ];
}

function modelLines(result: AutoMLResult): string[] {
  const { timings } = result;
  const lines = [
    `  first model after ${timings.firstModelSeconds.toFixed(1)} s, all done after ${timings.totalSeconds.toFixed(1)} s; ` +
      `${result.stopReason}`,
  ];
  if (result.threshold !== null && result.labels !== null) {
    lines.push(`  predicts "${result.labels[1]}" from a probability of ${result.threshold.toFixed(4)} on`);
  }
  if (result.modelPath !== null) {
    const path = shortPath(result.modelPath);
    lines.push(
      `  ${path} (${formatBytes(result.modelBytes)}): raw columns in, ` +
        `${result.task === 'classification' ? 'label and probabilities' : 'value'} out`,
      `  next: trainyard predict ${path} NEW.csv --out predictions.csv`,
    );
  }
  return lines;
}

/** As it would be typed here. */
function shortPath(path: string): string {
  const here = relative(process.cwd(), path);
  return here.startsWith('..') ? path : here;
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(0)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
