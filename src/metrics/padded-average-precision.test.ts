import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError, Rng, ShapeError } from '#core';
import { labelCounts } from './label-counts.ts';
import { recallScore } from './label-metrics.ts';
import { paddedAveragePrecision } from './padded-average-precision.ts';
import { argmaxRows } from './predict-labels.ts';

it('averages padded precision over all classes, absent ones too', () => {
  // Class 0: 5 of 6 at the padding's recall, then its row is second: 5/6 + 1/6 · 6/7. Class 1: the same. Class 2: 1.
  const scores = [0.4, 0.6, 0, 0.6, 0.4, 0];
  expect(paddedAveragePrecision([0, 1], scores, 3)).toBeCloseTo((2 * (5 / 6 + 1 / 7) + 1) / 3, 12);
});

it('takes a wrong score of one and the padding as one threshold', () => {
  // Class 1: the padding and row 0 share the score 1: precision 5/6 at recall 1.
  expect(paddedAveragePrecision([0], [0, 1], 2)).toBeCloseTo((5 / 6 + 1 / 6 + 5 / 6) / 2, 12);
});

it('is 1 for right rows, and refuses arrays that do not fit', () => {
  expect(paddedAveragePrecision([0, 1], [1, 0, 0, 1], 2)).toBe(1);
  expect(() => paddedAveragePrecision([0], [0.5, 0.5, 0.5], 2)).toThrow(ShapeError);
  expect(() => paddedAveragePrecision([2], [0.5, 0.5], 2)).toThrow(DataError);
  expect(() => paddedAveragePrecision([0], [Number.NaN, 0.5], 2)).toThrow(DataError);
});

const python = '/usr/bin/python3';
const { OPENBLAS_CORETYPE: _, ...env } = process.env;
const hasSklearn = spawnSync(python, ['-c', 'import sklearn.metrics'], { env }).status === 0;

/** Padded cmAP as the bird notebook computes it, and recall over the union of true and predicted classes. */
const script = `
import json, sys, warnings
import numpy as np
from sklearn.metrics import average_precision_score, recall_score
warnings.simplefilter('ignore')
results = []
for case in json.load(sys.stdin):
    k, padding = case['classes'], case['padding']
    scores = np.array(case['scores']).reshape(-1, k)
    truth = np.eye(k)[case['labels']]
    ones = np.ones((padding, k))
    cmap = average_precision_score(np.vstack([truth, ones]), np.vstack([scores, ones]), average='macro')
    results.append([cmap, recall_score(case['labels'], scores.argmax(1), average='macro', zero_division=0)])
json.dump(results, sys.stdout)
`;

interface Case {
  readonly classes: number;
  readonly padding: number;
  readonly labels: readonly number[];
  readonly scores: readonly number[];
}

/** Labels of about two thirds of the classes; scores rounded to `steps` of one, so that many are equal. */
function drawCase(rng: Rng, steps: number): Case {
  const [classes, rows] = [2 + rng.integer(30), 1 + rng.integer(200)];
  const present = Math.max(1, Math.round(classes * 0.65));
  const labels = Array.from({ length: rows }, () => rng.integer(present));
  const scores = labels.flatMap((label) => {
    const row = Array.from({ length: classes }, (_row, k) => rng.uniform() ** 2 + (k === label ? 0.3 : 0));
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((value) => Math.round((value / sum) * steps) / steps);
  });
  return { classes, padding: 5 - rng.integer(3), labels, scores };
}

describe.skipIf(!hasSklearn)('against scikit-learn (needs python3-sklearn)', () => {
  const rng = new Rng(11);
  const cases = [5, 20, 1000, 1e9].flatMap((steps) => Array.from({ length: 10 }, () => drawCase(rng, steps)));
  let expected: readonly (readonly [cmap: number, recall: number])[];
  beforeAll(() => {
    const input = JSON.stringify(cases);
    const options = { env, input, encoding: 'utf8', maxBuffer: 1e8 } as const;
    const { stdout, stderr } = spawnSync(python, ['-c', script], options);
    expect(stderr).toBe('');
    expected = JSON.parse(stdout);
  });

  it('gives the same padded cmAP, with ties and with classes that have no row', () => {
    expect(expected).toHaveLength(cases.length);
    for (const [i, { labels, scores, classes, padding }] of cases.entries())
      expect(paddedAveragePrecision(labels, scores, classes, padding)).toBeCloseTo(expected[i][0], 12);
  });

  it('gives the same macro recall over true and predicted classes', () => {
    for (const [i, { labels, scores, classes }] of cases.entries()) {
      const counts = labelCounts(labels, argmaxRows(scores, classes), classes);
      expect(recallScore(counts, 'macro')).toBeCloseTo(expected[i][1], 12);
    }
    // Otherwise the rule about absent classes would not be put to the test.
    const predictedOnly = cases.filter(({ labels, scores, classes }) =>
      argmaxRows(scores, classes).some((k: number) => !labels.includes(k)),
    );
    expect(predictedOnly.length).toBeGreaterThan(5);
  });
});
