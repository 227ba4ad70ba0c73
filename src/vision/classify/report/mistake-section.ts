import type { Mistake } from '../judge-predictions.ts';
import { escapeHtml } from './escape-html.ts';
import { formatPercent, shorten } from './format-value.ts';
import type { ClassifierReportDocument } from './report-document.ts';

const MOST_LETTERS = 60;

/** The most confident wrong predictions as pictures. Empty without mistakes. */
export function mistakeSection(document: ClassifierReportDocument): string {
  const { mistakes } = document.judgement;
  if (mistakes.length === 0) return '';
  return [
    '<section><h2>Worst mistakes</h2>',
    '<p class="note">Wrong predictions that the model was surest of.</p>',
    `<ol class="mistakes">${mistakes.map((mistake, i) => drawMistake(mistake, i, document)).join('\n')}</ol>`,
    '</section>',
  ].join('\n');
}

function drawMistake(
  { actual, predicted, probability, actualProbability, index }: Mistake,
  i: number,
  { classes, mistakePictures, mistakeNames }: ClassifierReportDocument,
): string {
  const source = mistakeNames?.[i] ?? `row ${index}`;
  const picture = mistakePictures[i];
  // Only what is inside the file: anything else would be loaded from elsewhere.
  const image = picture?.startsWith('data:image/')
    ? `<img src="${escapeHtml(picture)}" alt="${escapeHtml(source)}" title="${escapeHtml(source)}">`
    : `<span class="no-picture" title="${escapeHtml(source)}">no picture</span>`;
  const line = (word: string, kind: string, k: number, share: number) =>
    `<span class="said ${kind}"><small>${word}</small><bdi>${escapeHtml(shorten(classes[k], MOST_LETTERS))}</bdi> <i>${escapeHtml(formatPercent(share))}</i></span>`;
  return (
    `<li>${image}${line('true', 'right-name', actual, actualProbability)}` +
    `${line('said', 'wrong-name', predicted, probability)}<span class="source">${escapeHtml(source)}</span></li>`
  );
}
