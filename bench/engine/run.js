/**
 * `npm run bench:engine [-- --json FILE] [--only mlp,lenet,…] [--data DIR]`: the engine against PyTorch on the CPU and
 * TensorFlow.js. Contenders run in turns in one process tree; each has its best thread setting, found here.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { version } from '../../dist/core/index.js';
import { report } from '../report.js';
import { Contender, fastest, race, withoutBlasSettings } from './contender.js';

const here = dirname(fileURLToPath(import.meta.url));
const python = '/usr/bin/python3';
const defaultData = process.env.TRAINYARD_DATA ?? join(here, '..', '..', '..', 'shared', 'data');
const { values: flags } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    data: { type: 'string', default: join(defaultData, 'mnist') },
  },
});

const label = (setting) =>
  Object.entries(setting)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

const seconds = (runs) => runs.map((run) => run.seconds);
const rows = [];
const notes = [];
const versions = { trainyard: version, node: process.versions.node };
findTorch();
/** What makes OpenBLAS use kernels that fit: an old one takes a processor it does not know for one of twenty years ago. */
const blasCore = versions.torch === undefined ? {} : findBlasCore();
/** Thread settings among which PyTorch has its best one, by workload. */
const torchSettings = [
  { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '2' },
  { OMP_NUM_THREADS: '2', OPENBLAS_NUM_THREADS: '1', OMP_WAIT_POLICY: 'passive' },
  { OMP_NUM_THREADS: '2', OPENBLAS_NUM_THREADS: '2', OMP_WAIT_POLICY: 'passive' },
  { OMP_NUM_THREADS: '2', OPENBLAS_NUM_THREADS: '1' },
].map((setting) => ({ ...setting, ...blasCore }));

/** Adds a row; `must` is a factor for speeds. */
function add({ id, what, unit, ours, contender = null, theirs = null, speedup = null, must, pass }) {
  rows.push({ id, what, unit, ours, contender, theirs, speedup, must, pass });
}

const steps = [
  ['mlp', 'MLP 784-512-256-128-64-10, batch 64, training step', 1.2, { rounds: 6, steps: 500 }, [1, 2]],
  ['lenet', 'LeNet-like CNN, batch 64, training step', 1, { rounds: 6, steps: 400 }, [1, 2]],
  ['resnet18', 'ResNet-18 (CIFAR form), batch 32, training step', 0.9, { rounds: 5, steps: 4 }, [2]],
  ['efficientnet', 'EfficientNet-B0, batch 32, 128×128, training step', 0.9, { rounds: 4, steps: 1 }, [2]],
];

const parts = {
  ...Object.fromEntries(steps.map(([id, ...rest]) => [id, () => benchStep(id, ...rest)])),
  tfjs: benchTensorflow,
  mnist: benchMnist,
};
const chosen = flags.only?.split(',') ?? Object.keys(parts);
for (const name of chosen) {
  if (parts[name] === undefined) {
    console.error(`bench: parts are ${Object.keys(parts).join(', ')}, but got ${name}.`);
    process.exit(2);
  }
  console.error(`bench: ${name} …`);
  await parts[name]();
}
process.exit(report({ rows, notes, versions, json: flags.json }));

function ourContenders(id, threads) {
  return threads.map(
    (count) =>
      new Contender(`trainyard, ${count} thread${count > 1 ? 's' : ''}`, process.execPath, [
        join(here, 'trainyard-contender.js'),
        id,
        '--threads',
        String(count),
      ]),
  );
}

