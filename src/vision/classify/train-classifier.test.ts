import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentOwner } from '#core';
import { decodePixels, writeShapes } from '#data';
import { readSafetensors } from '#train';
import { evaluateClassifier } from './evaluate-classifier.ts';
import { ImageClassifier } from './image-classifier.ts';
import type { TrainClassifierOptions, TrainedClassifier } from './train-classifier.ts';
import { trainClassifier } from './train-classifier.ts';

let folder: string;
let shapes: string;
let runs = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'train-classifier-'));
  shapes = join(folder, 'shapes');
  await writeShapes(shapes, { count: 150, seed: 1, size: 24 });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newRun = () => join(folder, `run-${runs++}`);
const settings = {
  arch: 'resnet8_cifar',
  imageSize: 24,
  epochs: 2,
  batchSize: 16,
  floor: 0,
  dropPathRate: 0,
  learningRate: 3e-3,
} as const;
const base = (): TrainClassifierOptions => ({
  data: join(shapes, 'shapes.csv'),
  settings,
  run: newRun(),
  work: join(folder, 'work'),
  autotune: false,
});
const weightsOf = async ({ weights }: TrainedClassifier) =>
  [...(await readSafetensors(weights as string)).state].map(([name, { data }]) => [
    name,
    Array.from(data as Float32Array, Number),
  ]);

