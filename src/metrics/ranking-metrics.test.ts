import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aucScore, averagePrecision, averagePrecisionScore, rocAuc } from './ranking-metrics.ts';

describe('one column', () => {
  test('AUC is the share of ordered pairs, ties a half', () => {
    // Positives .8, .4; negatives .6, .4, .1. Pairs won: .8 beats 3; .4 ties one and beats one: 3 + 1.5 of 6.
    expect(rocAuc([1, 0, 1, 0, 0], [0.8, 0.6, 0.4, 0.4, 0.1])).toBe(0.75);
  });

  test('average precision steps over groups of equal scores', () => {
    // .8: R 1/2, P 1. .6: nothing. .4: R 1, P 2/4. So 1/2·1 + 1/2·1/2.
    expect(averagePrecision([1, 0, 1, 0, 0], [0.8, 0.6, 0.4, 0.4, 0.1])).toBe(0.75);
  });

  test('a weight of 2 is a row twice', () => {
    const twice = [
      [1, 0, 1, 0, 0, 0],
      [0.8, 0.6, 0.4, 0.4, 0.1, 0.6],
    ];
    const weights = [1, 2, 1, 1, 1];
    expect(rocAuc([1, 0, 1, 0, 0], [0.8, 0.6, 0.4, 0.4, 0.1], weights)).toBe(rocAuc(twice[0], twice[1]));
    expect(averagePrecision([1, 0, 1, 0, 0], [0.8, 0.6, 0.4, 0.4, 0.1], weights)).toBe(
      averagePrecision(twice[0], twice[1]),
    );
  });

  test('a constant score has AUC a half and average precision the share of positives', () => {
    expect(rocAuc([1, 0, 0, 0], [0.3, 0.3, 0.3, 0.3])).toBe(0.5);
    expect(averagePrecision([1, 0, 0, 0], [0.3, 0.3, 0.3, 0.3])).toBe(0.25);
  });

  test('is undefined without positives or without negatives', () => {
    expect(rocAuc([1, 1], [0.1, 0.2])).toBeNaN();
    expect(rocAuc([0, 0], [0.1, 0.2])).toBeNaN();
    expect(averagePrecision([0, 0], [0.1, 0.2])).toBeNaN();
    expect(averagePrecision([1, 1], [0.1, 0.2])).toBe(1);
  });

  test('AUC does not change under a rising transform and turns over under a falling one', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: -40, max: 40 })), {
      minLength: 2,
    });
    fc.assert(
      fc.property(rows, (pairs) => {
        const labels = pairs.map(([label]) => label);
        fc.pre(labels.includes(0) && labels.includes(1));
        const scores = pairs.map(([, score]) => score / 8);
        const auc = rocAuc(labels, scores);
        expect(rocAuc(labels, scores.map(Math.exp))).toBe(auc);
        expect(
          rocAuc(
            labels,
            scores.map((score) => -score),
          ),
        ).toBeCloseTo(1 - auc, 12);
      }),
    );
  });

  test('AUC is the brute-force count of pairs', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 6 })), {
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(rows, (pairs) => {
        const positives = pairs.filter(([label]) => label === 1).map(([, score]) => score);
        const negatives = pairs.filter(([label]) => label === 0).map(([, score]) => score);
        fc.pre(positives.length > 0 && negatives.length > 0);
        let won = 0;
        for (const p of positives) for (const n of negatives) won += p > n ? 1 : p === n ? 0.5 : 0;
        expect(
          rocAuc(
            pairs.map(([label]) => label),
            pairs.map(([, score]) => score),
          ),
        ).toBeCloseTo(won / (positives.length * negatives.length), 12);
      }),
    );
  });
});

describe('several classes', () => {
  // Three rows of classes 0, 1, 1; class 2 has none.
  const yTrue = [0, 1, 1];
  const probabilities = [0.6, 0.3, 0.1, 0.5, 0.1, 0.4, 0.2, 0.7, 0.1];

  test('macro and weighted leave out the class without rows', () => {
    // Class 0: .6 beats .5 and .2, AUC 1. Class 1: .7 beats .3, .1 does not: 1/2.
    expect(aucScore(yTrue, probabilities, 3, 'macro')).toBe(0.75);
    expect(aucScore(yTrue, probabilities, 3, 'weighted')).toBeCloseTo((1 + 2 * 0.5) / 3, 14);
    // AP of class 1: .7 → 1/2·1, .3 nothing, .1 → 1/2·2/3: 5/6.
    expect(averagePrecisionScore(yTrue, probabilities, 3, 'macro')).toBeCloseTo((1 + 5 / 6) / 2, 14);
    expect(averagePrecisionScore(yTrue, probabilities, 3, 'weighted')).toBeCloseTo((1 + 2 * (5 / 6)) / 3, 14);
  });

  test('micro takes all nine cells', () => {
    // Positives .6, .1, .7; negatives .3, .1, .5, .4, .2, .1. .6 and .7 win 6 each; .1 ties two: 1. 13 of 18.
    expect(aucScore(yTrue, probabilities, 3, 'micro')).toBeCloseTo(13 / 18, 14);
    // .7: 1/3·1; .6: 1/3·1; .1: 1/3·3/9.
    expect(averagePrecisionScore(yTrue, probabilities, 3, 'micro')).toBeCloseTo((1 + 1 + 1 / 3) / 3, 14);
  });

  test('binary takes the positive class', () => {
    expect(aucScore(yTrue, probabilities, 3, 'binary', { positiveClass: 1 })).toBe(0.5);
    expect(() => aucScore(yTrue, probabilities, 3, 'binary')).toThrow(/positiveClass/);
  });

  test('AUC is undefined where all rows are of one class, micro excepted', () => {
    expect(aucScore([1, 1], [0.2, 0.8, 0.6, 0.4], 2, 'macro')).toBeNaN();
    expect(aucScore([1, 1], [0.2, 0.8, 0.6, 0.4], 2, 'weighted')).toBeNaN();
    // Positives .8, .4; negatives .2, .6: 3 of 4.
    expect(aucScore([1, 1], [0.2, 0.8, 0.6, 0.4], 2, 'micro')).toBe(0.75);
  });

  test('bad probabilities are refused with row and class', () => {
    expect(() => aucScore([0, 1], [0.5, 0.5, Number.NaN, 1], 2, 'macro')).toThrow(
      'aucScore: probabilities must be in [0, 1], but got NaN in row 2, class 0. Check the model that made them.',
    );
    expect(() => aucScore([0, 1], [0.5, 0.5, 0.1], 2, 'macro')).toThrow(/must have 4 entries, but got 3/);
  });
});
