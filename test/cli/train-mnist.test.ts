import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawDigits, type LabelledImages, writeIdx } from '#data';
import {
  callTrainyard,
  expectErrorAtOnce,
  runTrainyard,
  startTrainyard,
  temporaryFolder,
} from './run-trainyard.ts';
import { write } from './small-tables.ts';

const folder = temporaryFolder();
const at = (...names: string[]) => join(folder, ...names);
const train = (...args: string[]) => ['train', 'mnist', ...args];
const tests = drawDigits({ count: 500, seed: 11 });

interface Document {
  readonly epochs: readonly {
    readonly epoch: number;
    readonly trainLoss: number;
    readonly testAccuracy: number;
    readonly seconds: number;
  }[];
  readonly testAccuracy: number;
  readonly totalSeconds: number;
  readonly modelPath: string;
  readonly stopped: string;
}

async function trainJson(...args: string[]): Promise<Document> {
  const { code, stdout, stderr } = await runTrainyard(folder, train(...args, '--json'));
  expect(stderr).not.toContain('error:');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Document;
}

/** A folder of MNIST's four files. */
async function writeDigits(name: string, seed: number): Promise<void> {
  mkdirSync(at(name));
  const part = async (prefix: string, { images, labels }: LabelledImages) => {
    await writeIdx(at(name, `${prefix}-images-idx3-ubyte`), images);
    await writeIdx(at(name, `${prefix}-labels-idx1-ubyte`), labels);
  };
  await part('train', drawDigits({ count: 5000, seed }));
  await part('t10k', tests);
}

/** The share of digits that a model file tells right. */
async function classify(model: string): Promise<number> {
  const session = await InferenceSession.create(at(model));
  const { images, labels } = tests;
  const feeds = { image: new Tensor('uint8', images.data as Uint8Array, [...images.shape]) };
  const { label, probabilities } = await session.run(feeds);
  expect(probabilities.dims).toEqual([500, 10]);
  const found = Array.from(label.data as BigInt64Array, Number);
  return found.filter((digit, i) => digit === labels.data[i]).length / found.length;
}

beforeAll(async () => {
  // What is measured while these tests run is not for the user's own folder.
  process.env['TRAINYARD_CACHE'] = at('tuning');
  await writeDigits('digits', 1);
  await writeDigits('others', 2);
});

describe('trainyard train mnist', () => {
  it('trains on drawn digits without data, shows the progress and writes the model', async () => {
    const { code, stdout } = await runTrainyard(folder, train('--epochs', '1', '--out', 'made/drawn.onnx'));
    expect(stdout).toMatch(/^\[1, {3}300\] loss: \d\.\d{3}\nAccuracy on test set: \d+\.\d\d %/);
    expect(stdout).toContain('made/drawn.onnx (2.3 MB): uint8 pixels [N, 28, 28] in');
    expect(code).toBe(0);
    expect(readdirSync(at('made'))).toEqual(['drawn.onnx']);
  });

  it('prints one JSON document, whose accuracy is that of the ONNX file', async () => {
    const result = await trainJson(
      ...['--data', 'digits', '--recipe', 'auto', '--epochs', '3', '--out', 'auto.onnx'],
    );
    expect(result).toEqual({
      epochs: [1, 2, 3].map((epoch) => ({
        epoch,
        trainLoss: expect.any(Number),
        testAccuracy: expect.any(Number),
        seconds: expect.any(Number),
      })),
      testAccuracy: result.epochs[2].testAccuracy,
      totalSeconds: expect.any(Number),
      modelPath: 'auto.onnx',
      stopped: 'completed',
    });
    expect(result.testAccuracy).toBeGreaterThan(0.9);
    expect(result.epochs[2].trainLoss).toBeLessThan(result.epochs[0].trainLoss);
    expect(await classify('auto.onnx')).toBeCloseTo(result.testAccuracy, 2);
  });

  it('learns with the lecture’s recipe, the same with and without --no-autotune and --profile', async () => {
    const args = ['--data', 'digits', '--epochs', '2', '--seed', '3'];
    const [tuned, plain] = await Promise.all([
      runTrainyard(folder, train(...args, '--out', 'tuned.onnx', '--profile')),
      trainJson(...args, '--out', 'plain.onnx', '--no-autotune'),
    ]);
    expect(tuned.code).toBe(0);
    expect(plain.epochs[1].trainLoss).toBeLessThan(plain.epochs[0].trainLoss);
    expect(readFileSync(at('tuned.onnx')).equals(readFileSync(at('plain.onnx')))).toBe(true);
    const [total, ...tables] = tuned.stderr.trim().split('\n');
    expect(total).toMatch(/^\d+\.\d\d ms per step in kernels$/);
    expect(tables.filter((line) => !line.startsWith(' '))).toEqual(['by op', 'by line']);
    expect(tuned.stderr).toMatch(/^ +\d+\.\d{3} ms +\d+ % +\d+ kernels {2}gemm$/m);
    expect(tuned.stderr).toMatch(/ kernels {2}dist\/cli\/mnist-job\.js:\d+$/m);
  });
});