describe('trainClassifier', () => {
  it('learns shapes; the file it writes says what its judgement says', async () => {
    const trained = await trainClassifier({
      ...base(),
      settings: { ...settings, epochs: 15, augment: 'none', labelSmoothing: 0.05, schedule: 'one-cycle' },
    });
    const { judgement, epochs, model, report, run, images, validationRows, trainRows } = trained;
    expect(judgement?.metrics.accuracy).toBeGreaterThan(0.5);
    expect(judgement?.metrics.accuracy).toBeCloseTo(
      epochs[(trained.bestEpoch as number) - 1].metrics['accuracy'],
      1,
    );
    expect(trainRows + validationRows).toBe(images);
    expect(readFileSync(report as string, 'utf8')).toContain('resnet8_cifar');
    expect(JSON.parse(readFileSync(join(run, 'result.json'), 'utf8'))).toMatchObject({ images: 150 });
    const classifier = await ImageClassifier.load(model as string);
    expect(classifier.metrics['accuracy']).toBe(judgement?.metrics.accuracy);
    const star = readdirSync(join(shapes, 'star')).map((name) => join(shapes, 'star', name));
    const pictures = await Promise.all(star.map((path) => decodePixels(path)));
    const { probabilities } = await classifier.predict(pictures);
    expect(probabilities).toHaveLength(star.length * classifier.classes.length);
    await classifier.release();
  }, 60_000);

  it('stopped in the middle of an epoch and resumed, gives bit for bit what it gives without a stop', async () => {
    const options = {
      ...base(),
      settings: { ...settings, ema: 0.9, freeze: ['stem'], unfreezeEvery: 1, sampling: 'balanced' as const },
    };
    const whole = await trainClassifier(options);
    const stop = new AbortController();
    const again = { ...options, run: newRun() };
    const stopped = await trainClassifier({
      ...again,
      signal: stop.signal,
      callbacks: { onBatchEnd: ({ epoch, batch }) => void (epoch === 2 && batch === 3 && stop.abort()) },
    });
    expect(stopped.stopped).toBe('cancelled');
    expect(stopped.epochs).toHaveLength(1);
    expect(stopped.model).not.toBeNull();
    const resumed = await trainClassifier({ ...again, resume: true });
    expect(resumed.epochs.map(({ trainLoss }) => trainLoss)).toEqual(
      whole.epochs.map(({ trainLoss }) => trainLoss),
    );
    expect(await weightsOf(resumed)).toEqual(await weightsOf(whole));
  }, 60_000);

  it('stopped before its first epoch was done, leaves no model and says so', async () => {
    const stop = new AbortController();
    const stopped = await trainClassifier({
      ...base(),
      signal: stop.signal,
      callbacks: { onBatchEnd: () => stop.abort() },
    });
    expect(stopped).toMatchObject({ model: null, judgement: null, stopped: 'cancelled' });
  });

  it.each([
    ['focal', { mixup: 0 }],
    ['focal-cosine', { mixup: 0 }],
    ['soft-cross-entropy', { mixup: 0 }],
    ['bi-tempered', { mixup: 0, augment: 'none' }],
    ['cross-entropy', { classWeights: 'balanced' as const, optimizer: 'sgd' as const, clipNorm: 1 }],
  ] as const)('lowers the loss %s', async (loss, others) => {
    const { epochs } = await trainClassifier({
      ...base(),
      settings: { ...settings, epochs: 3, loss, ...others },
    });
    expect(epochs[2].trainLoss).toBeLessThan(epochs[0].trainLoss);
  });

  it('averages augmented views, keeps epochs, checkpoints stages and starts from its own weights', async () => {
    const first = await trainClassifier({
      ...base(),
      settings: { ...settings, keepEpochs: true, testTimeViews: 2 },
    });
    expect(first.viewMetrics?.accuracy).toBeGreaterThan(0);
    expect(readdirSync(join(first.run, 'checkpoints')).sort()).toEqual([
      'best.safetensors',
      'epoch-0001.safetensors',
      'epoch-0002.safetensors',
      'last.safetensors',
    ]);
    let matched = 0;
    const second = await trainClassifier({
      ...base(),
      settings: {
        ...settings,
        epochs: 1,
        weights: first.weights,
        gradientCheckpointing: true,
        layerDecay: 0.5,
      },
      onReady: ({ weights }) => {
        matched = weights?.matched.length ?? 0;
      },
    });
    expect(matched).toBeGreaterThan(20);
    expect(second.epochs[0].trainLoss).toBeLessThan(first.epochs[0].trainLoss);
  }, 30_000);

  it('deals the same folds again when its model is judged on one of them', async () => {
    const trained = await trainClassifier({ ...base(), data: shapes, settings: { ...settings, fold: 2 } });
    const classifier = await ImageClassifier.load(trained.model as string);
    const { judgement, files } = await evaluateClassifier(classifier, shapes, { fold: 2 });
    expect(files).toBe(trained.validationRows);
    expect(judgement.metrics).toEqual(trained.judgement?.metrics);
    await expect(evaluateClassifier(classifier, shapes, { fold: 7 })).rejects.toThrow('0, 1, 2, 3, 4');
    await classifier.release();
  });

  it('validates on pictures of another source, and never on a recording that it learns from', async () => {
    const other = join(folder, 'other');
    await writeShapes(other, { count: 30, seed: 2, size: 24 });
    const trained = await trainClassifier({
      ...base(),
      validation: other,
      settings: { ...settings, epochs: 1 },
    });
    expect(trained).toMatchObject({ trainRows: 150, validationRows: 30, images: 180 });
  });

  it('refuses a folder that holds a run or that another process works in, and other settings on resuming', async () => {
    const options = { ...base(), settings: { ...settings, epochs: 1 } };
    await trainClassifier(options);
    await expect(trainClassifier(options)).rejects.toThrow('the run folder must be new');
    await expect(
      trainClassifier({ ...options, resume: true, settings: { ...settings, epochs: 1, learningRate: 1 } }),
    ).rejects.toThrow('learningRate changed');
    writeFileSync(join(options.run, 'lock.json'), JSON.stringify(currentOwner()));
    await expect(trainClassifier({ ...options, resume: true })).rejects.toThrow(`process ${process.pid}`);
    // A process that is gone holds nothing.
    writeFileSync(join(options.run, 'lock.json'), JSON.stringify({ ...currentOwner(), startTime: '1' }));
    expect((await trainClassifier({ ...options, resume: true })).epochs).toHaveLength(1);
  });
});
