import type { Guardrail } from './guardrails.ts';

const WIDTH = 100;
const LABEL = 14;

/** The report as text: one block per check with aligned labels, its columns as a table. */
export function formatGuardrails(report: readonly Guardrail[]): string {
  const rule = '*'.repeat(WIDTH);
  const blocks = report.map((guardrail) => formatBlock(guardrail).join('\n'));
  return `${[rule, 'DATA GUARDRAILS:', ...blocks.flatMap((block) => ['', block, '', rule])].join('\n')}\n`;
}

function formatBlock({ name, status, message, action, columns }: Guardrail): string[] {
  return [
    ...field('TYPE:', name),
    ...field('STATUS:', status.toUpperCase()),
    ...field('DESCRIPTION:', message),
    ...(action === '' ? [] : field('ACTION:', action)),
    ...(columns.length === 0 ? [] : [...field('DETAILS:', ''), ...formatTable(columns)]),
  ];
}

/** A label and its text, broken between words, continued under the text. */
function field(label: string, text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && LABEL + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((part, i) => `${(i === 0 ? label : '').padEnd(LABEL)}${part}`.trimEnd());
}

function formatTable(columns: Guardrail['columns']): string[] {
  const rows = [['Column name', 'Details'], ...columns.map(({ column, detail }) => [column, detail])];
  const widths = [0, 1].map((j) => Math.max(...rows.map((row) => [...row[j]].length)));
  const border = (sign: string) => `+${widths.map((width) => sign.repeat(width + 2)).join('+')}+`;
  const lines = rows.map(
    (row) => `|${row.map((cell, j) => ` ${cell}${' '.repeat(widths[j] - [...cell].length)} `).join('|')}|`,
  );
  return [border('-'), lines[0], border('='), ...lines.slice(1), border('-')];
}
