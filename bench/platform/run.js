/**
 * `npm run bench:platform [-- --json FILE] [--only store,pipeline,scoring,artifact]`: store, pipelines, scoring and
 * artefacts, each through what a user has: the library, `trainyard serve` and `trainyard server`.
 */
import { parseArgs } from 'node:util';
import { version } from '../../dist/core/index.js';
import { report } from '../report.js';
import { benchArtifacts } from './artifact-bench.js';
import { benchPipeline } from './pipeline-bench.js';
import { benchScoring } from './scoring-bench.js';
import { benchStore } from './store-bench.js';

const { values: flags } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
const parts = {
  store: benchStore,
  pipeline: benchPipeline,
  scoring: benchScoring,
  artifact: benchArtifacts,
};
const chosen = flags.only?.split(',') ?? Object.keys(parts);
const unknown = chosen.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) {
  console.error(`bench: parts are ${Object.keys(parts).join(', ')}, but got ${unknown.join(', ')}.`);
  process.exit(2);
}
const rows = [];
const notes = [];
for (const name of chosen) {
  console.error(`bench: ${name} …`);
  const part = await parts[name]();
  rows.push(...part.rows);
  notes.push(...part.notes);
}
const versions = { trainyard: version, node: process.versions.node };
process.exitCode = report({ rows, notes, versions, json: flags.json });
