import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '#core';
import { writeShapes, writeWav } from '#data';
import { writeSafetensors } from '#train';
import { createModel } from '../architectures/index.ts';
import { classifyInputs } from './classify-inputs.ts';
import type { ClassifySettings } from './classify-settings.ts';
import { ImageClassifier } from './image-classifier.ts';
import { parseSettings } from './parse-settings.ts';
import { trainClassifier } from './train-classifier.ts';

let folder: string;
let shapes: string;
let runs = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bad-training-'));
  shapes = join(folder, 'shapes');
  await writeShapes(shapes, { count: 48, seed: 1, size: 16 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const small = { arch: 'resnet8_cifar', imageSize: 16, epochs: 1, batchSize: 8, floor: 0 } as const;
const train = (data: string, settings: Partial<ClassifySettings> = {}) =>
  trainClassifier({
    data,
    run: join(folder, `run-${runs++}`),
    settings: { ...small, ...settings },
    autotune: false,
  });
const table = (name: string, rows: readonly string[]) => {
  const path = join(folder, name);
  writeFileSync(path, ['image_path,label,label_name,group,fold', ...rows, ''].join('\n'));
  return path;
};
/** A folder with one folder per class, each with copies of the first pictures. */
const pictures = (name: string, counts: Readonly<Record<string, number>>) => {
  for (const [label, count] of Object.entries(counts)) {
    mkdirSync(join(folder, name, label), { recursive: true });
    for (let i = 0; i < count; i++) {
      copyFileSync(join(shapes, 'circle', '00000.png'), join(folder, name, label, `${i}.png`));
    }
  }
  return join(folder, name);
};

describe('training on bad data', () => {
  it('refuses an empty folder, one class, and a label outside the range', async () => {
    mkdirSync(join(folder, 'empty'));
    await expect(train(join(folder, 'empty'))).rejects.toThrow(
      'there must be one folder of images per class',
    );
    await expect(train(pictures('one', { cat: 4 }))).rejects.toThrow(/two classes/);
    const circle = join(shapes, 'circle', '00000.png');
    await expect(
      train(table('range.csv', [`${circle},0,a,g,0`, `${circle},1,b,h,1`, `${circle},-1,c,i,1`])),
    ).rejects.toThrow(/labels must be whole numbers/);
  });

  it('trains with a class of one picture, which is then in one fold alone', async () => {
    const trained = await train(pictures('lone', { cat: 10, dog: 10, owl: 1 }));
    expect(trained.classes).toEqual(['cat', 'dog', 'owl']);
    expect(trained.judgement?.perClass).toHaveLength(3);
  });

  it('names missing and broken pictures before training, or leaves them out when told', async () => {
    const rows = Array.from({ length: 8 }, (_, i) => {
      const name = ['circle', 'cross'][i % 2];
      return `${join(shapes, name, `${String(6 * (i >> 1) + (i % 2)).padStart(5, '0')}.png`)},${i % 2},${name},g${i},${i % 4}`;
    });
    writeFileSync(join(folder, 'text.png'), 'no picture');
    const bad = [
      ...rows,
      `${join(folder, 'gone.png')},0,circle,x,1`,
      `${join(folder, 'text.png')},1,cross,y,1`,
    ];
    const path = table('bad.csv', bad);
    await expect(train(path)).rejects.toThrow(/2 of 10 .*gone\.png.*text\.png/);
    const trained = await train(path, { onBroken: 'skip' });
    expect(trained.images).toBe(8);
    expect(trained.broken.map((each) => each.path)).toEqual([
      join(folder, 'gone.png'),
      join(folder, 'text.png'),
    ]);
  });

  it('refuses a fold that is not there', async () => {
    await expect(train(join(shapes, 'shapes.csv'), { fold: 7 })).rejects.toThrow(/fold 7 leaves 48 and 0/);
    await expect(train(shapes, { fold: 5 })).rejects.toThrow('got 5 of 5');
  });

  it('refuses pictures of several sizes where their shape is kept, and takes them with squares', async () => {
    const mixed = pictures('mixed', { cat: 6, dog: 6 });
    await writeShapes(join(folder, 'larger'), { count: 6, seed: 2, size: 20 });
    copyFileSync(join(folder, 'larger', 'circle', '00000.png'), join(mixed, 'cat', 'x.png'));
    await expect(train(mixed, { augment: 'spectrogram-train' })).rejects.toThrow('must have one size');
    expect((await train(mixed)).images).toBe(13);
  });
});

describe('training on bad sounds', () => {
  const tone = (hz: number, seconds: number, sampleRate = 8000) =>
    Float32Array.from(
      { length: seconds * sampleRate },
      (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / sampleRate),
    );

  it('takes 8 kHz and six channels, names a corrupt and an empty sound', async () => {
    const sounds = join(folder, 'sounds');
    const rng = new Rng(1);
    for (const [name, hz] of [
      ['high', 3000],
      ['low', 300],
    ] as const) {
      mkdirSync(join(sounds, name), { recursive: true });
      for (let i = 0; i < 5; i++) {
        const samples = tone(hz * (1 + 0.1 * rng.uniform()), 1);
        const channels = i === 0 ? Array.from({ length: 6 }, () => samples) : [samples];
        await writeWav(join(sounds, name, `${i}.wav`), { sampleRate: 8000, channels });
      }
    }
    const sound = { sampleRate: 8000, windowSeconds: 1, nMels: 16, nFft: 256, hopLength: 500 };
    const trained = await train(sounds, { sound });
    expect(trained).toMatchObject({ classes: ['high', 'low'], images: 10 });
    const classifier = await ImageClassifier.load(trained.model as string);
    expect(classifier.sound).toMatchObject(sound);
    const results = [];
    for await (const result of classifyInputs(classifier, [join(sounds, 'low')], { top: 1 }))
      results.push(result);
    expect(results).toHaveLength(5);
    await classifier.release();
    writeFileSync(join(sounds, 'low', 'broken.wav'), 'RIFFxxxx');
    writeFileSync(join(sounds, 'low', 'empty.wav'), '');
    await expect(train(sounds, { sound })).rejects.toThrow(/broken\.wav/);
    const skipped = await train(sounds, { sound, onBroken: 'skip' });
    expect(skipped.broken).toHaveLength(2);
    expect(skipped.images).toBe(10);
  }, 30_000);
});

describe('bad settings', () => {
  it('finds out before training that the model cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(
      trainClassifier({
        data: shapes,
        run: join(folder, 'unwritten'),
        out: join(folder, 'file', 'x.onnx'),
        settings: small,
      }),
    ).rejects.toThrow(/must be writable.*Write elsewhere/);
    expect(existsSync(join(folder, 'unwritten', 'run.json'))).toBe(false);
  });

  it('refuses weights of another architecture, and a head of another size under strict', async () => {
    const data = join(shapes, 'shapes.csv');
    const other = join(folder, 'other.safetensors');
    await writeSafetensors(other, createModel('mobilenet_v3_small', { numClasses: 6, seed: 0 }).stateDict());
    await expect(train(data, { weights: other })).rejects.toThrow('must hold the weights of resnet8_cifar');
    const fewer = join(folder, 'fewer.safetensors');
    await writeSafetensors(fewer, createModel('resnet8_cifar', { numClasses: 3, seed: 0 }).stateDict());
    await expect(train(data, { weights: fewer, headPolicy: 'strict' })).rejects.toThrow(/6 classes.*has 3/);
    expect((await train(data, { weights: fewer })).classes).toHaveLength(6);
    await expect(train(data, { weights: join(folder, 'none.safetensors') })).rejects.toThrow(
      'none.safetensors',
    );
  }, 20_000);

  it('refuses batches of one with batch normalisation, and drops a lone last picture', async () => {
    const data = join(shapes, 'shapes.csv');
    await expect(train(data, { batchSize: 1 })).rejects.toThrow('needs batches of at least two pictures');
    const { trainRows, epochs } = await train(data, { batchSize: 5, sampling: 'all' });
    expect(trainRows % 5).toBe(1);
    expect(epochs[0].trainLoss).toBeGreaterThan(0);
  }, 20_000);

  it('stops at a loss that is not finite, with the step and the way out', async () => {
    await expect(
      train(join(shapes, 'shapes.csv'), { learningRate: 1e30, epochs: 3, optimizer: 'sgd' }),
    ).rejects.toThrow(/loss must stay finite.*step.*Lower the learning rate/);
  });

  it('names all wrong settings at once, unknown ones with the nearest name', () => {
    expect(() =>
      parseSettings({
        epochs: 0,
        dropRate: 1,
        learningrate: 1,
        loss: 'hinge',
      } as unknown as ClassifySettings),
    ).toThrow(
      /epochs must be a whole number from 1.*dropRate.*did you mean learningRate.*loss must be one of/,
    );
    expect(() => parseSettings({ loss: 'focal', mixup: 1, floor: 600 })).toThrow(
      /floor 600.*loss focal takes one class/,
    );
    expect(() => parseSettings({ arch: 'resnet19' })).toThrow(/Did you mean "resnet18"/);
    expect(() => parseSettings({ unfreezeEvery: 1 })).toThrow('needs frozen stages');
    expect(() => parseSettings({ augment: 'photo' })).toThrow(/augment must be one of auto, none/);
  });

  it('names the stages that may be frozen', async () => {
    await expect(train(join(shapes, 'shapes.csv'), { freeze: ['layer9'] })).rejects.toThrow(
      /some of stem, layer1, layer2, layer3, head.*layer9/,
    );
  });
});
