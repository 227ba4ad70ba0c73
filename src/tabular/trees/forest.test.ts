import { describe, expect, it } from 'vitest';
import { CancelledError, ConfigError, Deadline, Rng, silentLogger } from '#core';
import { FeatureMatrix } from '../features/matrix.ts';
import type { TrainingData } from '../learners/learner.ts';
import { decisionTree } from './decision-tree.ts';
import { extraTrees } from './extra-trees.ts';
import { randomForest } from './random-forest.ts';
import type { TreeModel } from './tree-model.ts';

const context = { seed: 3, threads: 1, deadline: Deadline.none, logger: silentLogger };
const forests = [randomForest, extraTrees];

function problem(rows: number, classes: number, seed = 1): TrainingData {
  const rng = new Rng(seed);
  const values = Float32Array.from({ length: rows * 4 }, () =>
    rng.uniform() < 0.05 ? Number.NaN : rng.normal(),
  );
  const X = FeatureMatrix.fromRowMajor(values, 4);
  const y = Float64Array.from({ length: rows }, (_, i) => {
    const z = 1.5 * (values[4 * i] || 0) + (values[4 * i + 1] || 2);
    if (classes === 0) return 100 + 10 * z + rng.normal();
    return Math.min(classes - 1, Math.max(0, Math.floor(z + classes / 2)));
  });
  return { X, y, classes };
}

function accuracy(p: Float64Array, y: Float64Array, classes: number): number {
  let right = 0;
  for (let i = 0; i < y.length; i++) {
    const row = p.subarray(i * classes, (i + 1) * classes);
    if (row[y[i]] === Math.max(...row)) right++;
  }
  return right / y.length;
}

describe('DecisionTree', () => {
  it('grows the classification tree one works out by hand', async () => {
    // x: 1 2 3 4 5 6, y: 0 0 1 1 0 1. Gini decreases are largest for the cut between 2 and 3 (½·… − leaves 2/0 | 1/3),
    // then 4|5 is pure on the left: 1 1 | 0 1, then 5|6.
    const X = FeatureMatrix.fromRowMajor([1, 2, 3, 4, 5, 6], 1);
    const model = (await decisionTree.fit(
      { X, y: Float64Array.of(0, 0, 1, 1, 0, 1), classes: 2 },
      {},
      context,
    )) as TreeModel;
    const { feature, threshold } = model.ensemble;
    expect([...threshold].filter((_, node) => feature[node] >= 0)).toEqual([2.5, 4.5, 5.5]);
    expect([...model.predict(X)]).toEqual([1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1]);
  });

  it('finds the same best first split as an exhaustive search of the Gini impurity', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const rng = new Rng(seed);
      const n = 60;
      const classes = 2 + (seed % 3);
      const X = FeatureMatrix.fromRowMajor(
        Array.from({ length: n * 3 }, () => rng.integer(12)),
        3,
      );
      const y = Float64Array.from({ length: n }, (_, i) =>
        Math.min(classes - 1, Math.floor((X.dense(1)[i] + 6 * rng.uniform()) / 5)),
      );
      const impurity = (rows: number[]) => {
        const shares = Array.from(
          { length: classes },
          (_, k) => rows.filter((i) => y[i] === k).length / rows.length,
        );
        return (rows.length / n) * (1 - shares.reduce((sum, share) => sum + share * share, 0));
      };
      const all = [...y.keys()];
      let least = Number.POSITIVE_INFINITY;
      for (let j = 0; j < 3; j++) {
        for (let cut = 0; cut < 11; cut++) {
          const left = all.filter((i) => X.dense(j)[i] <= cut);
          const right = all.filter((i) => X.dense(j)[i] > cut);
          if (left.length > 0 && right.length > 0) least = Math.min(least, impurity(left) + impurity(right));
        }
      }
      const model = (await decisionTree.fit({ X, y, classes }, { maxDepth: 1 }, context)) as TreeModel;
      const { feature, threshold } = model.ensemble;
      const left = all.filter((i) => X.dense(feature[0])[i] <= threshold[0]);
      const right = all.filter((i) => X.dense(feature[0])[i] > threshold[0]);
      expect(impurity(left) + impurity(right)).toBeCloseTo(least, 9);
      const leafShare = left.filter((i) => y[i] === 1).length / left.length;
      expect(model.predict(X)[left[0] * classes + 1]).toBeCloseTo(leafShare, 9);
    }
  });

  it('predicts exact means of its leaves in a regression', async () => {
    const X = FeatureMatrix.fromRowMajor([0, 0, 1, 1, Number.NaN, Number.NaN], 1);
    const y = Float64Array.of(1e6, 1e6 + 1, -5, -6, 40, 42);
    const model = await decisionTree.fit({ X, y, classes: 0 }, { minSamplesLeaf: 2 }, context);
    const p = model.predict(X);
    for (const [i, mean] of [1e6 + 0.5, 1e6 + 0.5, -5.5, -5.5, 41, 41].entries()) {
      expect(Math.abs(p[i] - mean)).toBeLessThan(0.1);
    }
  });

  it('splits by entropy, and respects depth, rows per leaf and least decrease', async () => {
    const data = problem(600, 3);
    const tree = async (params: object) => (await decisionTree.fit(data, params, context)) as TreeModel;
    const leaves = (model: TreeModel) => model.ensemble.feature.filter((f) => f < 0).length;
    expect(accuracy((await tree({ criterion: 'entropy' })).predict(data.X), data.y, 3)).toBeGreaterThan(0.95);
    expect(leaves(await tree({ maxDepth: 3 }))).toBeLessThanOrEqual(8);
    expect(leaves(await tree({ minSamplesLeaf: 100 }))).toBeLessThanOrEqual(6);
    expect(leaves(await tree({ minImpurityDecrease: 0.6 }))).toBe(1);
    await expect(decisionTree.fit(data, { criterion: 'squared_error' }, context)).rejects.toThrow(
      ConfigError,
    );
  });

  it('treats a weight of 3 like a row given three times', async () => {
    const data = problem(200, 2);
    const weights = Float64Array.from(data.y, (_, i) => (i % 4 === 0 ? 3 : 1));
    const thrice = [...data.y.keys()].flatMap((i) => (i % 4 === 0 ? [i, i, i] : [i]));
    const params = { maxDepth: 3 };
    const weighted = await decisionTree.fit({ ...data, weights }, params, context);
    const X = data.X.take(thrice);
    const repeated = await decisionTree.fit(
      { X, y: Float64Array.from(thrice, (i) => data.y[i]), classes: 2 },
      params,
      context,
    );
    const a = weighted.predict(data.X);
    const b = repeated.predict(data.X);
    for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i], 4);
  });
});

