import { describe, expect, test } from 'vitest';
import { ConfigError, DataError, ShapeError } from '#core';
import { formatJudgement } from './format-judgement.ts';
import { judgePredictions } from './judge-predictions.ts';

const classes = ['wren', 'tit', 'owl'];

/** Five rows; no owl, but row 3 is taken for one. Predicted: wren, tit, tit, owl, wren. */
const labels = [0, 0, 1, 1, 0];
const probabilities = Float64Array.of(
  ...[0.7, 0.2, 0.1],
  ...[0.2, 0.7, 0.1],
  ...[0.1, 0.8, 0.1],
  ...[0.05, 0.05, 0.9],
  ...[0.5, 0.3, 0.2],
);

describe('judgePredictions, worked by hand', () => {
  const { metrics, perClass, confusionMatrix, mistakes } = judgePredictions({
    labels,
    probabilities,
    classes,
  });

  test('label metrics count a class that is predicted but has no rows', () => {
    expect(metrics.accuracy).toBeCloseTo(3 / 5, 14);
    // Recalls 2/3, 1/2, 0.
    expect(metrics.meanRecall).toBeCloseTo((2 / 3 + 1 / 2) / 3, 14);
    // F1 2·2/(3+2), 2·1/(2+2), 0.
    expect(metrics.macroF1).toBeCloseTo((0.8 + 0.5) / 3, 14);
  });

  test('ranking metrics and the loss', () => {
    // With five rows of ones in front: wren 1; tit (5 + 1 + 7/10) / 7; owl 1.
    expect(metrics.cmAP).toBeCloseTo((1 + 6.7 / 7 + 1) / 3, 14);
    const logs = [0.7, 0.2, 0.8, 0.05, 0.5].map(Math.log);
    expect(metrics.logLoss).toBeCloseTo(-logs.reduce((a, b) => a + b) / 5, 12);
    // Three classes: the top five are all of them.
    expect(metrics.top5Accuracy).toBe(1);
  });

  test('the table per class, average precision null without rows', () => {
    expect(perClass.map(({ name, support }) => [name, support])).toEqual([
      ['wren', 3],
      ['tit', 2],
      ['owl', 0],
    ]);
    expect(perClass.map(({ precision }) => precision)).toEqual([1, 0.5, 0]);
    expect(perClass.map(({ recall }) => recall)).toEqual([2 / 3, 0.5, 0]);
    expect(perClass.map(({ f1 }) => f1)).toEqual([0.8, 0.5, 0]);
    expect(perClass[0].averagePrecision).toBe(1);
    // Positives at ranks 1 and 5: (1 + 2/5) / 2.
    expect(perClass[1].averagePrecision).toBeCloseTo(0.7, 14);
    expect(perClass[2].averagePrecision).toBeNull();
  });

  test('confusion matrix has true classes as rows', () => {
    expect(confusionMatrix).toEqual([
      [2, 1, 0],
      [0, 1, 1],
      [0, 0, 0],
    ]);
  });

  test('mistakes come with the most confident one first', () => {
    expect(mistakes).toEqual([
      { index: 3, actual: 1, predicted: 2, probability: 0.9, actualProbability: 0.05 },
      { index: 1, actual: 0, predicted: 1, probability: 0.7, actualProbability: 0.2 },
    ]);
    expect(judgePredictions({ labels, probabilities, classes, mistakes: 1 }).mistakes).toHaveLength(1);
  });
});

test('top-5 accuracy leaves out a class at rank six', () => {
  const six = ['a', 'b', 'c', 'd', 'e', 'f'];
  const row = [0.3, 0.25, 0.2, 0.12, 0.08, 0.05];
  const judged = judgePredictions({
    labels: [4, 5],
    probabilities: Float32Array.from([...row, ...row]),
    classes: six,
  });
  expect(judged.metrics.top5Accuracy).toBe(0.5);
});

test('the document survives JSON unchanged', () => {
  const judged = judgePredictions({ labels, probabilities, classes });
  expect(JSON.parse(JSON.stringify(judged))).toEqual(judged);
});

test('bad input is told', () => {
  const judge = (input: Partial<Parameters<typeof judgePredictions>[0]>) => () =>
    judgePredictions({ labels, probabilities, classes, ...input });
  expect(judge({ labels: [] })).toThrow(DataError);
  expect(judge({ labels: [0, 1] })).toThrow(ShapeError);
  expect(judge({ labels: [0, 0, 1, 1, 3] })).toThrow(/class indices 0 … 2, but got 3 in row 5/);
  expect(judge({ probabilities: new Float64Array(15).fill(Number.NaN) })).toThrow(DataError);
  expect(judge({ mistakes: -1 })).toThrow(ConfigError);
});

describe('formatJudgement', () => {
  test('prints metrics, classes and confusions', () => {
    expect(formatJudgement(judgePredictions({ labels, probabilities, classes }), classes)).toBe(
      `cmAP (padded)   0.9857
accuracy        0.6000
top-5 accuracy  1.0000
mean recall     0.3889
macro F1        0.4333
log loss        1.1756

class  rows  precision  recall     F1     AP
wren      3      1.000   0.667  0.800  1.000
tit       2      0.500   0.500  0.500  0.700
owl       0      0.000       –      –      –

Most frequent confusions (true → predicted)
  wren → tit: 1
  tit → owl: 1`,
    );
  });

  test('of many classes the twenty of lowest recall are shown and the others counted', () => {
    const many = Array.from({ length: 30 }, (_, k) => `class ${k}`);
    const rows = new Float32Array(900);
    // Every row right but that of class 29.
    for (let k = 0; k < 30; k++) rows[k * 30 + (k === 29 ? 0 : k)] = 1;
    const text = formatJudgement(
      judgePredictions({ labels: many.map((_, k) => k), probabilities: rows, classes: many }),
      many,
    );
    const table = text.split('\n\n')[1].split('\n');
    expect(table[1]).toMatch(/^class 29 /);
    expect(table).toHaveLength(22);
    expect(table[21]).toBe('… and 10 more classes of higher recall or without rows');
    expect(text).toContain('class 29 → class 0: 1');
  });
});
