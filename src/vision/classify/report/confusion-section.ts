import { topConfusions } from '../top-confusions.ts';
import { bar } from './bar.ts';
import { confusedClasses } from './confused-classes.ts';
import { escapeHtml } from './escape-html.ts';
import { formatCount, formatPercent } from './format-value.ts';
import { heatMap } from './heat-map.ts';
import type { ClassifierReportDocument } from './report-document.ts';

const MOST_CLASSES = 40;
const MOST_CONFUSIONS = 15;

/** The confusion matrix, of more than 40 classes the block of the most confused ones, and the top confusions. */
export function confusionSection({ judgement, classes }: ClassifierReportDocument): string {
  const { confusionMatrix: matrix } = judgement;
  const isBlock = classes.length > MOST_CLASSES;
  const shown = isBlock ? confusedClasses(matrix, MOST_CLASSES) : classes.map((_, k) => k);
  const note = isBlock
    ? `The ${MOST_CLASSES} most confused of ${classes.length} classes. Colour is the share of all images of the true class.`
    : 'Rows are the true classes. Colour is the share of the images of that class.';
  return [
    '<section><h2>Confusions</h2>',
    `<p class="note">${note} ${legend()}</p>`,
    '<div class="confusions">',
    `<div class="scroll">${heatMap({ matrix, classes, shown })}</div>`,
    confusionList(judgement.confusionMatrix, classes),
    '</div></section>',
  ].join('\n');
}

function legend(): string {
  const scale = (kind: string) =>
    [0.1, 0.3, 0.6, 1]
      .map(
        (share, i) =>
          `<rect class="${kind}" x="${i * 14}" width="14" height="10" fill-opacity="${(share ** 0.6).toFixed(3)}"/>`,
      )
      .join('');
  const draw = (kind: string) =>
    `<svg class="scale" viewBox="0 0 56 10" aria-hidden="true">${scale(kind)}</svg>`;
  return `<span class="scales"><span>${draw('right')} right</span><span>${draw('wrong')} wrong</span><span>10, 30, 60, 100 %</span></span>`;
}

function confusionList(matrix: readonly (readonly number[])[], classes: readonly string[]): string {
  const found = topConfusions(matrix, MOST_CONFUSIONS);
  if (found.length === 0) return '<p class="note">No image was classified wrong.</p>';
  const rows = found.map(({ actual, predicted, count }) => {
    const share = count / matrix[actual].reduce((sum, cell) => sum + cell, 0);
    const name = (k: number) => `<bdi>${escapeHtml(classes[k])}</bdi>`;
    return (
      `<tr><td class="pair">${name(actual)} <span class="arrow">→</span> ${name(predicted)}</td>` +
      `<td class="number">${formatCount(count)}</td>` +
      `<td class="meter">${bar(share, 'wrong')}<span>${escapeHtml(formatPercent(share))}</span></td></tr>`
    );
  });
  return (
    '<table class="list"><caption>Most frequent</caption><thead><tr><th>true → predicted</th>' +
    `<th class="number">images</th><th class="meter">share of the class</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>`
  );
}
