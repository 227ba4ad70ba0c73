import type { ClassJudgement } from '../judge-predictions.ts';
import { worstClassesFirst } from '../worst-classes-first.ts';
import { bar } from './bar.ts';
import { escapeHtml } from './escape-html.ts';
import { formatCount, formatFixed } from './format-value.ts';
import type { ClassifierReportDocument } from './report-document.ts';

const MOST_WITHOUT_SCROLLING = 30;

/** Recall and average precision of every class as bars, the worst first. */
export function classSection({ judgement, data }: ClassifierReportDocument): string {
  const { perClass } = judgement;
  const images = new Map(data.classes.map((one) => [one.name, one.images]));
  const rows = worstClassesFirst(perClass).map((k) => drawRow(perClass[k], images.get(perClass[k].name)));
  const scroll = perClass.length > MOST_WITHOUT_SCROLLING ? ' tall' : '';
  const heads = [
    '<th>Class</th>',
    '<th class="meter" title="Share of the images of the class that are found">Recall</th>',
    '<th class="meter" title="Area under precision over recall">Average precision</th>',
    '<th class="number" title="Share of the predictions of the class that are right">Precision</th>',
    '<th class="number" title="Harmonic mean of precision and recall">F1</th>',
    '<th class="number" title="Validation images of the class">Validated</th>',
    '<th class="number" title="Images of the class in all the data">Images</th>',
  ];
  return [
    `<section><h2>Classes</h2><p class="note">Worst recall first.</p><div class="scroll${scroll}">`,
    `<table class="classes sortable"><thead><tr>${heads.join('')}</tr></thead>`,
    `<tbody>${rows.join('\n')}</tbody></table></div></section>`,
  ].join('\n');
}

function drawRow(
  { name, support, recall, averagePrecision, precision, f1 }: ClassJudgement,
  images: number | undefined,
): string {
  const known = support > 0;
  const meter = (value: number | null, kind: string) =>
    `<td class="meter" data-value="${value ?? -1}">${bar(value, kind)}<span>${formatFixed(value)}</span></td>`;
  const number = (value: number | null, text: string) =>
    `<td class="number" data-value="${value ?? -1}">${text}</td>`;
  return (
    `<tr><th scope="row"><bdi>${escapeHtml(name)}</bdi></th>${meter(known ? recall : null, 'recall')}` +
    `${meter(averagePrecision, 'precision')}${number(precision, formatFixed(precision))}` +
    `${number(known ? f1 : null, formatFixed(known ? f1 : null))}${number(support, formatCount(support))}` +
    `${number(images ?? null, images === undefined ? '–' : formatCount(images))}</tr>`
  );
}
