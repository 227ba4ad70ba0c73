import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Deadline, decodeArray, packageRoot, Rng, silentLogger } from '#core';
import { FeatureMatrix } from '../features/matrix.ts';
import { bernoulliNaiveBayes } from './bernoulli-naive-bayes.ts';
import { centeredProblem } from './centered-problem.ts';
import { fitSupportVectors } from './dual-coordinate-descent.ts';
import { elasticNet } from './elastic-net.ts';
import { gaussianNaiveBayes } from './gaussian-naive-bayes.ts';
import { kNearestNeighbors } from './k-nearest-neighbours.ts';
import { larsPath } from './lars-path.ts';
import { lassoLars } from './lasso-lars.ts';
import type { FitContext, Learner, Model, TrainingData } from './learner.ts';
import { logisticRegression } from './logistic-regression.ts';
import { multinomialNaiveBayes } from './multinomial-naive-bayes.ts';
import { Pacer } from './pacer.ts';
import { fitSigmoid } from './platt-scaling.ts';
import { ridge } from './ridge.ts';
import { RowMatrix } from './row-matrix.ts';
import { sgd } from './sgd.ts';

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
    svm: Record<string, Linear>;
    platt: { scores: number[]; ab: number[] };
    knn: Record<string, { classes: number[]; values: number[] }>;
    ridge: Record<string, Linear>;
    elasticNet: Record<string, Linear>;
    lassoLars: { small: Linear; large: Linear; knots: number[] };
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
const values: TrainingData = { X, y: Float64Array.from(fixture.yr), classes: 0 };
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

describe('linear support vectors', () => {
  const rows = new RowMatrix(X, true);
  async function expectDecision(
    y: Float64Array,
    positive: number,
    C: Float64Array,
    coef: number[],
    b: number,
  ) {
    const problem = {
      X: rows,
      squaredNorms: rows.squaredNorms(),
      costs: C,
      maxIterations: 1e6,
      tolerance: 1e-9,
    };
    const signs = Int8Array.from(y, (k) => (k === positive ? 1 : -1));
    const all = Uint32Array.from(y.keys());
    const pacer = new Pacer('test', Deadline.none);
    const found = await fitSupportVectors(problem, all, signs, new Rng(1), pacer);
    expectClose([...found.w, found.b], [...coef, b], 1e-6);
  }

  it('have the decisions of scikit-learn', async () => {
    const { svm } = expected;
    const half = new Float64Array(X.rows).fill(0.5);
    await expectDecision(two.y, 1, half, svm['two classes'].coef, svm['two classes'].intercept[0]);
    const weighted = svm['weighted'];
    await expectDecision(
      two.y,
      1,
      weights.map((s) => 0.5 * s),
      weighted.coef,
      weighted.intercept[0],
    );
    const tenth = new Float64Array(X.rows).fill(0.1);
    const { coef, intercept } = svm['three classes'];
    for (let k = 0; k < 3; k++) {
      await expectDecision(three.y, k, tenth, coef.slice(k * 6, k * 6 + 6), intercept[k]);
    }
  });

  it('get the sigmoid of scikit-learn', () => {
    const { A, B } = fitSigmoid(Float64Array.from(expected.platt.scores), (i) => two.y[i] === 1);
    expectClose([A, B], expected.platt.ab, 1e-4);
  });
});

