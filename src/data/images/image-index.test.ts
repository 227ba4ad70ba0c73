import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DataError } from '#core';
import { imageFolds, stratifiedGroupFolds } from './image-folds.ts';
import { readImageIndex } from './image-index.ts';
import { balancedWeights, resampleClasses, weightedOrder } from './resample-classes.ts';

function csv(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'image-index-')), 'train.csv');
  writeFileSync(path, text);
  return path;
}

it('reads labels, names, groups and folds of a CSV, with paths from its folder', async () => {
  const path = csv('image_path,label,label_name,group,fold\na.png,1,owl,r1,0\nb.png,0,jay,r2,1\n');
  const { items, classes } = await readImageIndex(path);
  expect(classes).toEqual(['jay', 'owl']);
  expect(items[0]).toEqual({ path: join(path, '..', 'a.png'), label: 1, group: 'r1', fold: 0 });
  expect([...imageFolds(items, 5, 1)]).toEqual([0, 1]);
});

it('numbers classes by their sorted names when there is no label', async () => {
  const { items } = await readImageIndex(csv('image_path,label_name\na.png,owl\nb.png,jay\n'), {
    root: '/r',
  });
  expect(items).toEqual([
    { path: '/r/a.png', label: 1 },
    { path: '/r/b.png', label: 0 },
  ]);
});

it('refuses one class, labels outside the range, two names of a label, and a table without classes', async () => {
  for (const text of [
    'image_path,label_name\na.png,owl\n',
    'image_path,label\na.png,0\nb.png,1\nc.png,-1\n',
    'image_path,label,label_name\na.png,0,owl\nb.png,0,jay\n',
    'image_path,height\na.png,4\n',
  ])
    await expect(readImageIndex(csv(text))).rejects.toThrow(DataError);
  const two = csv('image_path,label\na.png,0\nb.png,2\n');
  await expect(readImageIndex(two, { classes: ['x', 'y'] })).rejects.toThrow(/from 0 to 1/);
});

it('reads one folder per class and refuses an empty one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'image-index-'));
  await expect(readImageIndex(folder)).rejects.toThrow(DataError);
  for (const name of ['jay', 'owl']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, '1.png'), '');
  }
  expect((await readImageIndex(folder)).items.map(({ label }) => label)).toEqual([0, 1]);
});

it('never lets a group straddle folds, keeps classes even and is the same again', () => {
  const groups = Array.from({ length: 200 }, (_, i) => `g${i >> 2}`);
  const labels = groups.map((_, i) => (i >> 2) % 2);
  const fold = stratifiedGroupFolds(labels, groups, 5, 7);
  expect(new Set(groups.map((group, i) => `${group} ${fold[i]}`)).size).toBe(50);
  for (let f = 0; f < 5; f++)
    expect(labels.filter((label, i) => label === 0 && fold[i] === f)).toHaveLength(20);
  expect(stratifiedGroupFolds(labels, groups, 5, 7)).toEqual(fold);
});

it('cuts large classes without replacement and fills small ones with', () => {
  const labels = [...new Array(30).fill(0), 1, 1];
  const rows = [...resampleClasses(labels, { cap: 10, floor: 5, seed: 1 })];
  const large = rows.filter((row) => labels[row] === 0);
  expect([large.length, new Set(large).size, rows.length]).toEqual([10, 10, 15]);
  expect(rows).toEqual(expect.arrayContaining([30, 31]));
});

it('draws rare classes as often as frequent ones, and other samples in every epoch', () => {
  const labels = [...new Array(99).fill(0), 1];
  const source = weightedOrder(balancedWeights(labels), 2000, 3);
  const rare = [...(source.order(0) as Uint32Array)].filter((row) => row === 99).length;
  expect(Math.abs(rare - 1000)).toBeLessThan(120);
  expect(source.order(0)).toEqual(source.order(0));
  expect(source.order(1)).not.toEqual(source.order(0));
});