describe('a training that is interrupted', () => {
  const args = ['--data', 'digits', '--recipe', 'auto', '--epochs', '8', '--json'];
  const start = (name: string) =>
    startTrainyard(folder, train(...args, '--out', `${name}.onnx`, '--checkpoints', name));
  const resume = (name: string) =>
    runTrainyard(folder, train(...args, '--out', `${name}.onnx`, '--checkpoints', name, '--resume'));
  const expectWhole = (name: string) =>
    expect(readFileSync(at(`${name}.onnx`)).equals(readFileSync(at('whole.onnx')))).toBe(true);

  beforeAll(async () => {
    expect(await runTrainyard(folder, train(...args, '--out', 'whole.onnx'))).toMatchObject({ code: 0 });
  });

  it('by Ctrl-C ends with 130, and goes on to the very same model', async () => {
    const run = start('stopped');
    await run.waitFor('Accuracy on test set');
    run.kill('SIGINT');
    const { code, stdout, stderr } = await run.finished;
    expect(stderr).toContain('Stopping after this step');
    expect(code).toBe(130);
    const stopped = JSON.parse(stdout) as Document;
    expect(stopped.stopped).toBe('cancelled');
    expect(stopped.epochs.length).toBeLessThan(8);
    expect(existsSync(at('stopped.onnx'))).toBe(true);
    expect(existsSync(at('stopped', 'last.safetensors'))).toBe(true);
    const again = await resume('stopped');
    expect(again.code).toBe(0);
    expect((JSON.parse(again.stdout) as Document).epochs).toHaveLength(8);
    expectWhole('stopped');
  });

  it('by kill -9 goes on to the very same model', async () => {
    const run = start('killed');
    await run.waitFor('Accuracy on test set');
    run.kill('SIGKILL');
    expect((await run.finished).code).toBe('SIGKILL');
    expect(existsSync(at('killed.onnx'))).toBe(false);
    expect(await resume('killed')).toMatchObject({ code: 0 });
    expectWhole('killed');
  });
});

describe('wrong inputs of a training', () => {
  const begun = [
    '--data',
    'digits',
    '--epochs',
    '2',
    '--out',
    'more.onnx',
    '--checkpoints',
    'run',
    '--resume',
  ];
  const fails = async (args: readonly string[], ...words: (string | RegExp)[]) =>
    expectErrorAtOnce(await callTrainyard(folder, train(...args)), ...words);

  beforeAll(async () => {
    const first = ['--data', 'digits', '--epochs', '1', '--out', 'first.onnx', '--checkpoints', 'run'];
    expect(await runTrainyard(folder, train(...first))).toMatchObject({ code: 0 });
  });

  it('an output that cannot be written is refused before the training', async () => {
    mkdirSync(at('taken'));
    write(folder, 'file', 'text');
    await fails(['--out', 'taken'], 'out must be a file, but "taken" is a folder');
    await fails(['--out', 'file/m.onnx'], 'out must be writable, but "file/m.onnx" is not (EEXIST)');
    await fails(['--out', ''], 'out must be a path');
    await fails(['--out', 'm.onnx', '--checkpoints', 'file'], 'checkpoints must be writable');
    if (process.platform !== 'linux') return;
    await fails(['--out', '/dev/null'], 'out must be a file');
    await fails(['--out', '/proc/self/m.onnx'], 'out must be writable');
  });

  it('an output that is there stays as it is until the training is done', async () => {
    write(folder, 'old.onnx', 'old');
    await fails(['--data', 'absent', '--out', 'old.onnx'], 'loadMnist', '"absent"');
    expect(readFileSync(at('old.onnx'), 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('--resume without --checkpoints is refused with the way out', async () => {
    await fails(['--resume'], '--resume must know where the checkpoints are', 'Pass --checkpoints FOLDER');
    expect(existsSync(at('mnist.onnx'))).toBe(false);
  });

  it('a training does not go on with other data, recipe or seed, and says what differs', async () => {
    const [, , ...withoutData] = begun;
    await fails(['--data', 'others', ...withoutData], 'training images (5000 with other contents). ');
    await fails(withoutData, 'training images (5000, now 20000), test images (500, now 4000). ');
    await fails(
      [...begun, '--recipe', 'auto', '--seed', '4'],
      'recipe (lecture, now auto), seed (0, now 4). ',
    );
    expect(existsSync(at('more.onnx'))).toBe(false);
  });

  it('checkpoints without a description of their training go on, and with the same data they do', async () => {
    cpSync(at('run'), at('bare'), { recursive: true });
    rmSync(at('bare', 'run.json'));
    const [whole, bare] = await Promise.all([
      trainJson(...begun),
      trainJson(...begun, '--out', 'bare.onnx', '--checkpoints', 'bare'),
    ]);
    expect([whole, bare].map(({ epochs }) => epochs.length)).toEqual([2, 2]);
    expect(readFileSync(at('bare.onnx')).equals(readFileSync(at('more.onnx')))).toBe(true);
    expect(readFileSync(at('bare', 'run.json'))).toEqual(readFileSync(at('run', 'run.json')));
  });

  it('a new training in a folder of older checkpoints is described anew', async () => {
    mkdirSync(at('reused'));
    for (const name of readdirSync(at('run'))) copyFileSync(at('run', name), at('reused', name));
    const other = ['--data', 'others', '--epochs', '1', '--out', 'reused.onnx', '--checkpoints', 'reused'];
    await trainJson(...other);
    await trainJson(...other, '--resume');
    await fails([...other, '--data', 'digits', '--resume'], 'training images (5000 with other contents)');
  });

  it('the number of epochs stays where the learning rates depend on it', async () => {
    const auto = ['--data', 'digits', '--recipe', 'auto', '--out', 'auto.onnx', '--checkpoints', 'auto'];
    await trainJson(...auto, '--epochs', '1');
    await fails([...auto, '--epochs', '2', '--resume'], 'changed: epochs (1, now 2). ');
  });
});
