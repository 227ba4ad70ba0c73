import { topConfusions } from '../top-confusions.ts';
import { worstClassesFirst } from '../worst-classes-first.ts';
import { escapeHtml } from './escape-html.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatLarge,
  formatPercent,
  formatTime,
} from './format-value.ts';
import { metricLabel } from './metric-label.ts';
import type { ClassifierReportDocument } from './report-document.ts';

/** The title, one paragraph in words, and the headline figures. */
export function headlineSection(document: ClassifierReportDocument): string {
  const { title, createdAt, model, classes } = document;
  const [height, width] = model.imageSize;
  const facts = [
    formatTime(createdAt),
    model.architecture,
    `${formatCount(classes.length)} ${classes.length === 1 ? 'class' : 'classes'}`,
    `${height} × ${width} pixels`,
  ];
  return [
    '<header>',
    '<p class="kicker">Image classifier · training report</p>',
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="facts">${facts.map((fact) => `<span>${escapeHtml(fact)}</span>`).join('')}</p>`,
    `<p class="lead">${summarize(document)}</p>`,
    `<dl class="tiles">${tiles(document).map(drawTile).join('')}</dl>`,
    '</header>',
  ].join('\n');
}

function summarize({ judgement, classes }: ClassifierReportDocument): string {
  const { perClass, confusionMatrix } = judgement;
  const percent = (share: number) => escapeHtml(formatPercent(share));
  const name = (k: number) => `<b><bdi>${escapeHtml(classes[k])}</bdi></b>`;
  const rows = countRows(judgement.perClass);
  const right = confusionMatrix.reduce((sum, row, k) => sum + row[k], 0);
  const sentences = [
    `${formatCount(right)} of ${formatCount(rows)} validation images are classified right (${percent(right / rows)}).`,
  ];
  const worst = worstClassesFirst(perClass)[0];
  const share = perClass[worst].recall;
  if (classes.length > 1 && share < 1) {
    const found = share === 0 ? 'none is' : `${percent(share)} are`;
    sentences.push(`The weakest class is ${name(worst)}: of its images ${found} recognised.`);
  }
  const confusion = topConfusions(confusionMatrix, 1)[0];
  if (confusion !== undefined) {
    const { actual, predicted, count } = confusion;
    const times = count === 1 ? 'once' : `${formatCount(count)} times`;
    sentences.push(`The most frequent confusion is ${name(actual)} taken for ${name(predicted)}, ${times}.`);
  }
  return sentences.join(' ');
}

function countRows(perClass: ClassifierReportDocument['judgement']['perClass']): number {
  return perClass.reduce((sum, { support }) => sum + support, 0);
}

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}

function tiles({ judgement, epochs, bestEpoch, watched, model, classes }: ClassifierReportDocument): Tile[] {
  const { metrics } = judgement;
  const seconds = epochs.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const samples = epochs.reduce((sum, epoch) => sum + epoch.samplesPerSecond * epoch.seconds, 0);
  const rate = seconds > 0 ? samples / seconds : Number.NaN;
  const present = judgement.perClass.filter(({ support }) => support > 0).length;
  return [
    { name: 'cmAP', value: formatFixed(metrics.cmAP), note: 'mean average precision, padded' },
    {
      name: 'Accuracy',
      value: formatFixed(metrics.accuracy),
      note:
        classes.length > 5 ? `top-5 accuracy ${formatFixed(metrics.top5Accuracy)}` : 'share of images right',
    },
    {
      name: 'Mean recall',
      value: formatFixed(metrics.meanRecall),
      note:
        present === classes.length
          ? 'every class counts alike'
          : `${present} of ${classes.length} classes have images`,
    },
    {
      name: 'Macro F1',
      value: formatFixed(metrics.macroF1),
      note: `log loss ${formatFixed(metrics.logLoss)}`,
    },
    {
      name: 'Best epoch',
      value: `${bestEpoch}<small> of ${epochs.length}</small>`,
      note: `by ${escapeHtml(metricLabel(watched))}`,
    },
    {
      name: 'Training time',
      value: withSmallUnits(formatDuration(seconds)),
      note: `${formatDuration(seconds / Math.max(1, epochs.length))} an epoch`,
    },
    {
      name: 'Images a second',
      value: formatCount(rate, rate < 10 ? 1 : 0),
      note: 'trained on, validation timed too',
    },
    {
      name: 'Model size',
      value: withSmallUnits(formatBytes(model.bytes)),
      note: `${formatLarge(model.parameters)} parameters`,
    },
  ];
}

/** Units smaller than their numbers. */
function withSmallUnits(text: string): string {
  return text.replace(/ ?([a-zA-Z]+)( ?)/g, '<small> $1$2</small>');
}

function drawTile({ name, value, note }: Tile): string {
  return `<div><dt>${name}</dt><dd>${value}</dd><dd class="note">${note}</dd></div>`;
}
