import { describe, expect, it } from 'vitest';
import { Rng } from '#core';
import type { Pixels } from '#data';
import { fromHost, OnnxSession, readOnnxModel } from '#engine';
import { Conv2d, Flatten, GlobalAvgPool2d, Linear, type Module, Sequential } from '#nn';
import { createModel } from '../architectures/index.ts';
import { Compose, imageValid, Normalize, type Pipeline, Resize } from '../augment/index.ts';
import { type ExportClassifierOptions, exportClassifier } from './export-classifier.ts';

const classes = ['a', 'b', 'c', 'd'];

/** Sees where things are: one weight per value of the picture. */
const everyPixel = (height: number, width: number) =>
  new Sequential(new Flatten(), new Linear(3 * height * width, classes.length, { seed: 1 }));

/** Waves of low frequency, as a photograph of something blurred. */
function waves(width: number, height: number, seed: number): Pixels {
  const rng = new Rng(seed);
  const terms = [0, 1, 2].map(() => [1 + 2 * rng.uniform(), 1 + 2 * rng.uniform(), 6 * rng.uniform()]);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const [fx, fy, phase] = terms[i % 3];
    const x = ((pixel % width) + 0.5) / width;
    const y = (Math.floor(pixel / width) + 0.5) / height;
    return Math.round(127 + 100 * Math.sin(2 * Math.PI * (fx * x + fy * y) + phase));
  });
  return { width, height, data };
}

async function run(bytes: Uint8Array, { width, height, data }: Pixels) {
  const session = await OnnxSession.create(bytes, { threads: 1 });
  const outputs = await session.run({ images: { dtype: 'uint8', data, dims: [1, height, width, 3] } });
  await session.release();
  return outputs;
}

/** What training's validation computes: the pipeline, then the network itself. */
async function evaluated(network: Module, pipeline: Pipeline, pixels: Pixels): Promise<Float32Array> {
  const { planes, width, height } = pipeline.applyToPlanes(pixels, { index: 0 });
  const x = fromHost({ dtype: 'float32', shape: [1, 3, height, width], data: planes });
  return (await network.eval().forward(x).softmax().data()) as Float32Array;
}

async function distance(
  network: Module,
  pipeline: Pipeline,
  pixels: Pixels,
  options: Omit<ExportClassifierOptions, 'classes' | 'architecture'>,
): Promise<number> {
  const bytes = exportClassifier(network, { classes, architecture: 'own', ...options });
  const { probabilities } = await run(bytes, pixels);
  const expected = await evaluated(network, pipeline, pixels);
  return Math.max(...Array.from(expected, (p, i) => Math.abs(p - Number(probabilities.data[i]))));
}

const stretched = (height: number, width: number) =>
  Compose([Resize({ height, width, interpolation: 'area' })]);

