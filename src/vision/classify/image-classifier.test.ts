import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '#core';
import type { Pixels } from '#data';
import type { Tensor } from '#engine';
import { exportOnnx, Linear, Module } from '#nn';
import { exportClassifier } from './export-classifier.ts';
import { ImageClassifier } from './image-classifier.ts';

/** Tells red, green and blue pictures apart. */
class Colours extends Module {
  override forward(x: Tensor): Tensor {
    return x.mean([2, 3]).mul(10);
  }
}

const classes = ['red', 'green', 'blue'];

/** One colour, brighter with `level`. */
function plain(width: number, height: number, channel: number, level = 255): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let i = channel; i < data.length; i += 3) data[i] = level;
  return { width, height, data };
}

const bytes = exportClassifier(new Colours(), {
  classes,
  architecture: 'own',
  imageSize: [8, 12],
  resize: 'stretch',
  metrics: { accuracy: 0.5 },
  sound: { sampleRate: 8000 },
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'classifier-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('ImageClassifier', () => {
  it('knows from the file what it is', async () => {
    const path = join(folder, 'model.onnx');
    await writeFile(path, bytes);
    const classifier = await ImageClassifier.load(path, { threads: 1 });
    const { imageSize, architecture, metrics, sound, metadata } = classifier;
    expect({ classes: classifier.classes, imageSize, architecture, metrics, sound }).toEqual({
      classes,
      imageSize: [8, 12],
      architecture: 'own',
      metrics: { accuracy: 0.5 },
      sound: { sampleRate: 8000 },
    });
    expect(metadata['task']).toBe('image-classification');
    await classifier.release();
  });

  it('keeps the order of pictures of many sizes, more than fit one batch', async () => {
    const classifier = await ImageClassifier.load(bytes, { threads: 1 });
    const pictures = Array.from({ length: 71 }, (_, i) => plain(5 + (i % 2) * 9, 7, i % 3, 55 + i * 2));
    const { probabilities } = await classifier.predict(pictures);
    pictures.forEach((_, i) => {
      // Logits are 10 · level / 255 for the colour and 0 for the other two.
      const e = Math.exp((10 * (55 + i * 2)) / 255);
      expect(probabilities[i * 3 + (i % 3)]).toBeCloseTo(e / (e + 2), 5);
    });
    expect((await classifier.predict([])).probabilities).toHaveLength(0);
    await classifier.release();
  });

  it('names a picture whose pixels are not what it states', async () => {
    const classifier = await ImageClassifier.load(bytes, { threads: 1 });
    const broken = { ...plain(4, 4, 0), width: 5 };
    await expect(classifier.predict([plain(4, 4, 0), broken])).rejects.toThrow(/picture 1 has 48 for 4 × 5/);
    await classifier.release();
  });

  it('says what a file is that is no classifier', async () => {
    await expect(ImageClassifier.load(join(folder, 'absent.onnx'))).rejects.toThrow(/there is no such file/);
    await expect(ImageClassifier.load(Buffer.from('text'))).rejects.toThrow(/its bytes are no ONNX model/);
    await expect(ImageClassifier.load(bytes.subarray(0, bytes.length / 2))).rejects.toThrow(DataError);
    const linear = (metadata: Record<string, string>) =>
      exportOnnx(new Linear(2, 2, { seed: 0 }), { inputs: [{ name: 'x', shape: ['N', 2] }], metadata });
    await expect(
      ImageClassifier.load(linear({ 'trainyard.kind': 'tabular', 'trainyard.task': 'regression' })),
    ).rejects.toThrow(/it is a tabular model \(regression\).*Use `trainyard predict`/);
    await expect(ImageClassifier.load(linear({}))).rejects.toThrow(
      /made by "trainyard" whose metadata names no task, with inputs x and outputs output/,
    );
    await expect(ImageClassifier.load(linear({ task: 'image-classification' }))).rejects.toThrow(
      /whose metadata says task "image-classification"/,
    );
  });
});
