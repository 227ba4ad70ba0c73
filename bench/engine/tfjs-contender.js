/**
 * TensorFlow.js's side of the engine's benchmark: the training step of the lecture's perceptron (784-512-256-128-64-10,
 * batch 64, SGD with momentum), with the protocol of torch-contender.py.
 *
 *     node tfjs-contender.js wasm|cpu [--steps N] [--warmup N] [--serve]
 *
 * Its packages are in contenders/: `npm ci --prefix bench/engine/contenders --ignore-scripts`. Without them the script
 * says {"absent": …} and ends with code 3.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { steps: { type: 'string' }, warmup: { type: 'string' }, serve: { type: 'boolean' } },
});
const backend = positionals[0];
if (backend !== 'wasm' && backend !== 'cpu') {
  console.error(`tfjs-contender: backends are wasm and cpu, but got ${backend}. Name one.`);
  process.exit(2);
}
const say = (record) => console.log(JSON.stringify(record));
const home = join(dirname(fileURLToPath(import.meta.url)), 'contenders');
const load = createRequire(join(home, 'package.json'));
const tf = loadTensorflow();
const loaded = process.memoryUsage().rss;
await tf.setBackend(backend);
await tf.ready();

const about = {
  versions: { tfjs: tf.version_core, node: process.versions.node },
  threads: {
    backend,
    simd: await flag('WASM_HAS_SIMD_SUPPORT'),
    multithread: await flag('WASM_HAS_MULTITHREAD_SUPPORT'),
  },
};
const step = createStep();
await time(Number(flags.warmup ?? (backend === 'cpu' ? 1 : 5)));
const samples = [];
if (flags.serve) {
  say({ ready: true, id: `mlp-${backend}`, ...about });
  for await (const line of createInterface({ input: process.stdin })) {
    const count = /^run (\d+)$/.exec(line.trim())?.[1];
    if (count === undefined) {
      say({ error: `serve: lines must be "run N", but got '${line.trim()}'. Close stdin to stop.` });
      continue;
    }
    const times = await time(Number(count));
    samples.push(...times);
    say({ milliseconds: times });
  }
} else samples.push(...(await time(Number(flags.steps ?? (backend === 'cpu' ? 5 : 40)))));
say(summary());

function loadTensorflow() {
  try {
    const whole = load('@tensorflow/tfjs');
    if (backend === 'wasm') {
      const { setWasmPaths } = load('@tensorflow/tfjs-backend-wasm');
      setWasmPaths(`${dirname(load.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
    }
    return whole;
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    say({ absent: 'TensorFlow.js: run npm ci --prefix bench/engine/contenders --ignore-scripts' });
    return process.exit(3);
  }
}

async function flag(name) {
  return backend === 'wasm' ? await tf.env().getAsync(name) : undefined;
}

/** Weights, one fixed batch, and the function that makes one step and waits for its loss. */
function createStep() {
  const sizes = [784, 512, 256, 128, 64, 10];
  const layers = sizes.slice(1).map((outputs, i) => {
    const bound = 1 / Math.sqrt(sizes[i]);
    return {
      weight: tf.variable(tf.randomUniform([sizes[i], outputs], -bound, bound, 'float32', i)),
      bias: tf.variable(tf.randomUniform([outputs], -bound, bound, 'float32', 10 + i)),
    };
  });
  const x = tf.randomNormal([64, 784], 0, 1, 'float32', 1);
  const y = tf.oneHot(
    Array.from({ length: 64 }, (_, i) => (7 * i) % 10),
    10,
  );
  const optimizer = tf.train.momentum(0.01, 0.5);
  const loss = () => {
    const logits = layers.reduce((a, { weight, bias }, i) => {
      const z = tf.add(tf.matMul(a, weight), bias);
      return i < layers.length - 1 ? tf.relu(z) : z;
    }, x);
    return tf.losses.softmaxCrossEntropy(y, logits);
  };
  return async () => {
    const value = optimizer.minimize(loss, true);
    await value.data();
    value.dispose();
  };
}

async function time(count) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await step();
    times.push(performance.now() - start);
  }
  return times;
}

/** Highest resident memory so far, in bytes, where the system tells. */
function peakBytes() {
  try {
    const line = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
    if (line) return Number(line[1]) * 1024;
  } catch {
    // Not Linux: the present size is the best that is known.
  }
  return process.memoryUsage().rss;
}

function summary() {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  const peak = peakBytes();
  return {
    id: `mlp-${backend}`,
    millisecondsMedian: sorted.length === 0 ? null : median,
    millisecondsMin: sorted[0] ?? null,
    stepsPerSecond: sorted.length === 0 ? null : 1000 / median,
    peakMemoryMb: Math.max(0, peak - loaded) / 2 ** 20,
    peakResidentMb: peak / 2 ** 20,
    ...about,
    milliseconds: samples,
  };
}
