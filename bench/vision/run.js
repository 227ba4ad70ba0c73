/**
 * `npm run bench:vision [-- --json FILE] [--only augment,loop,latency,songs,birdcalls,mnist] [--seconds 2] [--data DIR]`:
 * augmentation, the training loop against PyTorch, the exported file, and whole jobs.
 */
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { version } from '../../dist/core/index.js';
import { ownRow, report } from '../report.js';
import { benchAugmentation } from './augment-bench.js';
import { benchBirdcalls, benchMnist, benchSongs } from './job-bench.js';
import { benchExport, benchLoop } from './loop-bench.js';

const here = dirname(fileURLToPath(import.meta.url));
const { values: flags } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    seconds: { type: 'string', default: '2' },
    data: {
      type: 'string',
      default: process.env.TRAINYARD_DATA ?? join(here, '..', '..', '..', 'shared', 'data'),
    },
  },
});
const must = 1000;
const parts = {
  augment: async () => ({
    rows: benchAugmentation(Number(flags.seconds)).map(({ name, imagesPerSecond, aim }) =>
      ownRow({
        id: `augment-${name}`,
        what: `augmentation, one core: ${name}`,
        unit: 'images/s',
        ours: imagesPerSecond,
        must: aim === undefined ? '–' : `≥ ${must}`,
        pass: aim === undefined ? null : imagesPerSecond >= must,
      }),
    ),
    notes: ['augmentation: pictures lie decoded in memory; the best of five windows each'],
  }),
  loop: benchLoop,
  latency: async () => ({ rows: await benchExport(), notes: [] }),
  songs: async () => benchSongs(),
  birdcalls: async () => benchBirdcalls(flags.data),
  mnist: () => benchMnist(flags.data),
};
const rows = [];
const notes = [];
for (const name of flags.only?.split(',') ?? Object.keys(parts)) {
  if (parts[name] === undefined) {
    console.error(`bench: parts are ${Object.keys(parts).join(', ')}, but got ${name}.`);
    process.exit(2);
  }
  console.error(`bench: ${name} …`);
  const found = await parts[name]();
  rows.push(...found.rows);
  notes.push(...found.notes);
}
process.exitCode = report({ rows, notes, versions: findVersions(), json: flags.json });

function findVersions() {
  const versions = { trainyard: version, node: process.versions.node };
  try {
    const options = { stdio: ['ignore', 'pipe', 'ignore'] };
    const torch = execFileSync('/usr/bin/python3', ['-c', 'import torch; print(torch.__version__)'], options);
    return { ...versions, torch: torch.toString().trim() };
  } catch {
    return versions;
  }
}
