/**
 * `npm run bench:tabular [-- --json FILE] [--only bank,boosting,predict]`: the numbers of the tabular part, against
 * XGBoost and scikit-learn where Debian's Python has them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { version } from '../../dist/core/index.js';
import { benchBank } from './bank.js';
import { benchBoosting } from './boosting.js';
import { benchPrediction } from './predict.js';

const { values: flags } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
const parts = { boosting: benchBoosting, predict: benchPrediction, bank: benchBank };
const chosen = flags.only?.split(',') ?? Object.keys(parts);
const unknown = chosen.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`bench: parts are ${Object.keys(parts).join(', ')}, but got ${unknown.join(', ')}.`);
  process.exit(2);
}

const python = findPython('/usr/bin/python3');
const rows = [];
const notes = [];
for (const name of chosen) {
  console.error(`bench: ${name} …`);
  const part = await parts[name]({ python });
  rows.push(...part.rows);
  notes.push(...part.notes);
}
const machine = `${cpus()[0].model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}`;
const versions = { trainyard: version, node: process.versions.node, ...python.versions };
if (flags.json !== undefined)
  writeFileSync(flags.json, `${JSON.stringify({ machine, versions, rows }, null, 2)}\n`);
console.log(table(rows, machine, versions));
if (notes.length > 0) console.log(['', ...notes.map((note) => `- ${note}`)].join('\n'));
process.exit(rows.some((row) => row.pass === false) ? 1 : 0);

function findPython(path) {
  const python = { path, sklearn: false, xgboost: false, versions: {} };
  if (!existsSync(path)) return python;
  for (const name of ['sklearn', 'xgboost']) {
    try {
      const found = execFileSync(path, ['-c', `import ${name}; print(${name}.__version__)`], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      python[name] = true;
      python.versions[name] = String(found).trim();
    } catch {
      python[name] = false;
    }
  }
  return python;
}

function table(entries, machine, versions) {
  const cell = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(4))) : (value ?? '–'));
  const lines = [
    ['what', 'unit', 'ours', 'contender', 'theirs', 'speedup', 'must', ''],
    ...entries.map((row) => [
      row.what,
      row.unit,
      cell(row.ours),
      cell(row.contender),
      cell(row.theirs),
      row.speedup === null ? '–' : `${row.speedup.toFixed(2)}×`,
      row.must,
      row.pass === null ? 'not measured' : row.pass === null ? 'not measured' : row.pass ? 'ok' : 'MISSED',
    ]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const text = lines.map((line) => `| ${line.map((value, c) => value.padEnd(widths[c])).join(' | ')} |`);
  text.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  const about = Object.entries(versions).map(([name, number]) => `${name} ${number}`);
  return [`Machine: ${machine}. ${about.join(', ')}.`, '', ...text].join('\n');
}
