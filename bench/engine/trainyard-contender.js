/**
 * Our side of the engine's benchmark, with the protocol of torch-contender.py:
 *
 *     node trainyard-contender.js mlp|lenet|resnet18|efficientnet [--threads N] [--steps N] [--serve]
 *
 * Small networks make several steps per call, as `fit` does with them.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Rng } from 'trainyard/core';
import { AdamW, crossEntropy, SGD } from 'trainyard/nn';
import { compile } from 'trainyard/train';
import { createModel } from 'trainyard/vision';
import { LeNet, Perceptron, ResNet18 } from './models.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '2' },
    steps: { type: 'string' },
    serve: { type: 'boolean' },
  },
});
const workloads = {
  mlp: () => ({
    model: new Perceptron(),
    optimizer: new SGD({ learningRate: 0.01, momentum: 0.5 }),
    shape: [64, 1, 28, 28],
    classes: 10,
  }),
  lenet: () => ({
    model: new LeNet(),
    optimizer: new SGD({ learningRate: 0.01, momentum: 0.9 }),
    shape: [64, 1, 28, 28],
    classes: 10,
  }),
  resnet18: () => ({
    model: new ResNet18(),
    optimizer: new SGD({ learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 }),
    shape: [32, 3, 32, 32],
    classes: 10,
  }),
  efficientnet: () => ({
    model: createModel('tf_efficientnet_b0', { numClasses: 264, dropRate: 0.3, dropPathRate: 0.2 }),
    optimizer: new AdamW({ learningRate: 3e-4, weightDecay: 3e-4 }),
    shape: [32, 3, 128, 128],
    classes: 264,
  }),
};
const id = positionals[0];
if (!Object.hasOwn(workloads, id)) {
  console.error(
    `trainyard-contender: workloads are ${Object.keys(workloads).join(', ')}, but got ${id}. Name one.`,
  );
  process.exit(2);
}
const say = (record) => console.log(JSON.stringify(record));
const { model, optimizer, shape, classes } = workloads[id]();
const threads = Number(flags.threads);
const types = [
  { dtype: 'float32', shape },
  { dtype: 'int64', shape: [shape[0]] },
];
// The autotuner's choices come from its cache; the first run on a machine fills it.
await warmTuningCache();
const loaded = process.memoryUsage().rss;
const compiled = compile({ model, loss: crossEntropy, optimizer, threads });
const start = performance.now();
await compiled.prepare(types);
const compileMilliseconds = performance.now() - start;
const perCall = compiled.stepsPerCall(types);
const rng = new Rng(0);
const stackedShape = perCall > 1 ? [perCall, ...shape] : shape;
const rows = perCall * shape[0];
const images = {
  dtype: 'float32',
  shape: stackedShape,
  data: Float32Array.from({ length: stackedShape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
};
const labels = {
  dtype: 'int64',
  shape: stackedShape.slice(0, perCall > 1 ? 2 : 1),
  data: BigInt64Array.from({ length: rows }, () => BigInt(rng.integer(classes))),
};
await time(perCall > 1 ? 3 : 2);
const samples = [];
if (flags.serve) {
  say({ ready: true, id, threads, compileMilliseconds });
  for await (const line of createInterface({ input: process.stdin })) {
    const count = Number(/^run (\d+)$/.exec(line.trim())?.[1]);
    const times = await time(Math.max(1, Math.ceil(count / perCall)));
    samples.push(...times);
    say({ milliseconds: times });
  }
} else samples.push(...(await time(Number(flags.steps ?? 10))));
const sorted = [...samples].sort((a, b) => a - b);
const peak = process.resourceUsage().maxRSS / 1024;
say({
  id,
  threads,
  compileMilliseconds,
  millisecondsMedian: sorted[sorted.length >> 1],
  millisecondsMin: sorted[0],
  parameters: model.parameterCount(),
  peakMemoryMb: peak - loaded / 2 ** 20,
  peakResidentMb: peak,
});

/** Milliseconds per step of `calls` calls. */
async function time(calls) {
  const times = [];
  for (let i = 0; i < calls; i++) {
    const begin = performance.now();
    if (perCall > 1) await compiled.stackedSteps([images, labels]);
    else await compiled.step([images, labels]);
    times.push((performance.now() - begin) / perCall);
  }
  return times;
}

/** Tunes in a process of its own, so that what it used does not count as ours. */
async function warmTuningCache() {
  if (process.env.TRAINYARD_BENCH_WARM) {
    const warm = compile({ model, loss: crossEntropy, optimizer, threads });
    await warm.prepare(types);
    process.exit(0);
  }
  const { spawnSync } = await import('node:child_process');
  const env = { ...process.env, TRAINYARD_BENCH_WARM: '1' };
  spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'ignore' });
}