async function benchStep(id, what, must, how, threads) {
  const torch = torchSettings.map(
    (setting) => new Contender(label(setting), python, [join(here, 'torch-contender.py'), id], setting),
  );
  // A short race finds PyTorch's best settings; the two best of it run in turns with ours.
  const scouts =
    versions.torch === undefined ? [] : await race(torch, { rounds: 1, steps: Math.max(2, how.steps / 4) });
  const best = scouts.sort((a, b) => a.median - b.median).slice(0, 2);
  const again = best.map(
    ({ name }) =>
      new Contender(
        name,
        python,
        [join(here, 'torch-contender.py'), id],
        torchSettings.find((setting) => label(setting) === name),
      ),
  );
  const ours = ourContenders(id, threads);
  const present = await race([...ours, ...again], how);
  const our = fastest(present.filter((each) => ours.includes(each)));
  const rivals = present.filter((each) => again.includes(each));
  const their = rivals.length === 0 ? undefined : fastest(rivals);
  const speedup = their === undefined ? null : their.median / our.median;
  const unit = id === 'mlp' ? 'steps/s' : 'ms';
  const show = (ms) => (unit === 'ms' ? ms : 1000 / ms);
  add({
    id,
    what,
    unit,
    ours: show(our.median),
    contender: their === undefined ? 'PyTorch (absent)' : `PyTorch, ${their.name}`,
    theirs: their === undefined ? null : show(their.median),
    speedup,
    must: `≥ ${must}×`,
    pass: speedup === null ? null : speedup >= must,
  });
  const spread = (each) => each.spread.map((value) => value.toFixed(2)).join(' to ');
  notes.push(
    `${id}: ours with ${our.name}; quartiles over median ${spread(our)}${their ? `, PyTorch's ${spread(their)}` : ''}`,
  );
  if (id === 'efficientnet') addEfficientNetRows(our, their);
}

function addEfficientNetRows(our, their) {
  const memory = [our.summary.peakMemoryMb, their?.summary.peakMemoryMb ?? null];
  add({
    id: 'efficientnet-memory',
    what: 'peak memory of that step, above what the loaded process has',
    unit: 'MB',
    ours: memory[0],
    contender: their === undefined ? 'PyTorch (absent)' : 'PyTorch',
    theirs: memory[1],
    speedup: memory[1] === null ? null : memory[1] / memory[0],
    must: '≤ 1.2× theirs',
    pass: memory[1] === null ? null : memory[0] <= 1.2 * memory[1],
  });
  const seconds = our.hello.compileMilliseconds / 1000;
  add({
    id: 'efficientnet-compile',
    what: 'tracing, differentiation, emission and session of that step (lowerings chosen before)',
    unit: 's',
    ours: seconds,
    must: '≤ 8 s',
    pass: seconds <= 8,
  });
}

async function benchTensorflow() {
  installTensorflow();
  for (const [backend, must, how] of [
    ['wasm', 25, { rounds: 3, steps: 8 }],
    ['cpu', 100, { rounds: 2, steps: 2 }],
  ]) {
    const theirs = new Contender(`TensorFlow.js, ${backend}`, process.execPath, [
      join(here, 'tfjs-contender.js'),
      backend,
    ]);
    const ours = ourContenders('mlp', [1, 2]);
    const present = await race([...ours, theirs], how);
    const our = fastest(present.filter((each) => ours.includes(each)));
    const there = present.includes(theirs);
    const speedup = there ? theirs.median / our.median : null;
    add({
      id: `mlp-tfjs-${backend}`,
      what: `the MLP step against TensorFlow.js, ${backend} backend`,
      unit: 'steps/s',
      ours: 1000 / our.median,
      contender: there ? theirs.name : `${theirs.name} (absent)`,
      theirs: there ? 1000 / theirs.median : null,
      speedup,
      must: `≥ ${must}×`,
      pass: speedup === null ? null : speedup >= must,
    });
    if (there) versions.tfjs ??= theirs.hello.versions?.tfjs;
  }
}

function installTensorflow() {
  if (existsSync(join(here, 'contenders', 'node_modules'))) return;
  spawnSync('npm', ['ci', '--prefix', join(here, 'contenders'), '--ignore-scripts'], { stdio: 'ignore' });
}

