import { classSection } from './class-section.ts';
import { confusionSection } from './confusion-section.ts';
import { factsSection } from './facts-section.ts';
import { headlineSection } from './headline-section.ts';
import { mistakeSection } from './mistake-section.ts';
import type { ClassifierReportDocument } from './report-document.ts';
import { reportPage } from './report-page.ts';
import { trainingSection } from './training-section.ts';

/**
 * A report as one HTML file: figures, curves, confusions, classes, mistakes as pictures, settings. It needs no other
 * file and no network, follows the reader's light or dark mode, prints, and is readable without JavaScript, which only
 * sorts the table of classes. Pictures that are not `data:image/…` are left out.
 *
 * @returns the text of the file, to be written as UTF-8
 */
export function renderClassifierReport(document: ClassifierReportDocument): string {
  return reportPage(document.title, headlineSection(document), [
    trainingSection(document),
    confusionSection(document),
    classSection(document),
    mistakeSection(document),
    factsSection(document),
  ]);
}
