import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Deadline, decodeArray, packageRoot, silentLogger } from '#core';
import { FeatureMatrix } from '../features/matrix.ts';
import { bernoulliNaiveBayes } from './bernoulli-naive-bayes.ts';
import { gaussianNaiveBayes } from './gaussian-naive-bayes.ts';
import type { FitContext, Learner, Model, TrainingData } from './learner.ts';
import { logisticRegression } from './logistic-regression.ts';
import { multinomialNaiveBayes } from './multinomial-naive-bayes.ts';

/** Written by test/fixtures/learners/make-fixtures.py. */
const fixture = JSON.parse(
  readFileSync(join(packageRoot, 'test', 'fixtures', 'learners', 'learners.json'), 'utf8'),
) as {
  width: number;
  X: number[];
  test: number[];
  y2: number[];
  y3: number[];
  yr: number[];
  weights: number[];
  expected: {
    logistic: Record<string, Linear>;
    gaussian: Record<string, number[]>;
    bernoulli: Record<string, number[]>;
    multinomial: Record<string, number[]>;
  };
};

interface Linear {
  readonly coef: number[];
  readonly intercept: number[];
}

const { expected } = fixture;
const X = FeatureMatrix.fromRowMajor(fixture.X, fixture.width);
const test = FeatureMatrix.fromRowMajor(fixture.test, fixture.width);
const weights = Float64Array.from(fixture.weights);
const two: TrainingData = { X, y: Float64Array.from(fixture.y2), classes: 2 };
const three: TrainingData = { X, y: Float64Array.from(fixture.y3), classes: 3 };
const context: FitContext = { seed: 1, threads: 1, deadline: Deadline.none, logger: silentLogger };

/** Fits and compares coefficients and intercepts, at most `tolerance` off. */
async function expectLinear<P extends object>(
  learner: Learner<P>,
  data: TrainingData,
  params: Partial<P>,
  { coef, intercept }: Linear,
  tolerance = 1e-4,
): Promise<void> {
  const model = await learner.fit(data, params, context);
  expectClose(linearPart(model, 'coefficients'), coef, tolerance);
  expectClose(linearPart(model, 'intercepts'), intercept, tolerance);
}

function linearPart(model: Model, part: 'coefficients' | 'intercepts'): Float32Array {
  return decodeArray(model.toJSON()[part], 'float32');
}

function expectClose(actual: ArrayLike<number>, wanted: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(wanted.length);
  const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i])), 0);
  expect(worst, `got ${Array.from(actual).join(', ')} for ${wanted.join(', ')}`).toBeLessThan(tolerance);
}

describe('logisticRegression', () => {
  const all = expected.logistic;
  it('has the L2 solution of scikit-learn', async () => {
    await expectLinear(logisticRegression, two, { C: 0.7 }, all['l2']);
    await expectLinear(logisticRegression, three, { C: 0.7 }, all['l2 multinomial']);
    await expectLinear(logisticRegression, two, { C: 0.7, fitIntercept: false }, all['l2 without intercept']);
    await expectLinear(logisticRegression, { ...two, weights }, { C: 5 }, all['l2 weighted']);
    await expectLinear(logisticRegression, three, { C: 2, classWeight: 'balanced' }, all['l2 balanced']);
  });

  it('has the L1 and elastic-net solutions of scikit-learn', async () => {
    await expectLinear(logisticRegression, two, { C: 0.5, penalty: 'l1' }, all['l1']);
    await expectLinear(logisticRegression, three, { C: 0.5, penalty: 'l1' }, all['l1 multinomial']);
    await expectLinear(
      logisticRegression,
      { ...two, weights },
      { C: 0.3, penalty: 'l1' },
      all['l1 weighted'],
    );
    const net = { C: 0.5, penalty: 'elasticnet' } as const;
    await expectLinear(logisticRegression, two, { ...net, l1Ratio: 0.3 }, all['elastic net']);
    await expectLinear(logisticRegression, three, { ...net, l1Ratio: 0.7 }, all['elastic net multinomial']);
  });

  it('has one solution for L2, whether L-BFGS or coordinate descent finds it', async () => {
    const model = await logisticRegression.fit(two, { C: 0.7, penalty: 'elasticnet', l1Ratio: 0 }, context);
    expectClose(linearPart(model, 'coefficients'), all['l2'].coef, 1e-4);
  });
});

describe('naive Bayes', () => {
  async function expectProbabilities<P extends object>(
    learner: Learner<P>,
    data: TrainingData,
    params: Partial<P>,
    wanted: number[],
  ): Promise<void> {
    expectClose((await learner.fit(data, params, context)).predict(test), wanted, 1e-7);
  }

  it('of Bernoulli features has the probabilities of scikit-learn', async () => {
    await expectProbabilities(bernoulliNaiveBayes, three, {}, expected.bernoulli['plain']);
    const params = { alpha: 0.3, binarize: 0.2 };
    await expectProbabilities(
      bernoulliNaiveBayes,
      { ...three, weights },
      params,
      expected.bernoulli['weighted'],
    );
  });

  it('of counts has the probabilities of scikit-learn, negative features being moved to 0', async () => {
    await expectProbabilities(multinomialNaiveBayes, three, {}, expected.multinomial['plain']);
    const params = { alpha: 0.2 };
    await expectProbabilities(
      multinomialNaiveBayes,
      { ...three, weights },
      params,
      expected.multinomial['weighted'],
    );
  });

  it('of normal features has the probabilities of scikit-learn', async () => {
    await expectProbabilities(gaussianNaiveBayes, three, {}, expected.gaussian['plain']);
    await expectProbabilities(gaussianNaiveBayes, { ...three, weights }, {}, expected.gaussian['weighted']);
  });
});
