import { escapeHtml } from './escape-html.ts';
import { formatCount, formatPercent, shorten } from './format-value.ts';

export interface HeatMapOptions {
  /** [K, K] row = true class, column = predicted class. */
  readonly matrix: readonly (readonly number[])[];
  /** K names */
  readonly classes: readonly string[];
  /** Class indices that are drawn, as rows and as columns. */
  readonly shown: readonly number[];
}

const MOST_WITH_COUNTS = 20;
const MOST_LABEL = 26;
/** Width of a character of the labels. */
const LETTER = 6.4;

/**
 * A confusion matrix whose colour is the share of the true class: right ones in one hue, wrong ones in another, so that
 * neither needs to be told apart by brightness. Counts stand in the cells of up to 20 classes.
 */
export function heatMap({ matrix, classes, shown }: HeatMapOptions): string {
  const n = shown.length;
  const cell = n <= 12 ? 44 : n <= MOST_WITH_COUNTS ? 36 : 19;
  const labels = shown.map((k) => shorten(classes[k], MOST_LABEL));
  const gutter = 34 + Math.ceil(Math.max(...labels.map(estimateWidth)));
  const side = n * cell;
  // Column labels stand upright, unless all of them fit into a cell.
  const isUpright = labels.some((label) => estimateWidth(label) > cell - 4);
  const head = isUpright ? gutter : 46;
  const size = `viewBox="0 0 ${gutter + side + 8} ${head + side + 8}" width="${gutter + side + 8}"`;
  return [
    `<svg class="heat" ${size} role="img" aria-label="Confusion matrix of ${n} classes">`,
    `<text class="tick middle" x="${gutter + side / 2}" y="12">predicted</text>`,
    `<text class="tick middle" transform="translate(12 ${head + side / 2}) rotate(-90)">true</text>`,
    drawGrid(n, cell, gutter, head),
    `<rect class="frame" x="${gutter}" y="${head}" width="${side}" height="${side}"/>`,
    ...labels.map((label, i) =>
      drawLabels({ label, name: classes[shown[i]], i, cell, gutter, head, isUpright }),
    ),
    ...shown.map((t, row) => {
      const total = matrix[t].reduce((sum, count) => sum + count, 0);
      const cells = shown.map((p, column) =>
        drawCell(
          { count: matrix[t][p], total, names: [classes[t], classes[p]], isRight: t === p },
          { x: gutter + column * cell, y: head + row * cell, cell, hasCounts: n <= MOST_WITH_COUNTS },
        ),
      );
      return cells.join('');
    }),
    '</svg>',
  ].join('\n');
}

/** Lines between the cells, of small cells between every five. */
function drawGrid(n: number, cell: number, gutter: number, head: number): string {
  const step = n <= MOST_WITH_COUNTS ? 1 : 5;
  let path = '';
  for (let i = step; i < n; i += step) {
    path += `M${gutter + i * cell} ${head}v${n * cell}M${gutter} ${head + i * cell}h${n * cell}`;
  }
  return path === '' ? '' : `<path class="grid" d="${path}"/>`;
}

/** Letters of East Asian scripts take twice the width. */
function estimateWidth(text: string): number {
  let width = 0;
  for (const char of text) width += isWide(char) ? 2 : /\p{M}/u.test(char) ? 0 : 1;
  return width * LETTER;
}

function isWide(char: string): boolean {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\uffe6]|\p{Emoji_Presentation}/u.test(char);
}

interface LabelPlace {
  readonly label: string;
  readonly name: string;
  readonly i: number;
  readonly cell: number;
  readonly gutter: number;
  readonly head: number;
  readonly isUpright: boolean;
}

function drawLabels({ label, name, i, cell, gutter, head, isUpright }: LabelPlace): string {
  const middle = (i + 0.5) * cell;
  const content = `${escapeHtml(label)}${label === name ? '' : `<title>${escapeHtml(name)}</title>`}`;
  const column = isUpright
    ? `class="name" transform="translate(${gutter + middle + 4} ${head - 6}) rotate(-90)"`
    : `class="name middle" x="${gutter + middle}" y="${head - 8}"`;
  return `<text class="name end" x="${gutter - 7}" y="${head + middle + 4}">${content}</text><text ${column}>${content}</text>`;
}

interface Cell {
  readonly count: number;
  /** Rows of the true class. */
  readonly total: number;
  /** True and predicted. */
  readonly names: readonly [string, string];
  readonly isRight: boolean;
}

interface CellPlace {
  readonly x: number;
  readonly y: number;
  readonly cell: number;
  readonly hasCounts: boolean;
}

function drawCell({ count, total, names, isRight }: Cell, { x, y, cell, hasCounts }: CellPlace): string {
  if (!(count > 0)) return '';
  const share = count / total;
  // The exponent lifts small shares: 2 % wrong can be seen.
  const opacity = share ** 0.6;
  const told = isRight ? `${names[0]} recognised` : `${names[0]} taken for ${names[1]}`;
  const title = `${told}: ${formatCount(count)} of ${formatCount(total)} (${formatPercent(share)})`;
  const box = `<rect x="${x + 0.5}" y="${y + 0.5}" width="${cell - 1}" height="${cell - 1}" fill-opacity="${opacity.toFixed(3)}"/>`;
  const number = hasCounts
    ? `<text class="middle${opacity > 0.62 ? ' on' : ''}" x="${x + cell / 2}" y="${y + cell / 2 + 4}">${formatCount(count)}</text>`
    : '';
  return `<g class="${isRight ? 'right' : 'wrong'}"><title>${escapeHtml(title)}</title>${box}${number}</g>`;
}
