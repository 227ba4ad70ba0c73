import { ConfigError, Rng } from '#core';
import { type CalibratedProblem, fitCalibratedOneVsRest } from './calibrated-one-vs-rest.ts';
import { checkTrainingData } from './check-data.ts';
import { type ClassWeight, effectiveWeights } from './class-weights.ts';
import { sum } from './design-matrix.ts';
import type { Learner, TrainingData } from './learner.ts';
import { LinearModel, type LinearParts } from './linear-model.ts';
import { Pacer } from './pacer.ts';
import { type ParameterRules, parseParameters } from './parse-parameters.ts';
import { loadWithAbsentClasses, presentClasses, withAbsentClasses } from './present-classes.ts';
import { RowMatrix } from './row-matrix.ts';
import { type DescentOptions, type DescentProblem, descend, type LearningRate } from './sgd-descent.ts';
import { classificationLosses, lossOf, regressionLosses, type SGDLoss } from './sgd-losses.ts';

export interface SGDParameters {
  /** `auto`: `log_loss` in classification, `squared_error` in regression. */
  readonly loss: SGDLoss | 'auto';
  readonly penalty: 'l2' | 'l1' | 'elasticnet';
  /** Strength of the penalty; above 0. */
  readonly alpha: number;
  /** Share of L1 in `elasticnet`, 0 to 1. */
  readonly l1Ratio: number;
  readonly learningRate: LearningRate;
  /** First step length; above 0. */
  readonly eta0: number;
  /** Power of t in `invscaling`. */
  readonly powerT: number;
  /** For `huber` and `epsilon_insensitive`, in standard deviations of the target. */
  readonly epsilon: number;
  /** The mean of the states after the first pass instead of the last one. */
  readonly average: boolean;
  /** `balanced`: all classes weigh the same; classification only. */
  readonly classWeight: ClassWeight;
  readonly fitIntercept: boolean;
  /** Most passes over the rows. */
  readonly maxIterations: number;
  /** Least improvement of the mean loss that counts; five passes without one end the fit. `null`: never. */
  readonly tolerance: number | null;
}

const name = 'SGD';

const defaults: SGDParameters = {
  loss: 'auto',
  penalty: 'l2',
  alpha: 1e-4,
  l1Ratio: 0.15,
  learningRate: 'invscaling',
  eta0: 0.1,
  powerT: 0.25,
  epsilon: 0.1,
  average: true,
  classWeight: null,
  fitIntercept: true,
  maxIterations: 30,
  tolerance: 1e-4,
};

const rules: ParameterRules<SGDParameters> = {
  loss: { type: 'choice', values: ['auto', ...classificationLosses, ...regressionLosses] },
  penalty: { type: 'choice', values: ['l2', 'l1', 'elasticnet'] },
  alpha: { type: 'float', above: 0 },
  l1Ratio: { type: 'float', min: 0, max: 1 },
  learningRate: { type: 'choice', values: ['optimal', 'invscaling', 'constant', 'adaptive'] },
  eta0: { type: 'float', above: 0 },
  powerT: { type: 'float', min: 0, max: 1 },
  epsilon: { type: 'float', min: 0 },
  average: { type: 'boolean' },
  classWeight: { type: 'choice', values: [null, 'balanced'] },
  fitIntercept: { type: 'boolean' },
  maxIterations: { type: 'int', min: 1 },
  tolerance: { type: 'float', min: 0, nullable: true },
};

/**
 * Linear models by averaged stochastic gradient descent: minimises mean loss + α·penalty. With K > 2 each class against
 * the rest. `log_loss` gives probabilities itself, `hinge` and `modified_huber` get them by Platt scaling. The target of
 * a regression is centred and divided by its standard deviation first.
 */
