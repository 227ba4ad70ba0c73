// @ts-check
/**
 * `npm run quickstart`: the main job from beginning to end, without network and without data of your own. Every line
 * that begins with `$` is a command you can type yourself; files stay in `.trainyard/quickstart`.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const program = join(root, 'bin', 'trainyard.js');
const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: join(root, '.trainyard', 'quickstart') },
    rows: { type: 'string', default: '6000' },
    trials: { type: 'string', default: '20' },
  },
});
const folder = resolve(options.folder);
const { rows, trials } = options;
const begin = performance.now();

if (!existsSync(join(root, 'dist', 'cli', 'main.js'))) {
  fail('dist/ must be built, but is not there. Run npm ci, or npm run build.');
}
mkdirSync(folder, { recursive: true });
// Ctrl-C reaches the command that runs, which ends with the best model so far; then the next one follows.
process.on('SIGINT', () => {});

say('1. Two generated tables shaped like bank-marketing data: one to learn from, one to judge the model on.');
await trainyard(`sample bank --rows ${rows} --seed 1 --out bank.csv`);
await trainyard(`sample bank --rows ${rows} --seed 2 --out fresh.csv --json`, 'fresh.json');

say('2. A first look at the data.');
await trainyard('data head bank.csv -n 3');

say(`3. The search: ${trials} trials, within a minute.`);
await trainyard(`automl bank.csv --label y --max-trials ${trials} --timeout 60s --out model.onnx`);

say('4. The ONNX file, judged on rows the search never saw.');
await trainyard('evaluate model.onnx fresh.csv --label y --json', 'metrics.json');
compare(readJson('metrics.json'), readJson('fresh.json'));

say('5. Predictions for these rows.');
await trainyard('predict model.onnx fresh.csv --keep age,job,duration --out predictions.csv');
await trainyard('data head predictions.csv -n 3');

const path = relative(process.cwd(), program);
const seconds = ((performance.now() - begin) / 1000).toFixed(0);
console.log(`
Done in ${seconds} s. The files are in ${join(relative(process.cwd(), folder))}.

Your own table next (trainyard is ${path.startsWith('.') ? path : `./${path}`}; "npm link" puts it on your path):
  trainyard data describe YOUR.csv
  trainyard automl YOUR.csv --label COLUMN --out model.onnx
From TypeScript: npm run example bank-marketing. All options: docs/tabular.md.`);

/** @param {string} text */
function say(text) {
  console.log(`\n${process.stdout.isTTY && !process.env['NO_COLOR'] ? `\x1b[1m${text}\x1b[22m` : text}`);
}

/** @param {string} text */
function fail(text) {
  console.error(`quickstart: ${text}`);
  process.exit(1);
}

/**
 * Shows a command and runs it.
 * @param {string} line arguments after `trainyard`
 * @param {string} [output] file that takes its standard output
 */
async function trainyard(line, output) {
  console.log(`\n$ trainyard ${line}${output === undefined ? '' : ` > ${output}`}`);
  const file = output === undefined ? undefined : openSync(join(folder, output), 'w');
  const child = spawn(process.execPath, [program, ...line.split(' ')], {
    cwd: folder,
    stdio: ['inherit', file ?? 'inherit', 'inherit'],
  });
  const status = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  if (file !== undefined) closeSync(file);
  if (status !== 0) fail(`the command above ended with ${status}.`);
}

/** @param {string} name */
function readJson(name) {
  return JSON.parse(readFileSync(join(folder, name), 'utf8'));
}

/**
 * @param {{ metrics: Record<string, number> }} reached
 * @param {{ best: Record<string, number> }} sample
 */
function compare({ metrics }, { best }) {
  console.log(`\n  ${''.padEnd(14)}${'reached'.padStart(9)}${'best reachable'.padStart(17)}`);
  for (const [name, value] of Object.entries(best)) {
    console.log(
      `  ${name.padEnd(14)}${metrics[name].toFixed(4).padStart(9)}${value.toFixed(4).padStart(17)}`,
    );
  }
  console.log(`  The best is known, because the labels of ${rows} rows were drawn with known probabilities.`);
}
