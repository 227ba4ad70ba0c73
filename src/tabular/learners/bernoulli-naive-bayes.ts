import { checkTrainingData } from './check-data.ts';
import type { Learner, TrainingData } from './learner.ts';
import { classSums, classTotals, logPriors, NaiveBayesModel } from './naive-bayes-model.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from './present-classes.ts';

export interface BernoulliNaiveBayesParameters {
  /** Rows of each kind added to every class and feature; above 0. */
  readonly alpha: number;
  /** A value above it counts as 1, else as 0; rounded to float32. */
  readonly binarize: number;
  /** Learn the class shares; else all classes are equally likely. */
  readonly fitPrior: boolean;
}

const name = 'BernoulliNaiveBayes';

const defaults: BernoulliNaiveBayesParameters = { alpha: 1, binarize: 0, fitPrior: true };

const rules: ParameterRules<BernoulliNaiveBayesParameters> = {
  alpha: { type: 'float', above: 0 },
  binarize: { type: 'float' },
  fitPrior: { type: 'boolean' },
};

/**
 * Naive Bayes of features that are there or not: θ_kj = (rows of class k with x_j > binarize + α) / (rows of class k + 2α),
 * ln P(k, x) = ln π_k + Σ_j b_j·ln θ_kj + (1 − b_j)·ln(1 − θ_kj). Rows count with their weights.
 */
export const bernoulliNaiveBayes: Learner<BernoulliNaiveBayesParameters> = {
  name,
  tasks: ['classification'],
  encoding: 'onehot',
  needsScaling: false,
  defaults,
  space: () => ({
    alpha: { type: 'float', low: 1e-3, high: 100, log: true },
    fitPrior: { type: 'choice', values: [true, false] },
  }),
  relativeCost: (_, { rows, width, classes }) => 1e-8 * rows * width * classes,

  async fit(data, params, context) {
    const parsed = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: ['classification'] });
    context.deadline.check(name);
    const { data: used, present } = presentClasses(data);
    return withAbsentClasses(fitModel(used, parsed), data.classes, present);
  },

  load: (json) => loadWithAbsentClasses(json, NaiveBayesModel.load),
};

function fitModel(
  data: TrainingData,
  { alpha, binarize, fitPrior }: BernoulliNaiveBayesParameters,
): NaiveBayesModel {
  const { classes } = data;
  const { width } = data.X;
  const totals = classTotals(data);
  const offsets = new Float64Array(width).fill(Math.fround(binarize));
  const counts = classSums(data, totals, 'binarize', offsets);
  const linear = new Float64Array(classes * width);
  const constants = logPriors(totals, fitPrior);
  for (let at = 0; at < linear.length; at++) {
    const k = Math.floor(at / width);
    // Rounding must not push a count out of [0, total].
    const count = Math.min(Math.max(counts[at], 0), totals[k]);
    const there = Math.log((count + alpha) / (totals[k] + 2 * alpha));
    const absent = Math.log((totals[k] - count + alpha) / (totals[k] + 2 * alpha));
    linear[at] = there - absent;
    constants[k] += absent;
  }
  return new NaiveBayesModel({
    learner: name,
    classes,
    map: 'binarize',
    offsets,
    linear,
    quadratic: undefined,
    constants,
  });
}
