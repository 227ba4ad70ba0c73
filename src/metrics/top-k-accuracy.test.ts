import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { ConfigError, Rng, ShapeError } from '#core';
import { topKAccuracy } from './top-k-accuracy.ts';

it('counts rows whose class is among the k best', () => {
  const scores = [0.5, 0.3, 0.2, 0.5, 0.3, 0.2];
  expect([1, 2, 3].map((k) => topKAccuracy([0, 2], scores, 3, k))).toEqual([0.5, 0.5, 1]);
});

it('puts the lower of two classes of equal score first, as the predicted label does', () => {
  expect([1, 2].map((k) => topKAccuracy([1], [0.5, 0.5], 2, k))).toEqual([0, 1]);
  expect(topKAccuracy([0], [0.5, 0.5], 2, 1)).toBe(1);
});

it('counts every row when k reaches the number of classes', () => {
  expect([2, 7].map((k) => topKAccuracy([0, 1], [0.1, 0.9, 0.9, 0.1], 2, k))).toEqual([1, 1]);
});

it('refuses arrays that do not fit and a k that is no count', () => {
  expect(() => topKAccuracy([0], [0, 1, 2, 3], 3, 1)).toThrow(/row by row/);
  expect(() => topKAccuracy([], [], 3, 1)).toThrow(ShapeError);
  for (const k of [0, 1.5, Number.NaN]) expect(() => topKAccuracy([0], [0, 1, 2], 3, k)).toThrow(ConfigError);
});

const python = '/usr/bin/python3';
const { OPENBLAS_CORETYPE: _, ...env } = process.env;
const hasSklearn = spawnSync(python, ['-c', 'import sklearn.metrics'], { env }).status === 0;

const script = `
import json, sys
import numpy as np
from sklearn.metrics import top_k_accuracy_score
case = json.load(sys.stdin)
scores = np.array(case['scores']).reshape(len(case['labels']), -1)
labels = range(scores.shape[1])
json.dump([top_k_accuracy_score(case['labels'], scores, k=k, labels=labels) for k in (1, 2, 5)], sys.stdout)
`;

it.skipIf(!hasSklearn)('gives what scikit-learn gives for scores that differ (needs python3-sklearn)', () => {
  const rng = new Rng(3);
  const [rows, classes] = [300, 12];
  const labels = Array.from({ length: rows }, () => rng.integer(classes - 2));
  const scores = Array.from({ length: rows * classes }, () => rng.uniform());
  const input = JSON.stringify({ labels, scores });
  const { stdout, stderr } = spawnSync(python, ['-c', script], { env, input, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect([1, 2, 5].map((k) => topKAccuracy(labels, scores, classes, k))).toEqual(JSON.parse(stdout));
});
