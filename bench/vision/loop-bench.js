/** The classifier's training loop against PyTorch's bare step, its memory, its loader, and the exported file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DecodedCache, readImageIndex } from '../../dist/data/index.js';
import { OnnxSession } from '../../dist/engine/index.js';
import { exportOnnx } from '../../dist/nn/index.js';
import { createModel, exportClassifier, PictureSource, spectrogramTrain } from '../../dist/vision/index.js';
import { Contender, fastest, race } from '../engine/contender.js';
import { ownRow } from '../report.js';
import { writePictures } from './write-pictures.js';

const here = dirname(fileURLToPath(import.meta.url));
const SIDE = 128;
const BATCH = 32;
/** PyTorch's best settings for this step on two cores; the faster one counts. */
const torchSettings = [
  { OMP_NUM_THREADS: '2', OPENBLAS_NUM_THREADS: '1' },
  { OMP_NUM_THREADS: '2', OPENBLAS_NUM_THREADS: '2', OMP_WAIT_POLICY: 'passive' },
];

/** @returns {Promise<{ rows: import('../report.js').Row[], notes: string[] }>} */
export async function benchLoop() {
  const folder = mkdtempSync(join(tmpdir(), 'vision-bench-'));
  try {
    const table = writePictures(folder, { classes: 264, each: 4, height: SIDE, width: SIDE });
    const loop = await raceLoop(table);
    const loader = await benchLoader(table, folder);
    return { rows: [...loop.rows, loader], notes: loop.notes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function raceLoop(table) {
  const ours = new Contender('trainyard', process.execPath, [join(here, 'loop-contender.js'), table]);
  const torch = torchSettings.map(
    (setting) =>
      new Contender(
        Object.entries(setting)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
        '/usr/bin/python3',
        [join(here, '..', 'engine', 'torch-contender.py'), 'efficientnet'],
        setting,
      ),
  );
  const present = await race([ours, ...torch], { rounds: 4, steps: 4 });
  const rivals = present.filter((each) => torch.includes(each));
  const their = rivals.length === 0 ? undefined : fastest(rivals);
  const rate = (each) => (1000 * BATCH) / each.median;
  const speedup = their === undefined ? null : their.median / ours.median;
  const spread = (each) => each.spread.map((value) => value.toFixed(2)).join(' to ');
  const memory = ours.summary.peakResidentMb;
  return {
    rows: [
      {
        id: 'loop',
        what: 'full training loop (cache, augmentation, MixUp, EfficientNet-B0, batch 32, 128×128)',
        unit: 'images/s',
        ours: rate(ours),
        contender: their === undefined ? 'PyTorch (absent)' : `PyTorch's bare step, ${their.name}`,
        theirs: their === undefined ? null : rate(their),
        speedup,
        must: '≥ 0.9×',
        pass: speedup === null ? null : speedup >= 0.9,
      },
      ownRow({
        id: 'loop-memory',
        what: 'resident memory of the whole process while training that, at its peak',
        unit: 'MB',
        ours: memory,
        must: '≤ 3,072',
        pass: memory <= 3072,
      }),
    ],
    notes: [
      `loop: quartiles over median ${spread(ours)}${their === undefined ? '' : `, PyTorch's ${spread(their)}`}`,
    ],
  };
}

async function benchLoader(table, folder) {
  const { items, classes } = await readImageIndex(table);
  const cache = await DecodedCache.open(
    items.map(({ path }) => path),
    { folder: join(folder, 'cache') },
  );
  const source = new PictureSource({
    cache,
    rows: items.map((_, i) => i),
    labels: items.map(({ label }) => label),
    classes: classes.length,
    pipeline: spectrogramTrain(SIDE, { seed: 1 }),
    batchSize: BATCH,
    shuffle: true,
  });
  const rates = [];
  for (let epoch = 0; epoch < 6; epoch++) {
    const start = performance.now();
    for await (const batch of source.epoch(epoch)) source.recycle(batch);
    rates.push((1000 * source.size) / (performance.now() - start));
  }
  await cache.close();
  // The first epoch compiles.
  const [, ...warm] = rates;
  warm.sort((a, b) => a - b);
  const ours = warm[warm.length >> 1];
  return ownRow({
    id: 'loader',
    what: "loader alone: cache to augmented batches, the notebook's augmentation, 128×128",
    unit: 'images/s',
    ours,
    must: '≥ 1,000',
    pass: ours >= 1000,
  });
}

/** Batch 1, in turns of 25: the exported file with pictures of the network's size and twice that, and the bare network. */
export async function benchExport() {
  const network = createModel('tf_efficientnet_b0', { numClasses: 264, seed: 0 });
  const plain = await OnnxSession.create(
    exportOnnx(network, { inputs: [{ name: 'x', shape: ['N', 3, SIDE, SIDE] }], output: 'logits' }),
  );
  const whole = await OnnxSession.create(
    exportClassifier(network, {
      classes: Array.from({ length: 264 }, (_, k) => `class ${k}`),
      architecture: 'tf_efficientnet_b0',
      imageSize: [SIDE, SIDE],
      resize: 'stretch',
    }),
  );
  const planes = {
    x: { dtype: 'float32', data: new Float32Array(3 * SIDE * SIDE).fill(0.5), dims: [1, 3, SIDE, SIDE] },
  };
  const picture = (side) => ({
    images: { dtype: 'uint8', data: new Uint8Array(3 * side * side).fill(128), dims: [1, side, side, 3] },
  });
  const contenders = [
    [plain, planes],
    [whole, picture(SIDE)],
    [whole, picture(2 * SIDE)],
  ];
  const samples = contenders.map(() => []);
  // Runs of one session follow each other, the first ones uncounted: each session has threads of its own, and those
  // of the session before spin for a while.
  for (let round = 0; round < 12; round++) {
    for (const [i, [session, feeds]] of contenders.entries()) {
      for (let run = 0; run < 25; run++) {
        const start = performance.now();
        await session.run(feeds);
        if (round >= 2 && run >= 5) samples[i].push(performance.now() - start);
      }
    }
  }
  const medians = samples.map((times) => times.sort((a, b) => a - b)[times.length >> 1]);
  await Promise.all([plain.release(), whole.release()]);
  return [1, 2].map(
    (i) =>
      /** @type {import('../report.js').Row} */ ({
        id: `latency-${i * SIDE}`,
        what: `exported EfficientNet-B0, batch 1, picture of ${i * SIDE}×${i * SIDE}: latency`,
        unit: 'ms',
        ours: medians[i],
        contender: 'the plain forward pass',
        theirs: medians[0],
        speedup: medians[0] / medians[i],
        must: '≤ 1.1× theirs',
        pass: medians[i] <= 1.1 * medians[0],
      }),
  );
}
