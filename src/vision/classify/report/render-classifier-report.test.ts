import { describe, expect, test } from 'vitest';
import { Rng } from '#core';
import { judgePredictions } from '../judge-predictions.ts';
import { renderClassifierReport } from './render-classifier-report.ts';
import type { ClassifierReportDocument } from './report-document.ts';

/** Elements that have no end tag in HTML. */
const voidElements = new Set(['meta', 'img']);

/** Names of the elements in order; throws where an end tag does not close the element that is open. */
function parseTags(html: string): string[] {
  const open: string[] = [];
  const seen: string[] = [];
  const body = html.replace(/<!DOCTYPE html>/, '').replace(/(<(script|style)>)[\s\S]*?(<\/\2>)/g, '$1$3');
  // Quoted attribute values may hold anything but their quote.
  for (const [tag, end, name, closed] of body.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)(?:\s+[\w:-]+(?:="[^"]*")?)*\s*(\/?)>/g,
  )) {
    if (end === '/') {
      const last = open.pop();
      if (last !== name) throw new Error(`${tag} closes <${last}>`);
    } else {
      seen.push(name);
      if (closed !== '/' && !voidElements.has(name)) open.push(name);
    }
  }
  if (open.length > 0) throw new Error(`<${open.join('>, <')}> are open at the end`);
  // What is left of `<` belongs to no tag.
  const strays = body.replace(/<\/?[a-zA-Z][\w-]*(?:\s+[\w:-]+(?:="[^"]*")?)*\s*\/?>/g, '').match(/[<>]/g);
  if (strays !== null) throw new Error(`stray ${strays.join(' ')}`);
  return seen;
}

/** Text between the tags. */
const textOf = (html: string) =>
  html
    .replace(/<(script|style)>[\s\S]*?<\/\1>/g, '')
    .replace(/<title>[\s\S]*?<\/title>/g, '')
    .replace(/<[^>]*>/g, ' ');

interface Sketch {
  readonly classes?: readonly string[];
  readonly rowsOf?: (k: number) => number;
  readonly epochs?: number;
  readonly hasValidation?: boolean;
}

/** A document of random predictions that are right more often than not. */
function sketch({
  classes = ['wren', 'tit', 'owl'],
  rowsOf = () => 8,
  epochs = 5,
  hasValidation = true,
}: Sketch = {}): ClassifierReportDocument {
  const rng = new Rng(7);
  const K = classes.length;
  const labels = classes.flatMap((_, k) => new Array<number>(rowsOf(k)).fill(k));
  const probabilities = new Float64Array(labels.length * K);
  for (const [i, label] of labels.entries()) {
    const row = Float64Array.from(classes, (_, k) => rng.uniform() + (k === label ? 0.6 : 0));
    const sum = row.reduce((a, b) => a + b);
    probabilities.set(
      row.map((value) => value / sum),
      i * K,
    );
  }
  const judgement = judgePredictions({ labels, probabilities, classes });
  return {
    title: 'Songs',
    createdAt: '2026-03-01T14:05:00.000Z',
    settings: { epochs, schedule: { name: 'cosine', warmupEpochs: 2 }, seeds: [1, 2], stop: null },
    data: {
      images: labels.length * 5,
      trainRows: labels.length * 4,
      validationRows: labels.length,
      classes: classes.map((name, k) => ({ name, images: rowsOf(k) * 5 })),
    },
    epochs: Array.from({ length: epochs }, (_, e) => ({
      epoch: e + 1,
      trainLoss: 2 / (e + 1),
      ...(hasValidation ? { validationLoss: 2.2 / (e + 1) } : {}),
      metrics: hasValidation ? { cmAP: 1 - 0.5 / (e + 1), accuracy: 1 - 0.6 / (e + 1) } : {},
      learningRate: 3e-4,
      seconds: 30,
      samplesPerSecond: 200,
    })),
    bestEpoch: epochs,
    watched: hasValidation ? 'cmAP' : 'trainLoss',
    judgement,
    classes,
    mistakePictures: judgement.mistakes.map(() => 'data:image/png;base64,iVBORw0KGgo='),
    model: {
      file: 'bird.onnx',
      bytes: 16_873_221,
      architecture: 'tf_efficientnet_b0',
      parameters: 4_345_732,
      imageSize: [128, 128],
    },
  };
}

/** What holds for every report. */
function expectSound(html: string): string[] {
  const tags = parseTags(html);
  expect(html.match(/https?:|url\(|@import|(?:src|href)="(?!data:)/g)).toBeNull();
  const shown = html.replace(/<script>[\s\S]*?<\/script>/, '');
  expect(shown.match(/NaN|Infinity|undefined|null|\[object/g)).toBeNull();
  return tags;
}

describe('renderClassifierReport', () => {
  test('is balanced HTML that loads nothing and holds no NaN', () => {
    const tags = expectSound(renderClassifierReport(sketch()));
    expect(tags.filter((tag) => tag === 'h2')).toHaveLength(6);
    expect(tags).not.toContain('link');
    expect(tags).not.toContain('iframe');
  });

  test('tells the headline figures', () => {
    const document = sketch();
    const text = textOf(renderClassifierReport(document));
    expect(text).toContain(document.judgement.metrics.cmAP.toFixed(3));
    expect(text).toContain(document.judgement.metrics.meanRecall.toFixed(3));
    expect(text).toMatch(/Best epoch\s+5\s+of 5\s+by cmAP/);
    expect(text).toMatch(/Training time\s+2\s+min\s+30\s+s/);
    expect(text).toMatch(/16\.9\s+MB\s+4\.35 M parameters/);
    expect(text).toMatch(/schedule\.warmupEpochs\s+2/);
    expect(text).toMatch(/seeds\s+1, 2/);
    expect(text).toMatch(/start\s+from scratch/);
  });

  test('draws one epoch as points and leaves out the curves of pace', () => {
    const html = renderClassifierReport(sketch({ epochs: 1 }));
    expectSound(html);
    expect(html.match(/<figure/g)).toHaveLength(2);
    // Two losses and two metrics.
    expect(html.match(/<circle/g)).toHaveLength(4);
  });

  test('without validation in training there is one loss and no chart of metrics', () => {
    const html = renderClassifierReport(sketch({ hasValidation: false }));
    expectSound(html);
    expect(html).not.toContain('Validation metrics');
    const loss = html.slice(html.indexOf('<b>Loss</b>'), html.indexOf('</figure>'));
    expect(loss).not.toContain('validation');
  });

  test('values that are not finite leave gaps', () => {
    const document = sketch();
    const epochs = document.epochs.map((epoch, e) =>
      e === 2 ? { ...epoch, trainLoss: Number.NaN, metrics: { cmAP: Number.NaN } } : epoch,
    );
    const html = renderClassifierReport({
      ...document,
      epochs,
      settings: { clip: Number.NaN, nothing: undefined },
    });
    expectSound(html);
    const path = /<g class="s0"><path d="([^"]*)"/.exec(html)?.[1] ?? '';
    // Epochs 1, 2 and 4, 5 in two strokes.
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path.match(/L/g)).toHaveLength(2);
    expect(html).toMatch(/clip<\/th><td>–/);
  });

  test('escapes names, titles, settings and file names', () => {
    const bad = `<b onload="x">&'"</b>`;
    const classes = [
      bad,
      'クロツグミの長い名前'.repeat(9),
      '</script><script>alert(1)</script>',
      '\ud800\u0000',
    ];
    const document = sketch({ classes });
    const html = renderClassifierReport({
      ...document,
      title: bad,
      settings: { [bad]: { [bad]: [bad] }, nested: [{ a: bad }] },
      watched: bad,
      weights: { file: bad, source: bad, matched: 1, total: 2, headLoaded: true },
      mistakeNames: document.judgement.mistakes.map(() => bad),
      facts: { [bad]: bad },
      epochs: document.epochs.map((epoch) => ({ ...epoch, metrics: { [bad]: 0.5 } })),
    });
    expectSound(html);
    expect(html).not.toContain('<b onload');
    expect(html.match(/<script>/g)).toHaveLength(1);
    expect(html).toContain('&lt;b onload=&quot;x&quot;&gt;&amp;&#39;&quot;&lt;/b&gt;');
    expect(html.isWellFormed()).toBe(true);
    expect(html).not.toContain('\u0000');
  });

  test('pictures from elsewhere are left out', () => {
    const document = sketch();
    const html = renderClassifierReport({
      ...document,
      mistakePictures: ['http://example.org/a.png', undefined, 'data:image/png;base64,iVBORw0KGgo='],
    });
    expectSound(html);
    expect(html.match(/<img/g)).toHaveLength(1);
    expect(html.match(/class="no-picture"/g)).toHaveLength(document.judgement.mistakes.length - 1);
  });

  test('of 264 classes, some without rows, the matrix has the 40 most confused and the table all', () => {
    const classes = Array.from({ length: 264 }, (_, k) => `species ${k}`);
    const html = renderClassifierReport(sketch({ classes, rowsOf: (k) => (k % 50 === 7 ? 0 : 3) }));
    expectSound(html);
    expect(html).toContain('aria-label="Confusion matrix of 40 classes"');
    expect(html.match(/<tr><th scope="row"><bdi>species/g)).toHaveLength(264);
    expect(html).toContain('258 of 264 classes have images');
    expect(html.length).toBeLessThan(600_000);
  });

  test('a perfect classifier of one class has no mistakes to show', () => {
    const document = sketch({ classes: ['wren'] });
    const html = renderClassifierReport(document);
    expectSound(html);
    expect(html).toContain('No image was classified wrong.');
    expect(html).not.toContain('Worst mistakes');
  });
});
