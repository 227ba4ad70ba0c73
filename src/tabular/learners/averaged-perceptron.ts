import type { Rng } from '#core';
import { fitCalibratedOneVsRest, type LinearDecision } from './calibrated-one-vs-rest.ts';
import { checkTrainingData } from './check-data.ts';
import { type ClassWeight, effectiveWeights } from './class-weights.ts';
import type { Learner } from './learner.ts';
import { LinearModel } from './linear-model.ts';
import { Pacer } from './pacer.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from './present-classes.ts';
import { RowMatrix, RowWeights } from './row-matrix.ts';

export interface AveragedPerceptronParameters {
  /** Passes over the rows. */
  readonly maxIterations: number;
  /** `balanced`: all classes weigh the same. */
  readonly classWeight: ClassWeight;
}

const name = 'AveragedPerceptronClassifier';
const defaults: AveragedPerceptronParameters = { maxIterations: 10, classWeight: null };
const rules: ParameterRules<AveragedPerceptronParameters> = {
  maxIterations: { type: 'int', min: 1 },
  classWeight: { type: 'choice', values: [null, 'balanced'] },
};

/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 1024;

/**
 * The averaged perceptron, each class against the rest: a row on the wrong side is added with its sign and weight, and
 * the decision is the average of all states. Probabilities by Platt scaling on out-of-fold scores.
 *
 * @source Freund and Schapire, Large Margin Classification Using the Perceptron Algorithm (1999)
 */
export const averagedPerceptron: Learner<AveragedPerceptronParameters> = {
  name,
  tasks: ['classification'],
  encoding: 'onehot',
  needsScaling: true,
  defaults,
  space: () => ({
    maxIterations: { type: 'int', low: 2, high: 50, log: true },
    classWeight: { type: 'choice', values: [null, 'balanced'] },
  }),
  relativeCost: ({ maxIterations = defaults.maxIterations }, { rows, width, classes }) =>
    2e-8 * Number(maxIterations) * rows * width * (classes > 2 ? classes : 1),

  async fit(data, params, context) {
    const { maxIterations, classWeight } = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: ['classification'] });
    const pacer = new Pacer(name, context.deadline);
    const { data: used, present } = presentClasses(data);
    const { y, classes } = used;
    const X = new RowMatrix(used.X, true);
    const weights = effectiveWeights(used, classWeight);
    const solution = await fitCalibratedOneVsRest(
      { X, y, classes, weights, seed: context.seed },
      (rows, signs, rng) => fitPerceptron({ X, weights, rows, signs, maxIterations }, rng, pacer),
    );
    const model = LinearModel.fromFit({ learner: name, classes, ...solution }, used.X);
    return withAbsentClasses(model, data.classes, present);
  },

  load: (json) => loadWithAbsentClasses(json, LinearModel.load),
};

interface PerceptronProblem {
  readonly X: RowMatrix;
  readonly weights: Float64Array;
  readonly rows: Uint32Array;
  readonly signs: Int8Array;
  readonly maxIterations: number;
}

/** With u = Σ t·Δw_t, the average of the states w_1 … w_T is w_T − u / T (a step made at time t is missing in t states). */
export async function fitPerceptron(
  { X, weights, rows, signs, maxIterations }: PerceptronProblem,
  rng: Rng,
  pacer: Pacer,
): Promise<LinearDecision> {
  const w = new RowWeights(X);
  const u = new RowWeights(X);
  let b = 0;
  let ub = 0;
  let t = 0;
  const order = rows.slice();
  for (let pass = 0; pass < maxIterations; pass++) {
    rng.shuffle(order);
    for (const i of order) {
      if (t % ROWS_PER_LOOK === 0 && pacer.due()) await pacer.pause();
      if (signs[i] * (w.dot(i) + b) <= 0) {
        const step = signs[i] * weights[i];
        w.add(i, step);
        u.add(i, step * t);
        b += step;
        ub += step * t;
      }
      t++;
    }
  }
  const missing = u.toArray();
  return { w: w.toArray().map((value, j) => value - missing[j] / t), b: b - ub / t };
}
