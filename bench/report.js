/** What every benchmark prints and writes: the machine, a table of rows, notes. */
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} what
 * @property {string} unit
 * @property {number | null} ours
 * @property {string | null} [contender] who is compared, with its setting
 * @property {number | null} [theirs]
 * @property {number | null} [speedup] how many times faster than the contender
 * @property {string} must the bar in the row's own terms
 * @property {boolean | null} pass null when it was not measured or has no bar
 */

/**
 * A row that nobody is compared in.
 *
 * @param {Omit<Row, 'contender' | 'theirs' | 'speedup'>} row
 * @returns {Row}
 */
export function ownRow({ id, what, unit, ours, must, pass }) {
  return { id, what, unit, ours, contender: null, theirs: null, speedup: null, must, pass };
}

/**
 * Prints the table, and writes `{ machine, versions, rows, notes }` where a file is named.
 *
 * @param {{ rows: Row[], notes: string[], versions: Record<string, string>, json?: string | undefined }} result
 * @returns {number} exit status: 1 when a row misses its bar
 */
export function report({ rows, notes, versions, json }) {
  const machine = `${cpus()[0].model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`;
  if (json !== undefined)
    writeFileSync(json, `${JSON.stringify({ machine, versions, rows, notes }, null, 2)}\n`);
  const about = Object.entries(versions).map(([name, number]) => `${name} ${number}`);
  console.log([`Machine: ${machine}. ${about.join(', ')}.`, '', ...table(rows)].join('\n'));
  if (notes.length > 0) console.log(['', ...notes.map((note) => `- ${note}`)].join('\n'));
  return rows.some((row) => row.pass === false) ? 1 : 0;
}

/** @param {Row[]} rows */
function table(rows) {
  const cell = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(4))) : (value ?? '–'));
  const verdict = { true: 'ok', false: 'MISSED', null: '' };
  const lines = [
    ['what', 'unit', 'ours', 'contender', 'theirs', 'speedup', 'must', ''],
    ...rows.map((row) => [
      row.what,
      row.unit,
      cell(row.ours),
      cell(row.contender),
      cell(row.theirs),
      typeof row.speedup === 'number' ? `${row.speedup.toFixed(2)}×` : '–',
      row.must,
      row.ours === null ? 'not measured' : verdict[String(row.pass)],
    ]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const text = lines.map((line) => `| ${line.map((value, c) => value.padEnd(widths[c])).join(' | ')} |`);
  text.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  return text;
}
