import { classSection } from './class-section.ts';
import { confusionSection } from './confusion-section.ts';
import { escapeHtml } from './escape-html.ts';
import { factsSection } from './facts-section.ts';
import { headlineSection } from './headline-section.ts';
import { mistakeSection } from './mistake-section.ts';
import type { ClassifierReportDocument } from './report-document.ts';
import { reportStyle } from './report-style.ts';
import { sortScript } from './sort-script.ts';
import { trainingSection } from './training-section.ts';

/** Nothing is loaded from anywhere, whatever the document holds. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/**
 * A report as one HTML file: figures, curves, confusions, classes, mistakes as pictures, settings. It needs no other
 * file and no network, follows the reader's light or dark mode, prints, and is readable without JavaScript, which only
 * sorts the table of classes. Pictures that are not `data:image/…` are left out.
 *
 * @returns the text of the file, to be written as UTF-8
 */
export function renderClassifierReport(document: ClassifierReportDocument): string {
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    `<title>${escapeHtml(document.title)}</title>`,
    `<style>${reportStyle}</style>`,
    '</head>',
    '<body>',
    headlineSection(document),
    '<main>',
    trainingSection(document),
    confusionSection(document),
    classSection(document),
    mistakeSection(document),
    factsSection(document),
    '</main>',
    '<footer>Written by Trainyard.</footer>',
    `<script>${sortScript}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}