/** The lecture's job three times each in turns, then our own recipe. */
function benchMnist() {
  if (!existsSync(flags.data)) {
    notes.push(`mnist: no data in ${flags.data}; name its folder with --data`);
    return;
  }
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const ours = [];
  const auto = [];
  const theirs = new Map();
  const settings = versions.torch === undefined ? [] : torchSettings.slice(0, 2);
  for (const seed of [0, 1, 2]) {
    ours.push(ourJob('lecture', seed));
    for (const setting of settings) {
      const runs = theirs.get(label(setting)) ?? [];
      theirs.set(label(setting), [...runs, torchJob(setting, seed)]);
    }
    auto.push(ourJob('auto', seed));
  }
  const best = [...theirs].sort((a, b) => median(seconds(a[1])) - median(seconds(b[1])))[0];
  const contender = best === undefined ? 'PyTorch (absent)' : `PyTorch, ${best[0]}`;
  const accuracy = mean(ours.map((run) => run.accuracy)) * 100;
  const autoAccuracy = mean(auto.map((run) => run.accuracy)) * 100;
  const theirAccuracy = best === undefined ? null : mean(best[1].map((run) => run.accuracy)) * 100;
  const what = "MNIST, the lecture's job";
  add({ id: 'mnist-accuracy', what: `${what}: test accuracy, mean of 3 seeds`, unit: '%', ours: accuracy, contender, theirs: theirAccuracy, must: '≥ 97.3 %', pass: accuracy >= 97.3 }); // biome-ignore format: a row
  const [our, their] = [median(seconds(ours)), best === undefined ? null : median(seconds(best[1]))];
  const speedup = their === null ? null : their / our;
  add({ id: 'mnist-time', what: `${what}: wall time of training and tests, data in memory`, unit: 's', ours: our, contender, theirs: their, speedup, must: '≥ 1.2×', pass: speedup === null ? null : speedup >= 1.2 }); // biome-ignore format: a row
  add({ id: 'mnist-auto', what: 'MNIST, our recipe for the same network and epochs: test accuracy', unit: '%', ours: autoAccuracy, must: '≥ 98.3 %', pass: autoAccuracy >= 98.3 }); // biome-ignore format: a row
  const list = (runs) =>
    runs.map((run) => `${(run.accuracy * 100).toFixed(2)} % in ${run.seconds.toFixed(1)} s`).join(', ');
  notes.push(
    `mnist: ours ${list(ours)}; auto ${list(auto)}${best === undefined ? '' : `; PyTorch ${list(best[1])}`}`,
  );
}

function ourJob(recipe, seed) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const args = [join(here, '..', '..', 'bin', 'trainyard.js'), 'train', 'mnist', '--data', flags.data, '--recipe', recipe, '--seed', String(seed), '--out', join(folder, 'mnist.onnx'), '--json']; // biome-ignore format: one command
  const result = JSON.parse(
    execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString(),
  );
  return { accuracy: result.testAccuracy, seconds: result.totalSeconds };
}

function torchJob(setting, seed) {
  const args = [join(here, 'torch-contender.py'), 'mnist-job', '--data', flags.data, '--seed', String(seed)];
  const output = execFileSync(python, args, {
    env: { ...withoutBlasSettings(), ...setting },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const result = JSON.parse(output.toString().trim().split('\n').at(-1));
  return { accuracy: result.testAccuracy ?? result.accuracy, seconds: result.totalSeconds ?? result.seconds };
}

/** The kernels that multiply matrices fastest; what OpenBLAS chooses by itself unless another is a tenth faster. */
function findBlasCore() {
  const speed = (setting) => {
    const env = { ...withoutBlasSettings(), OPENBLAS_NUM_THREADS: '1', ...setting };
    const args = [join(here, 'torch-contender.py'), 'blas-speed'];
    const output = execFileSync(python, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    return { setting, gflops: JSON.parse(output.toString()).gflops };
  };
  const own = speed({});
  const others = ['SKYLAKEX', 'HASWELL', 'ZEN'].map((core) => speed({ OPENBLAS_CORETYPE: core }));
  const best = others.reduce((a, b) => (b.gflops > a.gflops ? b : a));
  if (best.gflops <= 1.1 * own.gflops) return {};
  notes.push(
    `PyTorch has OPENBLAS_CORETYPE=${best.setting.OPENBLAS_CORETYPE}: ${best.gflops.toFixed(0)} GFLOP/s per core, ${own.gflops.toFixed(0)} with what OpenBLAS chooses for this processor`,
  );
  return best.setting;
}

function findTorch() {
  try {
    const script = 'import torch; print(torch.__version__)';
    versions.torch = execFileSync(python, ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    notes.push("PyTorch is absent: apt-get install python3-torch libopenblas0-pthread (Debian's python3)");
  }
}
