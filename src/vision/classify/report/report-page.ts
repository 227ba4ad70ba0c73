import { escapeHtml } from './escape-html.ts';
import { reportStyle } from './report-style.ts';
import { sortScript } from './sort-script.ts';

/** Nothing is loaded from anywhere, whatever the document holds. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/**
 * The frame of every report: one HTML file that needs no other.
 * @param header HTML above the sections
 * @param sections HTML, in order
 */
export function reportPage(title: string, header: string, sections: readonly string[]): string {
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    `<title>${escapeHtml(title)}</title>`,
    `<style>${reportStyle}</style>`,
    '</head>',
    '<body>',
    header,
    '<main>',
    ...sections,
    '</main>',
    '<footer>Written by Trainyard.</footer>',
    `<script>${sortScript}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}
