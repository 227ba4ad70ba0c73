/**
 * Boosting 100 trees × 31 leaves on 1e5 × 28 and 1e6 × 28 floats against XGBoost's `hist` with the same leaves: time of a
 * fit and memory above the loaded data. Both sides read the same file, run in processes of their own, and take turns.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Rng } from '../../dist/core/index.js';

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);
const width = 28;
const threads = 2;
const slowest = 1.3;
const memoryLimit = 250;

/** @returns {Promise<{ rows: object[], notes: string[] }>} */
export async function benchBoosting({ python, sizes = [100_000, 1_000_000], turns = 3 }) {
  const folder = mkdtempSync(join(tmpdir(), 'trainyard-bench-'));
  const rows = [];
  const notes = python.xgboost ? [] : ['XGBoost: absent (apt-get install python3-xgboost)'];
  try {
    for (const size of sizes) {
      const file = join(folder, `${size}.bin`);
      writeData(file, size);
      const ours = [];
      const theirs = [];
      for (let turn = 0; turn < turns; turn++) {
        ours.push(await fit(process.execPath, 'boosting-fit.js', file, size));
        if (python.xgboost) theirs.push(await fit(python.path, 'boosting-contender.py', file, size));
      }
      rows.push(timeRow(size, ours, theirs));
      if (size >= 1_000_000) rows.push(memoryRow(size, ours, theirs));
      notes.push(`boosting ${label(size)}: ${describe('ours', ours)}${describe('; XGBoost', theirs)}`);
      rmSync(file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { rows, notes };
}

/** Column-major float32 features, then float32 labels: twelve of the features matter, not linearly. */
function writeData(file, size) {
  const rng = new Rng(1);
  const values = new Float32Array(size * (width + 1));
  const score = new Float64Array(size);
  for (let j = 0; j < width; j++) {
    const weight = j < 12 ? 1.5 * (1 - j / 14) : 0;
    for (let i = 0; i < size; i++) {
      const x = rng.normal();
      values[j * size + i] = x;
      score[i] += weight * Math.sin(x * (1 + j / 3));
    }
  }
  for (let i = 0; i < size; i++) {
    values[width * size + i] = rng.uniform() < 1 / (1 + Math.exp(-score[i])) ? 1 : 0;
  }
  writeFileSync(file, values);
}

/** @returns {Promise<{ seconds: number, cpuSeconds: number, extraMegabytes: number, loss: number }>} */
async function fit(program, script, file, size) {
  const args = [join(here, script), file, String(size), String(width), String(threads)];
  const { stdout } = await run(program, args, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

const least = (runs, key) => Math.min(...runs.map((one) => one[key]));
const label = (size) => size.toExponential(0).replace('+', '');

function timeRow(size, ours, theirs) {
  const mine = least(ours, 'seconds');
  const their = theirs.length > 0 ? least(theirs, 'seconds') : null;
  return {
    id: `boosting-${label(size)}`,
    what: `boosting 100 trees × 31 leaves, ${label(size)} × ${width}, ${threads} threads`,
    unit: 's',
    ours: mine,
    contender: their === null ? null : 'XGBoost hist',
    theirs: their,
    speedup: their === null ? null : their / mine,
    must: `≤ ${slowest} × its time`,
    // Without the contender nothing was measured.
    pass: their === null ? null : mine <= slowest * their,
  };
}

function memoryRow(size, ours, theirs) {
  const mine = least(ours, 'extraMegabytes');
  const their = theirs.length > 0 ? least(theirs, 'extraMegabytes') : null;
  return {
    id: `boosting-memory-${label(size)}`,
    what: `memory above the loaded data, ${label(size)} × ${width}`,
    unit: 'MB',
    ours: mine,
    contender: their === null ? null : 'XGBoost hist',
    theirs: their,
    speedup: null,
    must: `≤ ${memoryLimit} MB`,
    pass: mine <= memoryLimit,
  };
}

function describe(name, runs) {
  if (runs.length === 0) return '';
  const seconds = runs.map((one) => one.seconds.toFixed(2)).join(' / ');
  const cpu = least(runs, 'cpuSeconds').toFixed(1);
  return `${name} ${seconds} s (${cpu} CPU seconds), training log loss ${runs[0].loss.toFixed(4)}`;
}
