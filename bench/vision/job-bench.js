/** Whole jobs of the command line, from data to judged ONNX file: what they reach, and in which time. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodePng, loadMnist } from '../../dist/data/index.js';
import { ownRow } from '../report.js';

const program = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'trainyard.js');

/** @param {string} folder @param {string} line arguments after `trainyard` */
function trainyard(folder, line) {
  const output = execFileSync(process.execPath, [program, ...line.split(' '), '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(output.toString());
}

/** Runs a job in a folder of its own. */
function inFolder(job) {
  const folder = mkdtempSync(join(tmpdir(), 'vision-job-'));
  try {
    return job(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** 40 species that do not exist, learnt from nothing. */
export const benchSongs = () =>
  inFolder((folder) => {
    trainyard(
      folder,
      'audio generate --species 40 --recordings 40 --spectrograms --size 128x128 --out songs',
    );
    const { judgement, totalSeconds } = trainyard(
      folder,
      'classify train songs/spectrograms.csv --arch mobilenet_v3_small --image-size 128 --epochs 20 --batch 32 --floor 0 --learning-rate 3e-3 --schedule one-cycle --out songs.onnx',
    );
    const { cmAP, accuracy } = judgement.metrics;
    return {
      rows: [
        ownRow({ id: 'songs', what: 'generated songs, 40 species, from scratch: padded cmAP of the ONNX file', unit: '', ours: cmAP, must: '≥ 0.90', pass: cmAP >= 0.9 }), // biome-ignore format: a row
        ownRow({ id: 'songs-time', what: 'training of that', unit: 's', ours: totalSeconds, must: '≤ 1,200', pass: totalSeconds <= 1200 }), // biome-ignore format: a row
      ],
      notes: [`songs: accuracy ${accuracy.toFixed(4)} on ${judgement.perClass.length} species`],
    };
  });

const windows = '--sample-rate 16000 --window 2 --n-mels 64 --n-fft 1024 --hop-length 250 --f-min 150';

/** Ten classes of nine or ten recordings: what songs that do not exist are worth for real ones. @param {string} data */
export const benchBirdcalls = (data) =>
  inFolder((folder) => {
    if (!existsSync(join(data, 'birdcalls-10')))
      return { rows: [], notes: [`birdcalls-10 is absent: name its folder with --data`] };
    trainyard(
      folder,
      `audio generate --species 264 --recordings 5 --seconds 2 ${windows} --spectrograms --out songs`,
    );
    const arch = '--arch resnet18 --image-size 64 --batch 32 --schedule one-cycle';
    const first = trainyard(
      folder,
      `classify train songs/spectrograms.csv ${arch} --epochs 8 --floor 0 --learning-rate 1e-3 --out songs.onnx`,
    );
    const shared = `classify train ${join(data, 'birdcalls-10')} ${arch} ${windows} --overlap 1 --padding repeat --floor 24 --fold all --cache cache`;
    const recall = ({ mean }) => mean.meanRecall;
    const list = ({ folds }) =>
      folds.map(({ judgement }) => judgement.metrics.meanRecall.toFixed(3)).join(', ');
    const rows = [];
    const notes = [];
    // What pre-training is worth depends on how long is trained after it.
    for (const epochs of [4, 8]) {
      const run = (name, line) =>
        trainyard(folder, `${shared} --epochs ${epochs} ${line} --out ${name}-${epochs}.onnx`);
      const scratch = run('scratch', '--learning-rate 1e-3');
      const tuned = run('tuned', `--learning-rate 5e-4 --weights ${first.weights}`);
      const gain = recall(tuned) - recall(scratch);
      rows.push({
        id: `birdcalls-${epochs}`,
        what: `birdcalls-10, five folds by recording, ${epochs} epochs: mean recall, pre-trained on generated songs against from scratch`,
        unit: '',
        ours: recall(tuned),
        contender: 'from scratch, same epochs',
        theirs: recall(scratch),
        speedup: null,
        must: 'better by ≥ 0.05',
        pass: gain >= 0.05,
      });
      notes.push(
        `birdcalls, ${epochs} epochs: gain ${gain.toFixed(3)}; folds pre-trained ${list(tuned)}, from scratch ${list(scratch)}`,
      );
    }
    return { rows, notes };
  });

/** MNIST's files as a folder of PNGs per class. @param {string} data */
export async function benchMnist(data) {
  const source = join(data, 'mnist');
  if (!existsSync(source)) return { rows: [], notes: ['mnist is absent: name its folder with --data'] };
  const { train, test } = await loadMnist(source);
  return inFolder((folder) => {
    for (const [name, set] of Object.entries({ train, test })) writeDigits(join(folder, name), set);
    const { judgement, totalSeconds } = trainyard(
      folder,
      'classify train train --valid test --arch resnet8_cifar --image-size 28 --epochs 4 --batch 64 --sampling all --learning-rate 4e-3 --schedule one-cycle --augment none --label-smoothing 0.05 --weight-decay 0.01 --drop-path 0 --drop-out 0 --out mnist.onnx',
    );
    const accuracy = 100 * judgement.metrics.accuracy;
    return {
      rows: [
        ownRow({ id: 'mnist', what: 'MNIST as a folder of pictures, resnet8_cifar: test accuracy of the ONNX file', unit: '%', ours: accuracy, must: '≥ 99.0', pass: accuracy >= 99 }), // biome-ignore format: a row
        ownRow({ id: 'mnist-time', what: 'training of that', unit: 's', ours: totalSeconds, must: '≤ 300', pass: totalSeconds <= 300 }), // biome-ignore format: a row
      ],
      notes: [],
    };
  });
}

function writeDigits(folder, { images, labels }) {
  const [count, height, width] = images.shape;
  const size = height * width;
  for (let k = 0; k < 10; k++) mkdirSync(join(folder, String(k)), { recursive: true });
  for (let i = 0; i < count; i++) {
    const rgb = new Uint8Array(3 * size);
    for (let p = 0; p < size; p++) rgb.fill(images.data[i * size + p], 3 * p, 3 * p + 3);
    writeFileSync(
      join(folder, String(labels.data[i]), `${String(i).padStart(5, '0')}.png`),
      encodePng(width, height, rgb),
    );
  }
}
