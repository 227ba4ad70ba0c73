/**
 * `npm run bench:tabular [-- --json FILE] [--only bank,boosting,predict]`: the numbers of the tabular part, against
 * XGBoost and scikit-learn where Debian's Python has them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { version } from '../../dist/core/index.js';
import { report } from '../report.js';
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
const versions = { trainyard: version, node: process.versions.node, ...python.versions };
process.exit(report({ rows, notes, versions, json: flags.json }));

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
