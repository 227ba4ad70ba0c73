import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { DataError } from '#core';
import { numberColumn, stringColumn, Table } from '../table.ts';
import { checkImages } from './check-images.ts';
import { imageFolds, stratifiedGroupFolds } from './image-folds.ts';
import { readImageIndex } from './image-index.ts';
import { balancedWeights, resampleClasses, weightedOrder } from './resample-classes.ts';

function csv(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'image-index-')), 'train.csv');
  writeFileSync(path, text);
  return path;
}

async function writePicture(path: string): Promise<void> {
  await sharp({ create: { width: 2, height: 2, channels: 3, background: '#ff0000' } }).toFile(path);
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

it('takes a table of the workspace, with paths from the current folder or from root', async () => {
  const table = new Table([
    stringColumn('image_path', ['a.png', '/x/b.png']),
    numberColumn('label', [1, 0]),
    stringColumn('group', ['r1', null]),
    numberColumn('fold', [2, Number.NaN]),
  ]);
  expect(await readImageIndex(table)).toEqual({
    items: [
      { path: join(process.cwd(), 'a.png'), label: 1, group: 'r1', fold: 2 },
      { path: '/x/b.png', label: 0 },
    ],
    classes: ['0', '1'],
  });
  const { items } = await readImageIndex(table, { root: '/r', classes: ['jay', 'owl'] });
  expect(items[0].path).toBe('/r/a.png');
});

it('keeps names as they are written, also where they look like numbers or dates', async () => {
  const names = async (...called: string[]) => {
    const rows = called.map((name, i) => `${i}.png,${name},00${i}\n`).join('');
    const { items, classes } = await readImageIndex(csv(`image_path,label_name,group\n${rows}`));
    expect(items.map(({ label }) => classes[label])).toEqual(called);
    expect(items.map(({ group }) => group)).toEqual(called.map((_, i) => `00${i}`));
    return classes;
  };
  expect(await names('007', '010', '7')).toEqual(['007', '010', '7']);
  expect(await names('1.0', '2', '1e3')).toEqual(['1.0', '1e3', '2']);
  expect(await names('2024-01-02', '2024-01-01')).toEqual(['2024-01-01', '2024-01-02']);
});

it('reads the table of the notebook, written on Windows', async () => {
  const path = csv(
    [
      'Unnamed: 0,image_path,label,label_name,group,fold',
      '0,Data/train_img\\abethr1\\XC128013._0.png,0,abethr1,XC128013.,1.0',
      '1,Data/train_img\\abhori1\\XC120250._0.png,1,abhori1,XC120250.,0.0',
      '2,odd\\name.png,1,abhori1,XC120251.,0.0',
    ].join('\n'),
  );
  const folder = join(path, '..');
  // Where a file is called so, `\` is part of its name; on Windows it cannot be.
  if (process.platform !== 'win32') writeFileSync(join(folder, 'odd\\name.png'), '');
  const { items, classes } = await readImageIndex(path);
  expect(classes).toEqual(['abethr1', 'abhori1']);
  expect(items[0]).toEqual({
    path: join(folder, 'Data', 'train_img', 'abethr1', 'XC128013._0.png'),
    label: 0,
    group: 'XC128013.',
    fold: 1,
  });
  expect(items[2].path).toBe(join(folder, 'odd\\name.png'));
});

it('leaves rows whose file is missing to checkImages', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'image-index-'));
  await writePicture(join(folder, 'a.png'));
  const path = join(folder, 'train.csv');
  writeFileSync(path, 'image_path,label_name\na.png,owl\ngone.png,jay\n');
  const { items } = await readImageIndex(path);
  await expect(checkImages(items)).rejects.toThrow(/1 of 2 are not .*gone\.png/);
  const kept = await checkImages(items, { onBroken: 'skip' });
  expect(kept.items).toEqual([items[0]]);
  expect(kept.broken).toEqual([{ path: items[1].path, reason: expect.stringContaining('ENOENT') }]);
});

it('takes a class with one picture, and gives it one fold', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => `${i}.png,${i === 7 ? 'owl' : 'jay'}\n`);
  const { items, classes } = await readImageIndex(csv(`image_path,label_name\n${rows.join('')}`));
  expect(classes).toEqual(['jay', 'owl']);
  const folds = imageFolds(items, 5, 1);
  for (let f = 0; f < 5; f++) expect(folds.filter((fold) => fold === f)).toHaveLength(4);
});

it('says what is wrong with a folder of no class, one class, or a class without pictures', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'image-index-'));
  await expect(readImageIndex(folder)).rejects.toThrow(/has no folder/);
  mkdirSync(join(folder, 'jay'));
  await expect(readImageIndex(folder)).rejects.toThrow(/has no image in jay/);
  writeFileSync(join(folder, 'jay', '1.png'), '');
  await expect(readImageIndex(folder)).rejects.toThrow(/at least two classes.* has 1 of 1/);
  await expect(readImageIndex(join(folder, 'gone'))).rejects.toThrow(DataError);
});

it('says where a label is no class', async () => {
  const index = (rows: string, classes?: string[]) =>
    readImageIndex(csv(`image_path,label\n${rows}`), classes === undefined ? {} : { classes });
  await expect(index('a.png,owl\nb.png,jay\n')).rejects.toThrow(/row 1 has owl.*label_name/);
  await expect(index('a.png,0\nb.png,1\nc.png,1.5\n')).rejects.toThrow(/row 3 has 1\.5/);
  await expect(index('a.png,0\nb.png,264\n', ['x', 'y'])).rejects.toThrow(/from 0 to 1, but .* has 264/);
  // Not a list of a billion classes.
  await expect(index('a.png,0\nb.png,1000000000\n')).rejects.toThrow(/has 1000000000/);
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
