import { expect, it } from 'vitest';
import { DataError } from '#core';
import { classReport, formatClassReport } from './class-report.ts';

const items = [
  { path: 'a', label: 0, group: 'r1', fold: 0 },
  { path: 'b', label: 0, group: 'r1', fold: 0 },
  { path: 'c', label: 0, group: 'r2', fold: 2 },
  { path: 'd', label: 1, group: 'r2', fold: 2 },
  { path: 'e', label: 1, group: 'r3', fold: 1 },
];
const classes = ['jay', 'owl'];

it('counts pictures, groups and folds by class', () => {
  const report = classReport({ items, classes });
  expect(report).toEqual({
    classes: [
      { name: 'jay', images: 3, groups: 2, perFold: [2, 0, 1] },
      { name: 'owl', images: 2, groups: 2, perFold: [0, 1, 1] },
    ],
    images: 5,
    groups: 3,
    imbalance: 1.5,
  });
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  expect(formatClassReport(report)).toBe(
    [
      'class  images  groups  fold 0  fold 1  fold 2',
      'jay         3       2       2       0       1',
      'owl         2       2       0       1       1',
      'all         5       3       2       1       2',
      'Largest to smallest class: 1.5.',
    ].join('\n'),
  );
});

it('takes given folds before those of the data, and does without any', () => {
  const given = classReport({ items, classes }, { folds: Uint32Array.of(0, 1, 0, 1, 0) });
  expect(given.classes.map(({ perFold }) => perFold)).toEqual([
    [2, 1],
    [1, 1],
  ]);
  const bare = items.map(({ path, label }) => ({ path, label }));
  const report = classReport({ items: bare, classes: [...classes, 'rook'] });
  expect(report.groups).toBe(5);
  expect(report.classes[2]).toEqual({ name: 'rook', images: 0, groups: 0, perFold: [] });
  expect(report.imbalance).toBeNull();
  expect(formatClassReport(report)).toMatch(/^class {2}images {2}groups\n/);
  expect(formatClassReport(report)).toMatch(/\nA class has no picture\.$/);
  expect(() => classReport({ items, classes }, { folds: [0] })).toThrow(DataError);
  expect(() => classReport({ items, classes }, { folds: [0, 1, 2, 3, 1e9] })).toThrow(/got 1000000000/);
});