for (const forest of forests) {
  describe(forest.name, () => {
    for (const classes of [2, 5, 0]) {
      it(`generalises better than the mean for ${classes === 0 ? 'values' : `${classes} classes`}`, async () => {
        const model = await forest.fit(problem(1200, classes), { trees: 40 }, context);
        const held = problem(600, classes, 2);
        const p = model.predict(held.X);
        if (classes > 0) {
          expect(accuracy(p, held.y, classes)).toBeGreaterThan(0.75);
          for (let i = 0; i < 600; i++) {
            const sum = p.subarray(i * classes, (i + 1) * classes).reduce((a, b) => a + b, 0);
            expect(sum).toBeCloseTo(1, 9);
          }
        } else {
          let error = 0;
          for (let i = 0; i < 600; i++) error += Math.abs(p[i] - held.y[i]) / 600;
          expect(error).toBeLessThan(8);
        }
      });
    }

    it('gives bit-identical models for any number of threads, another one for another seed', async () => {
      const data = problem(1000, 3);
      const fit = async (threads: number, seed = 3) =>
        ((await forest.fit(data, { trees: 13 }, { ...context, threads, seed })) as TreeModel).ensemble;
      const one = await fit(1);
      expect(await fit(2)).toEqual(one);
      expect(await fit(3)).toEqual(one);
      expect(await fit(1, 4)).not.toEqual(one);
    });

    it('learns from categories', async () => {
      const rng = new Rng(8);
      const codes = Float32Array.from({ length: 1500 }, () => rng.integer(40));
      const X = new FeatureMatrix(
        1500,
        [{ name: 'c', source: 'c', type: 'categorical', cardinality: 40 }],
        [{ kind: 'dense', values: codes }],
      );
      for (const classes of [2, 3]) {
        const y = Float64Array.from(codes, (code) => (code * 7) % classes);
        const model = await forest.fit({ X, y, classes }, { trees: 20 }, context);
        expect(accuracy(model.predict(X), y, classes)).toBeGreaterThan(0.95);
      }
    });

    it('stops when the deadline is over', async () => {
      const deadline = new Deadline(0.1);
      const fit = forest.fit(problem(4000, 2), { trees: 100_000 }, { ...context, deadline });
      await expect(fit).rejects.toThrow(CancelledError);
    });
  });
}