describe('stochastic gradient descent', () => {
  it('comes close to the exact solution of the same problem', async () => {
    // α·½‖w‖² + mean loss is 1 / (C·n) times the objective of logistic regression with C = 1 / (α·n).
    const alpha = 1 / (0.7 * X.rows);
    const slow = {
      alpha,
      learningRate: 'constant',
      eta0: 0.01,
      maxIterations: 3000,
      tolerance: null,
    } as const;
    await expectLinear(sgd, two, slow, expected.logistic['l2'], 0.1);
    const flat = { ...slow, alpha: 0.9 / X.rows };
    await expectLinear(sgd, values, flat, expected.ridge['plain'], 0.1);
  });

  it('with an L1 penalty comes close too, and sets a useless weight to 0', async () => {
    const alpha = 1 / (0.3 * weights.reduce((total, weight) => total + weight, 0));
    const params = {
      alpha,
      penalty: 'l1',
      eta0: 0.5,
      powerT: 0.5,
      maxIterations: 3000,
      tolerance: null,
    } as const;
    const wanted = expected.logistic['l1 weighted'];
    await expectLinear(sgd, { ...two, weights }, params, wanted, 0.1);
    const model = await sgd.fit({ ...two, weights }, params, context);
    expect(linearPart(model, 'coefficients')[5]).toBe(0);
    expect(wanted.coef[5]).toBe(0);
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
    await expectProbabilities(gaussianNaiveBayes, three, { varSmoothing: 1e-9 }, expected.gaussian['plain']);
    await expectProbabilities(
      gaussianNaiveBayes,
      { ...three, weights },
      { varSmoothing: 1e-9 },
      expected.gaussian['weighted'],
    );
  });
});

describe('linear regression', () => {
  /** The target in the unit the fixture uses: divided by its (weighted) standard deviation, centred without weights. */
  function standardised(sampleWeights: Float64Array | undefined): TrainingData {
    const s = sampleWeights ?? new Float64Array(values.y.length).fill(1);
    const total = s.reduce((sum, weight) => sum + weight, 0);
    const mean = values.y.reduce((sum, y, i) => sum + s[i] * y, 0) / total;
    const deviation = Math.sqrt(values.y.reduce((sum, y, i) => sum + s[i] * (y - mean) ** 2, 0) / total);
    const y = values.y.map((value) => (value - (sampleWeights === undefined ? mean : 0)) / deviation);
    return { ...values, y, ...(sampleWeights === undefined ? {} : { weights: sampleWeights }) };
  }

  it('with an L2 penalty has the solution of scikit-learn', async () => {
    await expectLinear(ridge, values, { alpha: 0.9 }, expected.ridge['plain'], 1e-6);
    await expectLinear(ridge, { ...values, weights }, { alpha: 5 }, expected.ridge['weighted'], 1e-6);
    const params = { alpha: 0.9, fitIntercept: false };
    await expectLinear(ridge, values, params, expected.ridge['without intercept'], 1e-6);
  });

  it('with an elastic-net penalty has the solution of scikit-learn', async () => {
    const { elasticNet: wanted } = expected;
    await expectLinear(
      elasticNet,
      standardised(undefined),
      { alpha: 0.02, l1Ratio: 0.5 },
      wanted['plain'],
      1e-5,
    );
    await expectLinear(
      elasticNet,
      standardised(undefined),
      { alpha: 0.1, l1Ratio: 1 },
      wanted['lasso'],
      1e-5,
    );
    const weighted = standardised(weights);
    await expectLinear(elasticNet, weighted, { alpha: 0.05, l1Ratio: 0.3 }, wanted['weighted'], 1e-5);
  });

  it('with an L1 penalty by least angles has the solution and the path of scikit-learn', async () => {
    await expectLinear(lassoLars, standardised(undefined), { alpha: 0.01 }, expected.lassoLars.small, 1e-6);
    await expectLinear(lassoLars, standardised(undefined), { alpha: 0.15 }, expected.lassoLars.large, 1e-6);
    const problem = centeredProblem(values, { fitIntercept: true, scaleTarget: true });
    const pacer = new Pacer('test', Deadline.none);
    const path = await larsPath(problem, { alpha: 0, maxIterations: 100, pacer });
    expectClose(path.knots, expected.lassoLars.knots, 1e-7);
  });
});

describe('kNearestNeighbors', () => {
  for (const metric of ['euclidean', 'manhattan'] as const) {
    for (const by of ['uniform', 'distance'] as const) {
      it(`has the predictions of scikit-learn: ${metric}, ${by}`, async () => {
        const params = { neighbors: 7, metric, weights: by };
        const wanted = expected.knn[`${metric} ${by}`];
        const classifier = await kNearestNeighbors.fit(three, params, context);
        expectClose(classifier.predict(test), wanted.classes, 1e-6);
        const regressor = await kNearestNeighbors.fit(values, params, context);
        expectClose(regressor.predict(test), wanted.values, 1e-5);
      });
    }
  }
});