export const sgd: Learner<SGDParameters> = {
  name,
  tasks: ['classification', 'regression'],
  encoding: 'onehot',
  needsScaling: true,
  defaults,
  space: (task) => ({
    loss: {
      type: 'choice',
      values: [...(task === 'classification' ? classificationLosses : regressionLosses)],
    },
    penalty: { type: 'choice', values: ['l2', 'l1', 'elasticnet'] },
    alpha: { type: 'float', low: 1e-7, high: 1e-1, log: true },
    learningRate: { type: 'choice', values: ['optimal', 'invscaling', 'constant', 'adaptive'] },
    eta0: { type: 'float', low: 1e-3, high: 1, log: true },
  }),
  relativeCost: (params, { rows, width, classes }) => {
    const passes = Number(params['maxIterations'] ?? defaults.maxIterations);
    const calibrated = params['loss'] === 'hinge' || params['loss'] === 'modified_huber';
    return (calibrated ? 2e-8 : 8e-9) * passes * rows * width * (classes > 2 ? classes : 1);
  },

  async fit(data, params, context) {
    const parsed = parseParameters(name, defaults, params, rules);
    checkTrainingData(name, data, { tasks: sgd.tasks });
    const loss = chooseLoss(parsed.loss, data.classes);
    const pacer = new Pacer(name, context.deadline);
    const { data: used, present } = presentClasses(data);
    const X = new RowMatrix(used.X, parsed.penalty === 'l2');
    const weights = effectiveWeights(used, used.classes > 0 ? parsed.classWeight : null);
    const mean = sum(weights) / weights.length;
    const descent: Descent = {
      data: used,
      X,
      squaredNorms: X.squaredNorms(),
      weights: weights.map((weight) => weight / mean),
      options: {
        ...parsed,
        loss: lossOf(loss, parsed.epsilon),
        l1Share: { l2: 0, l1: 1, elasticnet: parsed.l1Ratio }[parsed.penalty],
      },
      seed: context.seed,
      pacer,
    };
    const fitted =
      used.classes === 0
        ? await fitValues(descent)
        : await (loss === 'log_loss' ? fitLogistic(descent) : fitCalibrated(descent));
    const model = LinearModel.fromFit({ learner: name, classes: used.classes, ...fitted }, used.X);
    return withAbsentClasses(model, data.classes, present);
  },

  load: (json) => loadWithAbsentClasses(json, LinearModel.load),
};

/** @throws ConfigError for a loss of the other task */
function chooseLoss(loss: SGDParameters['loss'], classes: number): SGDLoss {
  const allowed = classes > 0 ? classificationLosses : regressionLosses;
  if (loss === 'auto') return allowed[0];
  if (allowed.includes(loss)) return loss;
  throw new ConfigError(
    `${name}: loss of a ${classes > 0 ? 'classification' : 'regression'} must be one of auto, ${allowed.join(', ')}, ` +
      `but got "${loss}". Choose one of them.`,
  );
}

type Fitted = Omit<LinearParts, 'learner' | 'classes'>;

interface Descent extends Pick<DescentProblem, 'X' | 'squaredNorms' | 'weights'> {
  readonly data: TrainingData;
  readonly options: DescentOptions;
  readonly seed: number;
  readonly pacer: Pacer;
}

async function fitValues(descent: Descent): Promise<Fitted> {
  const { data, weights, options, seed, pacer } = descent;
  const { y } = data;
  const total = sum(weights);
  const mean = options.fitIntercept ? y.reduce((all, value, i) => all + weights[i] * value, 0) / total : 0;
  const variance = y.reduce((all, value, i) => all + weights[i] * (value - mean) ** 2, 0) / total;
  const scale = variance > 0 ? Math.sqrt(variance) : 1;
  const target = y.map((value) => (value - mean) / scale);
  const rows = Uint32Array.from(y.keys());
  const { w, b } = await descend({ ...descent, target, rows }, options, new Rng(seed).fork('rows'), pacer);
  return {
    link: 'identity',
    coefficients: w.map((value) => value * scale),
    intercepts: Float64Array.of(mean + b * scale),
  };
}

async function fitLogistic(descent: Descent): Promise<Fitted> {
  const { X, data, options, seed, pacer } = descent;
  const outputs = data.classes === 2 ? 1 : data.classes;
  const coefficients = new Float64Array(outputs * X.width);
  const intercepts = new Float64Array(outputs);
  const rows = Uint32Array.from(data.y.keys());
  for (let m = 0; m < outputs; m++) {
    const positive = outputs === 1 ? 1 : m;
    const target = Int8Array.from(data.y, (k) => (k === positive ? 1 : -1));
    const rng = new Rng(seed).fork(`class ${m}`);
    const { w, b } = await descend({ ...descent, target, rows }, options, rng, pacer);
    coefficients.set(w, m * X.width);
    intercepts[m] = b;
  }
  return { link: outputs === 1 ? 'logistic' : 'one-vs-rest', coefficients, intercepts };
}

function fitCalibrated(descent: Descent): Promise<Fitted> {
  const { X, data, weights, options, seed, pacer } = descent;
  const problem: CalibratedProblem = { X, y: data.y, classes: data.classes, weights, seed };
  return fitCalibratedOneVsRest(problem, (rows, target, rng) =>
    descend({ ...descent, target, rows }, options, rng, pacer),
  );
}
