import { checkTrainingData } from './check-data.ts';
import type { Learner, TrainingData } from './learner.ts';
import { classSums, classTotals, logPriors, NaiveBayesModel } from './naive-bayes-model.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from './present-classes.ts';

export interface MultinomialNaiveBayesParameters {
  /** Added to the count of every feature in every class; above 0. */
  readonly alpha: number;
  /** Learn the class shares; else all classes are equally likely. */
  readonly fitPrior: boolean;
}

const name = 'MultinomialNaiveBayes';

const defaults: MultinomialNaiveBayesParameters = { alpha: 1, fitPrior: true };

const rules: ParameterRules<MultinomialNaiveBayesParameters> = {
  alpha: { type: 'float', above: 0 },
  fitPrior: { type: 'boolean' },
};

/**
 * Naive Bayes of counts: θ_kj = (Σ of x_j in class k + α) / (Σ over all features + α·D), ln P(k, x) = ln π_k + Σ_j x_j·ln θ_kj.
 *
 * Counts are not negative. A feature with negative training values is moved up by its smallest one, and values below
 * that at prediction are taken for it; features without negative values stay as they are. Works best after min-max
 * scaling, since a feature counts as much as its values are large.
 */
export const multinomialNaiveBayes: Learner<MultinomialNaiveBayesParameters> = {
  name,
  tasks: ['classification'],
  encoding: 'onehot',
  needsScaling: true,
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

function fitModel(data: TrainingData, { alpha, fitPrior }: MultinomialNaiveBayesParameters): NaiveBayesModel {
  const { classes } = data;
  const { width } = data.X;
  const totals = classTotals(data);
  const offsets = Float64Array.from(data.X.columns, ({ values }) => {
    let least = 0;
    for (let i = 0; i < values.length; i++) least = Math.min(least, values[i]);
    return least;
  });
  const counts = classSums(data, totals, 'clip', offsets).map((count) => Math.max(count, 0));
  const linear = new Float64Array(classes * width);
  for (let k = 0; k < classes; k++) {
    const own = counts.subarray(k * width, (k + 1) * width);
    const all = Math.log(own.reduce((total, count) => total + count, 0) + alpha * width);
    for (let j = 0; j < width; j++) linear[k * width + j] = Math.log(own[j] + alpha) - all;
  }
  return new NaiveBayesModel({
    learner: name,
    classes,
    map: 'clip',
    offsets,
    linear,
    quadratic: undefined,
    constants: logPriors(totals, fitPrior),
  });
}
