import { describe, expect, it } from 'vitest';
import { CancelledError, ConfigError, DataError, Deadline, Rng, silentLogger } from '#core';
import { FeatureMatrix } from '../features/matrix.ts';
import type { TrainingData } from '../learners/learner.ts';
import { boost } from './booster.ts';
import { type BoostingObjective, boostingDefaults } from './boosting-parameters.ts';
import { gradientBoosting } from './gradient-boosting.ts';
import type { TreeModel } from './tree-model.ts';

const context = { seed: 3, threads: 1, deadline: Deadline.none, logger: silentLogger };

function problem(rows: number, classes: number, seed = 1): TrainingData {
  const rng = new Rng(seed);
  const values = Float32Array.from({ length: rows * 5 }, () => rng.normal());
  const X = FeatureMatrix.fromRowMajor(values, 5);
  const y = Float64Array.from({ length: rows }, (_, i) => {
    const z = 1.5 * values[5 * i] + Math.sin(3 * values[5 * i + 1]) + values[5 * i + 2] * values[5 * i];
    if (classes === 0) return Math.exp(0.6 * z + 0.3 * rng.normal());
    return Math.min(classes - 1, Math.max(0, Math.floor(z + classes / 2 + 0.5 * rng.normal())));
  });
  return { X, y, classes };
}

async function ensembleOf(data: TrainingData, params: object, threads = 1) {
  return ((await gradientBoosting.fit(data, params, { ...context, threads })) as TreeModel).ensemble;
}

