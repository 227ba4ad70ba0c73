import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '#core';
import { encodePng, encodeWav, soundSpectrogram, spectrogramPixels } from '#data';
import { concat, type Tensor } from '#engine';
import { Module } from '#nn';
import { type ClassifiedInput, type ClassifyInputsOptions, classifyInputs } from './classify-inputs.ts';
import { evaluateClassifier } from './evaluate-classifier.ts';
import { type ExportClassifierOptions, exportClassifier } from './export-classifier.ts';
import { ImageClassifier } from './image-classifier.ts';

/** Tells red, green and blue pictures apart. */
class Colours extends Module {
  override forward(x: Tensor): Tensor {
    return x.mean([2, 3]).mul(10);
  }
}

/** Tells whether the upper or the lower half is brighter: of a spectrogram, whether the sound is high or low. */
class Halves extends Module {
  override forward(x: Tensor): Tensor {
    const rows = x.mean([1, 3]);
    const half = (from: number) => rows.slice(1, from, from + 8).mean([1], true);
    return concat([half(0), half(8)], 1).mul(20);
  }
}

const size = { imageSize: [16, 16], resize: 'stretch' } as const;
const sound = { sampleRate: 8000, windowSeconds: 1, overlapSeconds: 0.5, nMels: 32, nFft: 512 } as const;
const load = (network: Module, options: Partial<ExportClassifierOptions> & { classes: string[] }) =>
  ImageClassifier.load(exportClassifier(network, { ...size, architecture: 'own', ...options }), {
    threads: 1,
  });

let folder: string;
let colours: ImageClassifier;
let pitches: ImageClassifier;
const at = (...names: string[]) => join(folder, ...names);

async function write(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

function png(channel: number, width = 9): Uint8Array {
  const data = new Uint8Array(width * 7 * 3);
  for (let i = channel; i < data.length; i += 3) data[i] = 255;
  return encodePng(width, 7, data);
}

/** Tones of the given frequencies, a second each. */
function tones(...frequencies: number[]): Uint8Array {
  const samples = Float32Array.from(
    { length: frequencies.length * 8000 },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * frequencies[Math.floor(i / 8000)] * i) / 8000),
  );
  return encodeWav({ sampleRate: 8000, channels: [samples] });
}

async function classified(
  classifier: ImageClassifier,
  inputs: readonly string[],
  options: ClassifyInputsOptions = {},
): Promise<ClassifiedInput[]> {
  const found: ClassifiedInput[] = [];
  for await (const one of classifyInputs(classifier, inputs, options)) found.push(one);
  return found;
}

const best = (found: readonly ClassifiedInput[]) =>
  found.map(({ path, predictions }) => [path.slice(folder.length + 1), predictions[0].label]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'classify-'));
  colours = await load(new Colours(), { classes: ['red', 'green', 'blue'] });
  pitches = await load(new Halves(), { classes: ['high', 'low'], sound });
  await write(at('colours', 'red', 'a.png'), png(0));
  await write(at('colours', 'red', 'deep', 'b.png'), png(0, 12));
  await write(at('colours', 'blue', 'c.PNG'), png(2));
  await write(at('colours', 'blue', 'wrong.png'), png(1));
  await write(at('colours', 'blue', 'notes.txt'), 'no picture');
  await write(at('colours', '.hidden', 'd.png'), png(1));
  await write(at('broken', 'text.png'), 'no picture');
  await write(at('broken', 'whole.png'), png(1));
  await write(at('sounds', 'high', 'whistle.wav'), tones(3000, 3000));
  await write(at('sounds', 'low', 'hum.wav'), tones(200, 200));
  await write(at('mixed.wav'), tones(3000, 200, 200));
});
afterAll(async () => {
  await colours.release();
  await pitches.release();
  await rm(folder, { recursive: true });
});

