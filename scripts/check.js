// @ts-check
/**
 * `npm run check`: everything about the sources that needs no test run, one line per stage, and the output of those
 * that fail. `npm run check -- types layers` runs some stages; `npm run check -- --fix` formats and repairs first.
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nameDocuments, writeSnippets } from './doc-snippets.js';
import { checkExports } from './exports.js';
import { checkLayers } from './layers.js';
import { checkSourceRules } from './source-rules.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const fix = process.argv.includes('--fix');
const chosen = process.argv.slice(2).filter((name) => !name.startsWith('--'));

/**
 * @param {string} script a package's command, below `node_modules/`
 * @param {string[]} args
 * @returns {Promise<string>} '' on success, else everything it printed
 */
function run(script, ...args) {
  return new Promise((resolve, reject) => {
    const options = { cwd: root, env: { ...process.env, NO_COLOR: '1' } };
    const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], options);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0 ? '' : output || `${script} ended with code ${code}`));
  });
}
const biome = '@biomejs/biome/bin/biome';
const typescript = 'typescript/bin/tsc';

/** Each stage gives its faults as text; none is success. @type {Record<string, () => Promise<string>>} */
const stages = {
  'format, lint': () => run(biome, 'check', '--error-on-warnings', ...(fix ? ['--write'] : []), '.'),
  // dist/ holds the declarations that examples and documents are checked against.
  build: () => run(typescript, '-p', 'tsconfig.build.json'),
  types: () => run(typescript, '-p', 'tsconfig.json'),
  layers: async () => checkLayers(root).join('\n'),
  rules: async () => checkSourceRules(root).join('\n'),
  exports: async () => checkExports(root).join('\n') || run('publint/src/cli.js', '--strict'),
  unused: () => run('knip/bin/knip.js', '--no-progress', '--no-config-hints'),
  'examples, documents': async () => {
    writeSnippets(root);
    return nameDocuments(await run(typescript, '-p', 'tsconfig.public.json'));
  },
};

const selected = Object.entries(stages).filter(
  ([name]) => chosen.length === 0 || chosen.some((part) => name.split(', ').includes(part)),
);
if (selected.length === 0) {
  console.error(`check: no stage named ${chosen.join(', ')}. Stages: ${Object.keys(stages).join(', ')}.`);
  process.exitCode = 2;
}
for (const [name, stage] of selected) {
  const start = performance.now();
  const faults = (await stage()).trimEnd();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${faults === '' ? '✓' : '✗'} ${name.padEnd(20)} ${seconds.padStart(5)} s`);
  if (faults === '') continue;
  console.log(faults.replace(/^/gm, '    '));
  process.exitCode = 1;
}
