import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, hostTensor } from '#core';
import {
  ArrayDataset,
  balancedWeights,
  classReport,
  DataLoader,
  DecodedCache,
  ImageFolderDataset,
  type ImageIndex,
  imageFolds,
  readImageIndex,
  resampleClasses,
  type Sample,
  Subset,
  weightedOrder,
  writeShapes,
} from '#data';

const root = mkdtempSync(join(tmpdir(), 'trainyard-sampling-'));
const folder = join(root, 'shapes');
const [length, seed] = [600, 4];
let index: ImageIndex;
let labels: number[];

/** 90 pictures; of the last class, the triangle, only one is left in the index, of the first all 15. */
beforeAll(async () => {
  const { csv } = await writeShapes(folder, { count: 90, seed: 1, size: 16 });
  const all = await readImageIndex(csv);
  const kept = [15, 9, 6, 4, 2, 1];
  index = {
    classes: all.classes,
    items: all.items.filter(({ label }, i) => Math.floor(i / kept.length) < kept[label]),
  };
  labels = index.items.map(({ label }) => label);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function drawn(loader: DataLoader, epoch: number): Promise<number[]> {
  const result: number[] = [];
  for await (const [, own] of loader.epoch(epoch))
    result.push(...Array.from(own.data as BigInt64Array, Number));
  return result;
}

const countsOf = (rows: readonly number[]) =>
  index.classes.map((_, k) => rows.filter((label) => label === k).length);

describe('a weighted order in a data loader', () => {
  it('draws every class about equally often from cached pictures, the same again in the same epoch', async () => {
    const paths = index.items.map(({ path }) => path);
    const cache = await DecodedCache.open(paths, { folder: join(root, 'cache'), smallestSide: 8 });
    const dataset = new ArrayDataset(index.items, async ({ label }, i): Promise<Sample> => {
      const { width, height, data } = await cache.get(i);
      return [
        hostTensor('uint8', data, [height, width, 3]),
        hostTensor('int64', BigInt64Array.of(BigInt(label)), []),
      ];
    });
    const sampler = weightedOrder(balancedWeights(labels), length, seed);
    const loader = new DataLoader(dataset, { batchSize: 50, sampler });
    expect([loader.length, loader.size]).toEqual([12, length]);
    const first = await drawn(loader, 0);
    // 100 of each are expected; four standard deviations of a binomial draw are 37.
    for (const count of countsOf(first)) expect(Math.abs(count - length / 6)).toBeLessThan(37);
    expect(await drawn(loader, 0)).toEqual(first);
    expect(await drawn(loader, 1)).not.toEqual(first);
    await cache.close();
  });

  it('gives worker threads the same samples', async () => {
    const dataset = await ImageFolderDataset.open(folder);
    const weights = balancedWeights(dataset.files.map(([, label]) => label));
    const sampler = weightedOrder(weights, 120, seed);
    const alone = await drawn(new DataLoader(dataset, { batchSize: 32, sampler }), 3);
    const shared = await drawn(new DataLoader(dataset, { batchSize: 32, sampler, workers: 2 }), 3);
    expect(shared).toEqual(alone);
    expect(alone).toHaveLength(120);
  });

  it('never draws samples of weight 0, and refuses weights and lengths that mean nothing', () => {
    const order = weightedOrder([0, 1, 0, 3, 0], 1000, 1).order(0);
    expect(new Set(Array.from(order))).toEqual(new Set([1, 3]));
    const share = Array.from(order).filter((row) => row === 3).length / 1000;
    expect(Math.abs(share - 0.75)).toBeLessThan(0.06);
    for (const weights of [[], [0, 0], [1, -1], [1, Number.NaN], [Number.POSITIVE_INFINITY]])
      expect(() => weightedOrder(weights, 10, 1)).toThrow(ConfigError);
    for (const bad of [0, 2.5, -1]) expect(() => weightedOrder([1], bad, 1)).toThrow(ConfigError);
  });
});

it('fills the training part of a fold to floor and cap, and no picture of another fold gets in', async () => {
  const folds = imageFolds(index.items, 5, seed);
  const report = classReport(index, { folds });
  expect(report.classes.map(({ images }) => images)).toEqual([15, 9, 6, 4, 2, 1]);
  const training = [...labels.keys()].filter((i) => folds[i] !== 0);
  const rows = resampleClasses(
    training.map((i) => labels[i]),
    { cap: 8, floor: 5, seed },
  );
  const dataset = new ArrayDataset(
    index.items,
    ({ label }, i): Sample => [
      hostTensor('int32', Int32Array.of(i), []),
      hostTensor('int64', BigInt64Array.of(BigInt(label)), []),
    ],
  );
  const subset = new Subset(
    dataset,
    Array.from(rows, (row) => training[row]),
  );
  const seen: number[] = [];
  for await (const [own] of new DataLoader(subset, { batchSize: 7, shuffle: true }))
    seen.push(...(own.data as Int32Array));
  expect(seen.filter((i) => folds[i] === 0)).toEqual([]);
  const present = countsOf(training.map((i) => labels[i]));
  expect(countsOf(seen.map((i) => labels[i]))).toEqual(
    present.map((count) => (count === 0 ? 0 : Math.min(8, Math.max(5, count)))),
  );
});
