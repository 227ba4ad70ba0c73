import type { FeatureColumn } from '../features/matrix.ts';
import { checkTrainingData } from './check-data.ts';
import type { Learner, TrainingData } from './learner.ts';
import { classSums, classTotals, logPriors, NaiveBayesModel } from './naive-bayes-model.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from './present-classes.ts';

export interface GaussianNaiveBayesParameters {
  /**
   * Share of the largest variance of a feature that is added to all variances; above 0. The default keeps rare
   * categories from deciding alone; scikit-learn's is 1e-9.
   */
  readonly varSmoothing: number;
}

const name = 'GaussianNaiveBayes';

const defaults: GaussianNaiveBayesParameters = { varSmoothing: 0.1 };

const rules: ParameterRules<GaussianNaiveBayesParameters> = { varSmoothing: { type: 'float', above: 0 } };

/** Added to all variances when no feature varies at all. */
const LEAST_VARIANCE = 1e-9;

/**
 * Naive Bayes of normally distributed features: ln P(k, x) = ln π_k − ½ Σ_j ln(2π·σ²_kj) + (x_j − μ_kj)² / σ²_kj with
 * the mean and variance of each class, `varSmoothing` × the largest variance being added to each.
 */
export const gaussianNaiveBayes: Learner<GaussianNaiveBayesParameters> = {
  name,
  tasks: ['classification'],
  encoding: 'onehot',
  needsScaling: false,
  defaults,
  space: () => ({ varSmoothing: { type: 'float', low: 1e-10, high: 1, log: true } }),
  relativeCost: (_, { rows, width, classes }) => 1e-8 * rows * width * classes,

  async fit(data, params, context) {
    const { varSmoothing } = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: ['classification'] });
    context.deadline.check(name);
    const { data: used, present } = presentClasses(data);
    return withAbsentClasses(fitModel(used, varSmoothing), data.classes, present);
  },

  load: (json) => loadWithAbsentClasses(json, NaiveBayesModel.load),
};

function fitModel(data: TrainingData, varSmoothing: number): NaiveBayesModel {
  const { X, classes } = data;
  const { width } = X;
  const totals = classTotals(data);
  const all = totals.reduce((total, value) => total + value, 0);
  const means = classSums(data, totals, 'center', new Float64Array(width));
  for (let at = 0; at < means.length; at++) means[at] /= totals[Math.floor(at / width)];
  const centers = new Float64Array(width);
  for (let at = 0; at < means.length; at++) {
    const k = Math.floor(at / width);
    centers[at % width] += (totals[k] / all) * means[at];
  }
  const variances = new Float64Array(classes * width);
  let largest = 0;
  for (let j = 0; j < width; j++) {
    const own = Float64Array.from({ length: classes }, (_, k) => means[k * width + j]);
    const spread = classSpread(X.columns[j], data, totals, own);
    let pooled = 0;
    for (let k = 0; k < classes; k++) {
      variances[k * width + j] = spread[k] / totals[k];
      pooled += spread[k] + totals[k] * (own[k] - centers[j]) ** 2;
    }
    largest = Math.max(largest, pooled / all);
  }
  const added = largest > 0 ? varSmoothing * largest : LEAST_VARIANCE;

  // (x − μ)² = (f − m)² with f = x − center and m = μ − center, which keeps the numbers small.
  const linear = new Float64Array(classes * width);
  const quadratic = new Float64Array(classes * width);
  const constants = logPriors(totals, true);
  for (let at = 0; at < means.length; at++) {
    const variance = variances[at] + added;
    const m = means[at] - centers[at % width];
    linear[at] = m / variance;
    quadratic[at] = -0.5 / variance;
    constants[Math.floor(at / width)] -= 0.5 * (Math.log(2 * Math.PI * variance) + (m * m) / variance);
  }
  return new NaiveBayesModel({
    learner: name,
    classes,
    map: 'center',
    offsets: centers,
    linear,
    quadratic,
    constants,
  });
}

/** [K] weighted sum of squared distances from the class means. */
function classSpread(
  column: FeatureColumn,
  { y, weights }: TrainingData,
  totals: Float64Array,
  means: Float64Array,
): Float64Array {
  const rows = column.kind === 'sparse' ? column.rows : undefined;
  const spread = new Float64Array(totals.length);
  const stored = new Float64Array(totals.length);
  for (let at = 0; at < column.values.length; at++) {
    const i = rows === undefined ? at : rows[at];
    const weight = weights?.[i] ?? 1;
    spread[y[i]] += weight * (column.values[at] - means[y[i]]) ** 2;
    stored[y[i]] += weight;
  }
  // Rows that are not stored hold 0.
  return spread.map((value, k) => value + Math.max(totals[k] - stored[k], 0) * means[k] ** 2);
}
