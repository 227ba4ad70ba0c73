import { escapeHtml } from './escape-html.ts';
import { formatBytes, formatCount } from './format-value.ts';
import type { ClassifierReportDocument } from './report-document.ts';

type Facts = readonly (readonly [string, string])[];

/** Tables of the data, the model, the weights, the machine and the settings. */
export function factsSection(document: ClassifierReportDocument): string {
  const { data, model, weights, settings, facts, classes } = document;
  const [height, width] = model.imageSize;
  const tables = [
    drawFacts('Data', [
      ['images', formatCount(data.images)],
      ['classes', formatCount(classes.length)],
      ['trained on', `${formatCount(data.trainRows)} rows`],
      ['validated with', `${formatCount(data.validationRows)} rows`],
      ...classSizes(data.classes.map(({ images }) => images)),
    ]),
    drawFacts('Model', [
      ['architecture', model.architecture],
      ['parameters', formatCount(model.parameters)],
      ['image size', `${height} × ${width}`],
      ['file', model.file],
      ['size', formatBytes(model.bytes)],
    ]),
    drawFacts('Weights', weights === undefined ? [['start', 'from scratch']] : describeWeights(weights)),
    drawFacts('Machine', Object.entries(facts ?? {})),
  ];
  return [
    `<section><h2>Data and model</h2><div class="fact-tables">${tables.join('\n')}</div></section>`,
    `<section><h2>Settings</h2><div class="settings">${drawFacts('', flatten(settings))}</div></section>`,
  ].join('\n');
}

function classSizes(images: readonly number[]): Facts {
  if (images.length === 0) return [];
  const smallest = formatCount(images.reduce((a, b) => Math.min(a, b)));
  const largest = formatCount(images.reduce((a, b) => Math.max(a, b)));
  return [['images a class', smallest === largest ? smallest : `${smallest} to ${largest}`]];
}

function describeWeights({
  file,
  source,
  matched,
  total,
  headLoaded,
}: NonNullable<ClassifierReportDocument['weights']>): Facts {
  return [
    ['start', file],
    ['source', source],
    ['loaded', `${formatCount(matched)} of ${formatCount(total)} tensors`],
    ['head', headLoaded ? 'loaded' : 'new'],
  ];
}

function drawFacts(title: string, facts: Facts): string {
  if (facts.length === 0) return '';
  const caption = title === '' ? '' : `<caption>${escapeHtml(title)}</caption>`;
  const rows = facts.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<table class="facts">${caption}<tbody>${rows.join('\n')}</tbody></table>`;
}

/** Settings by dotted name; those that are `undefined` are left out. */
function flatten(settings: Readonly<Record<string, unknown>>, prefix = ''): Facts {
  return Object.entries(settings).flatMap(([key, value]): Facts => {
    const name = `${prefix}${key}`;
    if (value === undefined) return [];
    if (isPlainObject(value) && Object.keys(value).length > 0) return flatten(value, `${name}.`);
    return [[name, settingText(value)]];
  });
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function settingText(value: unknown): string {
  if (value === null || Number.isNaN(value)) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) {
    return value.map(settingText).join(', ');
  }
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}