describe('classifyInputs', () => {
  it('finds the pictures of folders within folders, in order, and tells the likeliest classes first', async () => {
    const found = await classified(colours, [at('colours'), at('broken', 'whole.png')], { top: 2 });
    expect(best(found)).toEqual([
      ['colours/blue/c.PNG', 'blue'],
      ['colours/blue/wrong.png', 'green'],
      ['colours/red/a.png', 'red'],
      ['colours/red/deep/b.png', 'red'],
      ['broken/whole.png', 'green'],
    ]);
    const [first, second] = found[0].predictions;
    expect(found[0].predictions).toHaveLength(2);
    // Logits 10 and 0, 0.
    expect(first.probability).toBeCloseTo(Math.exp(10) / (Math.exp(10) + 2), 5);
    expect(second).toMatchObject({ label: 'red' });
  });

  it('ends at a broken picture with its name, or leaves it out and tells of it', async () => {
    await expect(classified(colours, [at('broken')])).rejects.toThrow(/broken\/text\.png" is not/);
    const skipped: string[] = [];
    const progress: string[] = [];
    const found = await classified(colours, [at('broken')], {
      onBroken: 'skip',
      onSkip: ({ path }) => skipped.push(path),
      onProgress: (done, total) => progress.push(`${done}/${total}`),
    });
    expect(best(found)).toEqual([['broken/whole.png', 'green']]);
    expect(skipped).toEqual([at('broken', 'text.png')]);
    expect(progress).toEqual(['1/2', '2/2']);
  });

  it('averages the windows of a sound, and tells of each where asked', async () => {
    const [found] = await classified(pitches, [at('mixed.wav')], { windows: true });
    expect(found.predictions[0].label).toBe('low');
    const windows = found.windows ?? [];
    expect(windows.map(({ start }) => start)).toEqual([0, 0.5, 1, 1.5, 2]);
    expect(windows[0].predictions[0].label).toBe('high');
    expect(windows[4].predictions[0].label).toBe('low');
    const low = (predictions: ClassifiedInput['predictions']) =>
      predictions.find(({ label }) => label === 'low')?.probability ?? Number.NaN;
    const mean = windows.reduce((sum, { predictions }) => sum + low(predictions), 0) / 5;
    expect(low(found.predictions)).toBeCloseTo(mean, 5);
    const [plain] = await classified(pitches, [at('mixed.wav')]);
    expect(plain.windows).toBeUndefined();
  });

  it('gives the model of sounds the very pictures that are drawn of them', async () => {
    const samples = Float32Array.from({ length: 8000 }, (_, i) => Math.sin(i * i * 1e-4));
    await write(
      at('sweep.wav'),
      encodeWav({ sampleRate: 8000, channels: [samples] }, { encoding: 'float32' }),
    );
    const { probabilities } = await pitches.predict([spectrogramPixels(soundSpectrogram(samples, sound))]);
    const [found] = await classified(pitches, [at('sweep.wav')]);
    for (const { label, probability } of found.predictions) {
      expect(probability).toBeCloseTo(probabilities[pitches.classes.indexOf(label)], 5);
    }
  });

  it('refuses sounds for a model of pictures, and inputs that are not there', async () => {
    await expect(classified(colours, [at('mixed.wav')])).rejects.toThrow(/not trained on sounds/);
    await expect(classified(colours, [at('sounds')])).rejects.toThrow(/has only 2 sounds/);
    await expect(classified(colours, [at('absent')])).rejects.toThrow(DataError);
    await mkdir(at('empty'));
    await expect(classified(pitches, [at('empty')])).rejects.toThrow(/pictures or sounds, but .* has none/);
  });
});

describe('evaluateClassifier', () => {
  it('judges a folder per class by names', async () => {
    const { judgement, files, paths } = await evaluateClassifier(colours, at('colours'));
    expect(files).toBe(4);
    expect(judgement.metrics.accuracy).toBe(0.75);
    expect(judgement.confusionMatrix).toEqual([
      [2, 0, 0],
      [0, 0, 0],
      [0, 1, 1],
    ]);
    expect(judgement.mistakes.map(({ index }) => paths[index])).toEqual([at('colours', 'blue', 'wrong.png')]);
  });

  it('judges a table by names whatever its numbers are, and one fold of it', async () => {
    const rows = [
      'image_path,label,label_name,fold',
      'colours/red/a.png,1,red,0',
      'colours/blue/c.PNG,0,blue,1',
      'colours/blue/wrong.png,0,blue,1',
    ];
    await write(at('table.csv'), rows.join('\n'));
    const all = await evaluateClassifier(colours, at('table.csv'));
    expect([all.files, all.judgement.metrics.accuracy]).toEqual([3, 2 / 3]);
    const one = await evaluateClassifier(colours, at('table.csv'), { fold: 1 });
    expect([one.files, one.judgement.metrics.accuracy]).toEqual([2, 0.5]);
    await expect(evaluateClassifier(colours, at('table.csv'), { fold: 7 })).rejects.toThrow(
      /it has the folds 0, 1/,
    );
    await write(at('places.csv'), 'image_path,label\ncolours/red/a.png,0\ncolours/blue/c.PNG,2\n');
    const places = await evaluateClassifier(colours, at('places.csv'));
    expect(places.judgement.metrics.accuracy).toBe(1);
  });

  it('averages views of each picture', async () => {
    const plain = await evaluateClassifier(colours, at('colours'));
    const viewed = await evaluateClassifier(colours, at('colours'), { views: 3 });
    expect(viewed.judgement.metrics.accuracy).toBe(0.75);
    // Views hide and darken parts of the picture, so the model is less sure.
    expect(viewed.judgement.metrics.logLoss).not.toBe(plain.judgement.metrics.logLoss);
    const settings = JSON.stringify({ augment: [{ transform: 'HorizontalFlip', p: 1 }] });
    const flipping = await load(new Colours(), {
      classes: [...colours.classes],
      metadata: { settings },
    });
    // A flipped picture of one colour is the same picture.
    const flipped = await evaluateClassifier(flipping, at('colours'), { views: 3 });
    await flipping.release();
    expect(flipped.judgement.metrics.logLoss).toBeCloseTo(plain.judgement.metrics.logLoss, 6);
  });

  it('judges recordings by the mean of their windows', async () => {
    const { judgement, files } = await evaluateClassifier(pitches, at('sounds'));
    expect([files, judgement.metrics.accuracy]).toEqual([2, 1]);
  });

  it('names classes that the model does not know, with the nearest that it does', async () => {
    await write(at('others', 'gren', 'a.png'), png(1));
    await write(at('others', 'red', 'a.png'), png(0));
    await expect(evaluateClassifier(colours, at('others'))).rejects.toThrow(
      /among the 3 of the model, but .*others" has "gren"\. Did you mean "green"\?/,
    );
  });
});
