import { timestamp } from '#core';
import type { ClassifierEvaluation } from './evaluate-classifier.ts';
import type { ImageClassifier } from './image-classifier.ts';
import { readClassifierInput } from './read-classifier-inputs.ts';
import { classSection } from './report/class-section.ts';
import { confusionSection } from './report/confusion-section.ts';
import { escapeHtml } from './report/escape-html.ts';
import { formatBytes, formatCount, formatFixed, formatTime } from './report/format-value.ts';
import { mistakePicture } from './report/mistake-picture.ts';
import { mistakeSection } from './report/mistake-section.ts';
import type { ClassifierReportDocument } from './report/report-document.ts';
import { reportPage } from './report/report-page.ts';

/** Of the model's file. */
export interface EvaluationReportOptions {
  readonly title: string;
  readonly file: string;
  readonly bytes: number;
}

/**
 * An evaluation as one HTML file that needs no other: figures, confusions, classes and the worst mistakes as pictures,
 * of a sound its first window.
 *
 * @returns the text of the file, to be written as UTF-8
 * @throws DataError when the picture of a mistake can no longer be read
 */
export async function renderEvaluationReport(
  classifier: ImageClassifier,
  evaluation: ClassifierEvaluation,
  { title, file, bytes }: EvaluationReportOptions,
): Promise<string> {
  const { judgement, classes, paths, kinds, files } = evaluation;
  const mistakePictures: string[] = [];
  for (const { index } of judgement.mistakes) {
    const input = { path: paths[index], kind: kinds[index] };
    const { pictures } = await readClassifierInput(input, classifier.sound);
    mistakePictures.push(mistakePicture(pictures[0]));
  }
  const document: ClassifierReportDocument = {
    title,
    createdAt: timestamp(),
    settings: {},
    data: {
      images: files,
      trainRows: 0,
      validationRows: files,
      classes: judgement.perClass.map(({ name, support }) => ({ name, images: support })),
    },
    epochs: [],
    bestEpoch: 0,
    watched: 'cmAP',
    judgement,
    classes,
    mistakePictures,
    mistakeNames: judgement.mistakes.map(({ index }) => paths[index]),
    model: {
      file,
      bytes,
      architecture: classifier.architecture,
      parameters: 0,
      imageSize: classifier.imageSize,
    },
  };
  return reportPage(title, headline(document, evaluation), [
    confusionSection(document),
    classSection(document),
    mistakeSection(document),
  ]);
}

function headline(
  { title, createdAt, model }: ClassifierReportDocument,
  evaluation: ClassifierEvaluation,
): string {
  const { metrics } = evaluation.judgement;
  const facts = [
    formatTime(createdAt),
    model.architecture,
    `${formatCount(evaluation.files)} files of ${evaluation.data}`,
    `${model.file}, ${formatBytes(model.bytes)}`,
  ];
  const tiles = [
    ['cmAP', metrics.cmAP, 'mean average precision, padded'],
    ['Accuracy', metrics.accuracy, `top-5 accuracy ${formatFixed(metrics.top5Accuracy)}`],
    ['Mean recall', metrics.meanRecall, 'every class counts alike'],
    ['Macro F1', metrics.macroF1, `log loss ${formatFixed(metrics.logLoss)}`],
  ] as const;
  return [
    '<header>',
    '<p class="kicker">Image classifier · evaluation</p>',
    `<h1>${escapeHtml(title)}</h1>`,
    `<p class="facts">${facts.map((fact) => `<span>${escapeHtml(fact)}</span>`).join('')}</p>`,
    '<dl class="tiles">',
    ...tiles.map(
      ([name, value, note]) =>
        `<div><dt>${name}</dt><dd>${formatFixed(value)}</dd><dd class="note">${note}</dd></div>`,
    ),
    '</dl>',
    '</header>',
  ].join('\n');
}
