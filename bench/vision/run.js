/** `npm run bench:vision [-- --json FILE] [--seconds 2]`: augmented images per second on one core. */
import { parseArgs } from 'node:util';
import { version } from '../../dist/core/index.js';
import { ownRow, report } from '../report.js';
import { benchAugmentation } from './augment-bench.js';

const { values: flags } = parseArgs({
  options: { json: { type: 'string' }, seconds: { type: 'string', default: '2' } },
});
const must = 1000;
const rows = benchAugmentation(Number(flags.seconds)).map(({ name, imagesPerSecond, aim }) =>
  ownRow({
    id: `augment-${name}`,
    what: `augmentation, one core: ${name}`,
    unit: 'images/s',
    ours: imagesPerSecond,
    must: aim === undefined ? '–' : `≥ ${must}`,
    pass: aim === undefined ? null : imagesPerSecond >= must,
  }),
);
const notes = ['pictures lie decoded in memory; the best of five windows each'];
process.exitCode = report({
  rows,
  notes,
  versions: { trainyard: version, node: process.versions.node },
  json: flags.json,
});