describe('GradientBoosting', () => {
  it('grows the tree one works out by hand', async () => {
    // y = 0 0 1 1 at x = 1 2 3 4: p = ½, so g = ½ ½ −½ −½ and h = ¼ each. The cut between 2 and 3 gives leaves
    // −(1) / (½ + λ) and +1 / (½ + λ); with λ = ½ and learning rate 0.5 they are −0.5 and 0.5.
    const X = FeatureMatrix.fromRowMajor([1, 2, 3, 4], 1);
    const ensemble = await ensembleOf(
      { X, y: Float64Array.of(0, 0, 1, 1), classes: 2 },
      { iterations: 1, learningRate: 0.5, regLambda: 0.5, minSamplesLeaf: 1, maxLeaves: 2 },
    );
    expect([...ensemble.base]).toEqual([0]);
    expect([...ensemble.feature]).toEqual([0, -1, -1]);
    expect(ensemble.threshold[0]).toBe(2.5);
    expect(ensemble.leafValues[0]).toBeCloseTo(-0.5, 6);
    expect(ensemble.leafValues[1]).toBeCloseTo(0.5, 6);
  });

  it('gives bit-identical models for any number of threads', async () => {
    const data = problem(30_000, 2);
    const params = { iterations: 8, subsample: 0.7, colsampleByTree: 0.8, colsampleByNode: 0.7 };
    const one = await ensembleOf(data, params, 1);
    for (const threads of [2, 3]) expect(await ensembleOf(data, params, threads)).toEqual(one);
  });

  it('gives the same model for the same seed and another one for another seed', async () => {
    const data = problem(800, 2);
    const params = { iterations: 5, subsample: 0.5 };
    const a = await ensembleOf(data, params);
    expect(await ensembleOf(data, params)).toEqual(a);
    const other = await gradientBoosting.fit(data, params, { ...context, seed: 4 });
    expect((other as TreeModel).ensemble).not.toEqual(a);
  });

  it('predicts with the thresholds what it computed on the bins', async () => {
    const data = problem(500, 2);
    const validation = { X: data.X, y: data.y };
    const params = { ...boostingDefaults, iterations: 30, earlyStoppingRounds: 100, subsample: 0.6 };
    const { validationLosses } = await boost('test', { ...data, validation }, params, context);
    const p = (await gradientBoosting.fit(data, { iterations: 30, subsample: 0.6 }, context)).predict(data.X);
    let loss = 0;
    for (let i = 0; i < data.y.length; i++) loss -= Math.log(p[2 * i + data.y[i]]) / data.y.length;
    expect(loss).toBeCloseTo(validationLosses[29], 5);
  });

  const objectives: [BoostingObjective, number][] = [
    ['logistic', 2],
    ['softmax', 4],
    ['squared', 0],
    ['absolute', 0],
    ['huber', 0],
    ['quantile', 0],
    ['poisson', 0],
    ['tweedie', 0],
    ['gamma', 0],
  ];
  for (const [objective, classes] of objectives) {
    it(`lowers the ${objective} loss from round to round`, async () => {
      const data = problem(1500, classes);
      const held = problem(1500, classes, 2);
      const params = {
        ...boostingDefaults,
        objective,
        quantileAlpha: 0.8,
        earlyStoppingRounds: 50,
        iterations: 40,
      };
      const { validationLosses } = await boost('test', { ...data, validation: held }, params, context);
      expect(validationLosses.length).toBe(40);
      expect(validationLosses[39]).toBeLessThan(validationLosses[0]);
      expect(validationLosses[5]).toBeLessThan(validationLosses[0]);
    });
  }

  it('starts at the best constant and steps to the closed form', async () => {
    // No split is possible: the only leaf is −G / (H + λ) = 0 at the optimum, whatever the objective.
    const X = FeatureMatrix.fromRowMajor([1, 1, 1, 1, 1], 1);
    const y = Float64Array.of(1, 2, 3, 10, 4);
    const expected: [BoostingObjective, number][] = [
      ['squared', 4],
      ['absolute', 3],
      ['quantile', 10],
      ['poisson', 4],
      ['tweedie', 4],
      ['gamma', 4],
    ];
    for (const [objective, value] of expected) {
      const params = { objective, iterations: 1, quantileAlpha: 0.9 };
      const model = await gradientBoosting.fit({ X, y, classes: 0 }, params, context);
      expect(model.predict(X)[0]).toBeCloseTo(value, 4);
    }
  });

  it('refits leaves of the absolute loss to medians', async () => {
    const X = FeatureMatrix.fromRowMajor([0, 0, 0, 1, 1, 1], 1);
    const y = Float64Array.of(1, 2, 90, 100, 101, 500);
    const params = { objective: 'absolute', iterations: 1, learningRate: 1, minSamplesLeaf: 1 } as const;
    const model = await gradientBoosting.fit({ X, y, classes: 0 }, params, context);
    expect(model.predict(X)[0]).toBeCloseTo(2, 3);
    expect(model.predict(X)[5]).toBeCloseTo(101, 3);
  });

  it('stops early and keeps the best round', async () => {
    const data = problem(300, 2);
    const params = { ...boostingDefaults, iterations: 500, learningRate: 0.4, earlyStoppingRounds: 10 };
    const validation = problem(300, 2, 9);
    const { iterations, validationLosses, ensemble } = await boost(
      'test',
      { ...data, validation },
      params,
      context,
    );
    expect(validationLosses.length).toBe(iterations + 10);
    expect(validationLosses[iterations - 1]).toBe(Math.min(...validationLosses));
    expect(ensemble.roots.length).toBe(iterations);
  });

  it('treats a weight of 2 like a row given twice', async () => {
    const data = problem(200, 0);
    const weights = Float64Array.from(data.y, (_, i) => 1 + (i % 2));
    const twice = [...data.y.keys()].flatMap((i) => (i % 2 ? [i, i] : [i]));
    const params = { iterations: 10, minSamplesLeaf: 1, minChildWeight: 5 };
    const weighted = await gradientBoosting.fit({ ...data, weights }, params, context);
    const X = data.X.take(twice);
    const y = Float64Array.from(twice, (i) => data.y[i]);
    const repeated = await gradientBoosting.fit({ X, y, classes: 0 }, params, context);
    const a = weighted.predict(data.X);
    const b = repeated.predict(data.X);
    for (let i = 0; i < a.length; i++)
      expect(Math.abs(a[i] - b[i])).toBeLessThan(1e-3 * (1 + Math.abs(b[i])));
  });

  it('lifts a rare class with balanced class weights', async () => {
    const data = problem(2000, 2);
    const y = data.y.map((label, i) => (label === 1 && i % 10 === 0 ? 1 : 0));
    const mean = async (classWeight: 'balanced' | null) => {
      const model = await gradientBoosting.fit({ ...data, y }, { classWeight, iterations: 20 }, context);
      return model.predict(data.X).reduce((sum, p, i) => sum + (i % 2) * p, 0) / 2000;
    };
    expect(await mean('balanced')).toBeGreaterThan(2 * (await mean(null)));
  });

  it('grows depth-wise within the depth, and by one-side sampling', async () => {
    const data = problem(2000, 2);
    const deep = await ensembleOf(data, {
      growPolicy: 'depthwise',
      maxDepth: 3,
      maxLeaves: 64,
      iterations: 4,
    });
    for (const [t, root] of deep.roots.entries()) {
      const depth = (node: number): number =>
        deep.feature[node] < 0 ? 0 : 1 + Math.max(depth(deep.left[node]), depth(deep.right[node]));
      expect(depth(root), `tree ${t}`).toBeLessThanOrEqual(3);
    }
    const goss = await gradientBoosting.fit(data, { boosting: 'goss', iterations: 40 }, context);
    const p = goss.predict(data.X);
    const right = data.y.reduce((count, label, i) => count + Number(p[2 * i + 1] > 0.5 === (label === 1)), 0);
    expect(right / 2000).toBeGreaterThan(0.9);
  });

  it('learns 26 classes', async () => {
    const data = problem(2600, 2);
    const letters = Float64Array.from(
      data.y,
      (_, i) => Math.min(25, Math.floor(((data.X.dense(0)[i] + 3) / 6) * 26)) || 0,
    );
    const y = letters.map((letter) => Math.max(0, letter));
    const model = await gradientBoosting.fit({ X: data.X, y, classes: 26 }, { iterations: 15 }, context);
    const p = model.predict(data.X);
    let right = 0;
    for (let i = 0; i < y.length; i++) {
      const row = p.subarray(26 * i, 26 * i + 26);
      if (row[y[i]] === Math.max(...row)) right++;
    }
    expect(right / y.length).toBeGreaterThan(0.9);
  });

  it('splits a feature with a thousand categories', async () => {
    const rng = new Rng(5);
    const codes = Float32Array.from({ length: 6000 }, () => 1 + Math.floor(999 * rng.uniform() ** 3));
    const y = Float64Array.from(codes, (code) => ((code * 7919) % 13 < 6 ? 1 : 0));
    const X = new FeatureMatrix(
      6000,
      [{ name: 'c', source: 'c', type: 'categorical', cardinality: 1000 }],
      [{ kind: 'dense', values: codes }],
    );
    const model = await gradientBoosting.fit({ X, y, classes: 2 }, { iterations: 30 }, context);
    const p = model.predict(X);
    const right = y.reduce((count, label, i) => count + Number(p[2 * i + 1] > 0.5 === (label === 1)), 0);
    // 63 % of the rows have one of the 254 most frequent categories; the others are guesses.
    expect(right / 6000).toBeGreaterThan(0.8);
  });

  it('takes infinite values, a constant column and a column without values', async () => {
    const n = 60;
    const values = Array.from({ length: n * 3 }, (_, i) => {
      if (i % 3 === 1) return 7;
      if (i % 3 === 2) return Number.NaN;
      return i < 60 ? Number.NEGATIVE_INFINITY : i < 120 ? 0 : Number.POSITIVE_INFINITY;
    });
    const X = FeatureMatrix.fromRowMajor(values, 3);
    const y = Float64Array.from({ length: n }, (_, i) => (i < 20 ? 1 : i < 40 ? 5 : 9));
    const params = { minSamplesLeaf: 1, learningRate: 1, iterations: 3 };
    const p = (await gradientBoosting.fit({ X, y, classes: 0 }, params, context)).predict(X);
    for (let i = 0; i < n; i++) expect(p[i]).toBeCloseTo(y[i], 4);
  });

  it('fits one row to its value and refuses none', async () => {
    const X = FeatureMatrix.fromRowMajor([1, 2], 2);
    const model = await gradientBoosting.fit({ X, y: Float64Array.of(4.5), classes: 0 }, {}, context);
    expect(model.predict(X)[0]).toBeCloseTo(4.5, 6);
    const none = { X: X.take([]), y: new Float64Array(0), classes: 0 };
    await expect(gradientBoosting.fit(none, {}, context)).rejects.toThrow(DataError);
  });

  it('names all faulty parameters at once', async () => {
    const faulty = { maxLeaf: 3, learningRate: -1, objective: 'hinge' } as object;
    const failure = gradientBoosting.fit(problem(50, 2), faulty, context);
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(/"maxLeaf".*maxLeaves.*learningRate.*objective/s);
    await expect(gradientBoosting.fit(problem(50, 2), { objective: 'poisson' }, context)).rejects.toThrow(
      /"auto"/,
    );
  });

  it('stops when the deadline is over or the signal aborts', async () => {
    const data = problem(3000, 2);
    const deadline = new Deadline(0.05);
    await expect(
      gradientBoosting.fit(data, { iterations: 100_000 }, { ...context, deadline }),
    ).rejects.toThrow(CancelledError);
    const controller = new AbortController();
    const fit = gradientBoosting.fit(
      data,
      { iterations: 100_000 },
      { ...context, deadline: new Deadline(60, controller.signal) },
    );
    setTimeout(() => controller.abort(), 10);
    await expect(fit).rejects.toThrow(CancelledError);
  });

  it('survives a JSON round trip', async () => {
    const data = problem(200, 3);
    const model = await gradientBoosting.fit(data, { iterations: 4 }, context);
    const loaded = gradientBoosting.load(JSON.parse(JSON.stringify(model.toJSON())));
    expect(loaded.predict(data.X)).toEqual(model.predict(data.X));
  });
});