describe('exportClassifier', () => {
  it('gives what validation gives, exactly, for pictures of the right size', async () => {
    const pixels = waves(24, 16, 0);
    const noisy = { ...pixels, data: pixels.data.map((value, i) => (value + i * 37) % 256) };
    const mean = [0.5, 0.4, 0.3] as const;
    const std = [0.2, 0.3, 0.1] as const;
    const options = { imageSize: [16, 24], resize: 'stretch' } as const;
    const network = everyPixel(16, 24);
    expect(await distance(network, stretched(16, 24), noisy, options)).toBeLessThan(1e-6);
    const normalized = Compose([Normalize({ mean: [...mean], std: [...std] })]);
    expect(await distance(network, normalized, noisy, { ...options, mean, std })).toBeLessThan(1e-6);
  });

  it.each([
    [64, 64],
    [80, 51],
    [33, 96],
    [20, 20],
  ])('stretches %i × %i as validation does', async (width, height) => {
    const options = { imageSize: [32, 32], resize: 'stretch' } as const;
    const found = await distance(everyPixel(32, 32), stretched(32, 32), waves(width, height, 1), options);
    expect(found).toBeLessThan(0.005);
  });

  it.each([
    [37, 37],
    [64, 64],
    [101, 60],
    [48, 90],
    [20, 31],
  ])('crops the middle of %i × %i as validation does', async (width, height) => {
    const options = { imageSize: [32, 32], resize: 'crop' } as const;
    const found = await distance(everyPixel(32, 32), imageValid(32), waves(width, height, 2), options);
    expect(found).toBeLessThan(0.005);
  });

  it('takes the mean of each four pixels, as validation does, where a picture has twice the size', async () => {
    const options = { imageSize: [32, 32], resize: 'stretch' } as const;
    const rng = new Rng(9);
    const data = Uint8Array.from({ length: 64 * 64 * 3 }, () => rng.integer(256));
    const noise = { width: 64, height: 64, data };
    // Validation rounds to whole grey levels.
    expect(await distance(everyPixel(32, 32), stretched(32, 32), noise, options)).toBeLessThan(0.002);
  });

  it('sees the mean of patterns that are too fine for its size', async () => {
    const side = 128;
    // One bright column in four: who looks only at the middle of each four sees none.
    const data = Uint8Array.from({ length: side * side * 3 }, (_, i) =>
      Math.floor(i / 3) % 4 === 0 ? 255 : 0,
    );
    const stripes = { width: side, height: side, data };
    for (const [resize, pipeline] of [
      ['stretch', stretched(32, 32)],
      ['crop', imageValid(32)],
    ] as const) {
      const options = { imageSize: [32, 32], resize } as const;
      expect(await distance(everyPixel(32, 32), pipeline, stripes, options)).toBeLessThan(0.02);
    }
  });

  it('covers a size that is no square before it crops, and enlarges a single pixel', async () => {
    const options = { classes, architecture: 'own', imageSize: [14, 28], resize: 'crop' } as const;
    const bytes = exportClassifier(everyPixel(14, 28), options);
    for (const [width, height] of [
      [1, 1],
      [30, 90],
      [90, 30],
    ]) {
      const { label, probabilities } = await run(bytes, waves(width, height, 3));
      expect([label.dims, probabilities.dims]).toEqual([[1], [1, 4]]);
    }
  });

  it('answers logits, their softmax and the likeliest class of each picture of a batch', async () => {
    const network = new Sequential(new Conv2d(3, 4, 3, { seed: 2 }), new GlobalAvgPool2d(), new Flatten());
    const bytes = exportClassifier(network, {
      classes,
      architecture: 'own',
      imageSize: [16, 16],
      resize: 'stretch',
    });
    const session = await OnnxSession.create(bytes, { threads: 1 });
    const pictures = [4, 5, 6].map((seed) => waves(20, 18, seed));
    const data = Uint8Array.from(pictures.flatMap((picture) => [...picture.data]));
    const { logits, probabilities, label } = await session.run({
      images: { dtype: 'uint8', data, dims: [3, 18, 20, 3] },
    });
    await session.release();
    expect([logits.dtype, probabilities.dtype, label.dtype]).toEqual(['float32', 'float32', 'int64']);
    expect([logits.dims, probabilities.dims, label.dims]).toEqual([[3, 4], [3, 4], [3]]);
    for (let n = 0; n < 3; n++) {
      const row = Array.from({ length: 4 }, (_, k) => Math.exp(Number(logits.data[n * 4 + k])));
      const sum = row.reduce((a, b) => a + b, 0);
      row.forEach((value, k) => {
        expect(Number(probabilities.data[n * 4 + k])).toBeCloseTo(value / sum, 5);
      });
      expect(Number(label.data[n])).toBe(row.indexOf(Math.max(...row)));
    }
  });

  it('takes a real architecture along, with names and metrics in its metadata', async () => {
    const network = createModel('vit_tiny_patch16_224', { numClasses: 4, imageSize: 64, seed: 0 });
    const options = { imageSize: [64, 64], resize: 'stretch' } as const;
    const [one, other] = [7, 8].map((seed) => waves(64, 64, seed));
    expect(await distance(network, stretched(64, 64), one, options)).toBeLessThan(1e-5);
    // Not because it answers the same whatever it sees.
    const answers = await Promise.all(
      [one, other].map((pixels) => evaluated(network, stretched(64, 64), pixels)),
    );
    expect(Math.abs(answers[0][0] - answers[1][0])).toBeGreaterThan(1e-3);
    network.train();
    const bytes = exportClassifier(network, {
      ...options,
      classes,
      architecture: 'vit_tiny_patch16_224',
      metrics: { accuracy: 0.75 },
      sound: { sampleRate: 16_000, windowSeconds: 2 },
      metadata: { author: 'me' },
    });
    expect(network.training).toBe(true);
    expect(readOnnxModel(bytes).metadata).toEqual({
      task: 'image-classification',
      classes: '["a","b","c","d"]',
      metrics: '{"accuracy":0.75}',
      architecture: 'vit_tiny_patch16_224',
      image_size: '[64,64]',
      resize: 'stretch',
      sound: '{"sampleRate":16000,"windowSeconds":2}',
      author: 'me',
    });
  });

  it('refuses classes that do not fit the network or are not told apart', () => {
    const options = { architecture: 'own', imageSize: [8, 8], resize: 'stretch' } as const;
    const network = everyPixel(8, 8);
    expect(() => exportClassifier(network, { ...options, classes: ['a', 'b'] })).toThrow(
      /one logit per class, but gives 4 for 2 classes/,
    );
    expect(() => exportClassifier(network, { ...options, classes: ['a', 'b', 'a', 'c'] })).toThrow(
      /different names/,
    );
    expect(() => exportClassifier(network, { ...options, classes, imageSize: [8, 0.5] })).toThrow(
      /whole pixels, but got 8 × 0.5/,
    );
  });
});
