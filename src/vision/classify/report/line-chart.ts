import { type AxisTicks, axisTicks, wholeTicks } from './axis-ticks.ts';
import { escapeHtml } from './escape-html.ts';

/** One line of a chart. Entries that are absent or not finite leave a gap. */
export interface LineSeries {
  readonly name: string;
  /** By epoch. */
  readonly values: readonly (number | undefined)[];
}

export interface LineChartOptions {
  readonly title: string;
  /** Epoch number of each entry, rising. */
  readonly epochs: readonly number[];
  readonly series: readonly LineSeries[];
  /** Marked by a vertical line. */
  readonly bestEpoch?: number;
  /** Text of a value in the legend and in tooltips. */
  readonly format: (value: number) => string;
  /** The vertical axis starts at 0; otherwise near the smallest value. */
  readonly fromZero?: boolean;
  /** The vertical axis does not go above it. */
  readonly ceiling?: number;
}

const WIDTH = 500;
const HEIGHT = 250;
const MARGIN = { top: 22, right: 14, bottom: 38, left: 50 };
/** Colours and dashes that the style sheet has. */
const STYLES = 6;
const MOST_MARKERS = 40;

interface Scales {
  readonly x: (epoch: number) => number;
  readonly y: (value: number) => number;
  readonly xTicks: AxisTicks;
  readonly yTicks: AxisTicks;
}

/** A figure of lines over epochs, with a legend that tells the values of the marked epoch; empty without values. */
export function lineChart(options: LineChartOptions): string {
  const { title, epochs, series } = options;
  const values = series.flatMap((one) => one.values.filter(isKnown));
  if (values.length === 0) return '';
  const scales = makeScales(options, Math.min(...values), Math.max(...values));
  return [
    '<figure class="chart">',
    `<figcaption><b>${escapeHtml(title)}</b>${legend(options)}</figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)} by epoch">`,
    drawAxes(scales),
    drawBest(options, scales),
    ...series.map((one, i) => drawSeries(one, i, epochs, scales)),
    drawTooltips(options, scales),
    '</svg></figure>',
  ].join('\n');
}

function isKnown(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}

function makeScales({ epochs, fromZero, ceiling }: LineChartOptions, low: number, high: number): Scales {
  const yTicks = axisTicks(fromZero ? Math.min(0, low) : low, high);
  const bottom = yTicks.values[0];
  const top = Math.min(ceiling ?? Number.POSITIVE_INFINITY, yTicks.values[yTicks.values.length - 1]);
  const shown = yTicks.values.findLastIndex((value) => value <= top + 1e-9) + 1;
  const first = epochs[0];
  const last = epochs[epochs.length - 1];
  const pad = first === last ? 0.5 : 0;
  const scale = (from: number, to: number, start: number, end: number) => (value: number) =>
    round(start + ((value - from) / (to - from)) * (end - start));
  return {
    x: scale(first - pad, last + pad, MARGIN.left + 8, WIDTH - MARGIN.right - 8),
    y: scale(bottom, top, HEIGHT - MARGIN.bottom, MARGIN.top),
    xTicks: wholeTicks(first, last),
    yTicks: { values: yTicks.values.slice(0, shown), labels: yTicks.labels.slice(0, shown) },
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function drawAxes({ x, y, xTicks, yTicks }: Scales): string {
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const rows = yTicks.values.map(
    (value, i) =>
      `<line class="${i === 0 ? 'axis' : 'grid'}" x1="${MARGIN.left}" x2="${right}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text class="tick end" x="${MARGIN.left - 8}" y="${y(value) + 4}">${yTicks.labels[i]}</text>`,
  );
  const columns = xTicks.values.map(
    (value, i) =>
      `<line class="axis" x1="${x(value)}" x2="${x(value)}" y1="${bottom}" y2="${bottom + 4}"/>` +
      `<text class="tick middle" x="${x(value)}" y="${bottom + 17}">${xTicks.labels[i]}</text>`,
  );
  const name = `<text class="tick middle" x="${(MARGIN.left + right) / 2}" y="${HEIGHT - 4}">epoch</text>`;
  return [...rows, ...columns, name].join('\n');
}

function drawBest({ epochs, bestEpoch }: LineChartOptions, { x }: Scales): string {
  if (bestEpoch === undefined || !epochs.includes(bestEpoch)) return '';
  const at = x(bestEpoch);
  const side = at < MARGIN.left + 60 ? 'start' : at > WIDTH - MARGIN.right - 60 ? 'end' : 'middle';
  return (
    `<line class="best" x1="${at}" x2="${at}" y1="${MARGIN.top - 6}" y2="${HEIGHT - MARGIN.bottom}"/>` +
    `<text class="tick best-label ${side}" x="${at}" y="${MARGIN.top - 11}">best: epoch ${bestEpoch}</text>`
  );
}

function drawSeries({ values }: LineSeries, i: number, epochs: readonly number[], scales: Scales): string {
  let path = '';
  let isOpen = false;
  const dots: string[] = [];
  for (const [at, value] of values.entries()) {
    if (!isKnown(value)) {
      isOpen = false;
      continue;
    }
    const point = `${scales.x(epochs[at])} ${scales.y(value)}`;
    path += `${isOpen ? 'L' : 'M'}${point}`;
    isOpen = true;
    if (epochs.length <= MOST_MARKERS) {
      dots.push(
        `<circle cx="${scales.x(epochs[at])}" cy="${scales.y(value)}" r="${epochs.length === 1 ? 4 : 2.2}"/>`,
      );
    }
  }
  return `<g class="s${i % STYLES}"><path d="${path}"/>${dots.join('')}</g>`;
}

/** Invisible columns whose titles browsers show under the pointer. */
function drawTooltips({ epochs, series, format }: LineChartOptions, { x }: Scales): string {
  const height = HEIGHT - MARGIN.bottom - MARGIN.top;
  return epochs
    .map((epoch, i) => {
      const from = i === 0 ? MARGIN.left : (x(epochs[i - 1]) + x(epoch)) / 2;
      const to = i === epochs.length - 1 ? WIDTH - MARGIN.right : (x(epoch) + x(epochs[i + 1])) / 2;
      const lines = series.map(({ name, values }) => `${name}: ${text(values[i], format)}`);
      const title = [`epoch ${epoch}`, ...lines].join('\n');
      return `<rect class="hit" x="${round(from)}" y="${MARGIN.top}" width="${round(to - from)}" height="${height}"><title>${escapeHtml(title)}</title></rect>`;
    })
    .join('\n');
}

function legend({ epochs, series, bestEpoch, format }: LineChartOptions): string {
  const at = bestEpoch === undefined ? epochs.length - 1 : epochs.indexOf(bestEpoch);
  const items = series.map(
    ({ name, values }, i) =>
      `<span><svg class="key s${i % STYLES}" viewBox="0 0 24 8" aria-hidden="true"><path d="M1 4H23"/></svg>` +
      `${escapeHtml(name)} <i>${text(values[at], format)}</i></span>`,
  );
  return `<span class="legend">${items.join('')}</span>`;
}

function text(value: number | undefined, format: (value: number) => string): string {
  return isKnown(value) ? format(value) : '–';
}
