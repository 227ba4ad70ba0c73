import { DataError } from '#core';
import { treeLayout } from '#kernels';
import type { BoostingObjective, GradientBoostingParameters } from './boosting-parameters.ts';
import type { Link } from './tree-ensemble.ts';

/**
 * A loss to boost. Scores and targets are float32; for the identity link both are of the standardised target
 * (y − center) / scale, which keeps float32 exact enough whatever the unit of y.
 */
export interface Objective {
  readonly name: Exclude<BoostingObjective, 'auto'>;
  /** Number by which the kernel knows it. */
  readonly code: number;
  readonly link: Link;
  /** Trees per round. */
  readonly outputs: number;
  /** The hessian is the sample weight. */
  readonly constantHessian: boolean;
  readonly parameter: number;
  /** Largest step of a leaf; 0 for none. */
  readonly maxDeltaStep: number;
  /** Leaves become this quantile of their residuals. */
  readonly renewQuantile: number | undefined;
  readonly center: number;
  readonly scale: number;
  /** [outputs] the best constant scores. */
  readonly start: Float64Array;
  /**
   * Mean loss of rows.
   * @param scores class-major: output k of row i at k · stride + i
   * @param targets in the kernel's form
   */
  loss(scores: Float32Array, stride: number, targets: Float32Array, weights?: Float32Array): number;
}

type Loss = (score: number, target: number) => number;

/** The targets in the kernel's form: class numbers as they are, values standardised. */
export function kernelTarget(objective: Objective, y: number): number {
  return (y - objective.center) / objective.scale;
}

/**
 * The objective for some targets, with its best constant start.
 * @throws DataError when the targets are outside the objective's domain
 */
export function createObjective(
  where: string,
  params: GradientBoostingParameters,
  y: Float64Array,
  classes: number,
  weights: Float64Array | undefined,
): Objective {
  const name = resolveName(where, params.objective, classes);
  if (name === 'logistic' || name === 'softmax') return classObjective(name, params, y, classes, weights);
  checkDomain(where, name, y);
  return valueObjective(name, params, y, weights);
}

function resolveName(where: string, name: BoostingObjective, classes: number): Objective['name'] {
  if (name === 'auto') return classes === 0 ? 'squared' : classes === 2 ? 'logistic' : 'softmax';
  const fits = name === 'logistic' ? classes === 2 : name === 'softmax' ? classes >= 2 : classes === 0;
  if (fits) return name;
  throw new DataError(
    `${where}: the objective must fit the target, but got "${name}" for ` +
      `${classes === 0 ? 'a regression' : `${classes} classes`}. Use "auto".`,
  );
}

function classObjective(
  name: 'logistic' | 'softmax',
  params: GradientBoostingParameters,
  y: Float64Array,
  classes: number,
  weights: Float64Array | undefined,
): Objective {
  const shares = new Float64Array(classes);
  let total = 0;
  for (let i = 0; i < y.length; i++) {
    const w = weights?.[i] ?? 1;
    shares[y[i]] += w;
    total += w;
  }
  const logs = shares.map((share) => Math.log(Math.max(share / total, 1e-9)));
  const common = { name, constantHessian: false, renewQuantile: undefined, center: 0, scale: 1 };
  if (name === 'logistic') {
    return {
      ...common,
      code: treeLayout.LOGISTIC,
      link: 'logistic',
      outputs: 1,
      parameter: 0,
      maxDeltaStep: params.maxDeltaStep ?? 0,
      start: Float64Array.of(logs[1] - logs[0]),
      loss: meanLoss((s, t) => (t > 0 ? softplus(-s) : softplus(s))),
    };
  }
  return {
    ...common,
    code: treeLayout.SOFTMAX,
    link: 'softmax',
    outputs: classes,
    // Friedman's factor K / (K − 1) makes the diagonal hessian a fair bound of the full one.
    parameter: classes / (classes - 1),
    maxDeltaStep: params.maxDeltaStep ?? 0,
    start: logs,
    loss: softmaxLoss(classes),
  };
}

function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

function softmaxLoss(classes: number): Objective['loss'] {
  return (scores, stride, targets, weights) => {
    let sum = 0;
    let total = 0;
    for (let i = 0; i < targets.length; i++) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < classes; k++) largest = Math.max(largest, scores[k * stride + i]);
      let denominator = 0;
      for (let k = 0; k < classes; k++) denominator += Math.exp(scores[k * stride + i] - largest);
      const w = weights?.[i] ?? 1;
      sum += w * (Math.log(denominator) + largest - scores[targets[i] * stride + i]);
      total += w;
    }
    return sum / total;
  };
}

function meanLoss(loss: Loss): Objective['loss'] {
  return (scores, _, targets, weights) => {
    let sum = 0;
    let total = 0;
    for (let i = 0; i < targets.length; i++) {
      const w = weights?.[i] ?? 1;
      sum += w * loss(scores[i], targets[i]);
      total += w;
    }
    return sum / total;
  };
}

type ValueObjective = Exclude<Objective['name'], 'logistic' | 'softmax'>;

function checkDomain(where: string, name: ValueObjective, y: Float64Array): void {
  const positive = name === 'gamma';
  if (!positive && name !== 'poisson' && name !== 'tweedie') return;
  const bad = y.findIndex((value) => (positive ? value <= 0 : value < 0));
  if (bad >= 0) {
    throw new DataError(
      `${where}: targets of objective "${name}" must be ${positive ? 'above 0' : '0 or more'}, but got ${y[bad]}. ` +
        'Use "squared".',
      { row: bad + 1 },
    );
  }
}

function valueObjective(
  name: ValueObjective,
  params: GradientBoostingParameters,
  y: Float64Array,
  weights: Float64Array | undefined,
): Objective {
  if (name === 'poisson' || name === 'tweedie' || name === 'gamma') {
    return logObjective(name, params, weightedMean(y, weights));
  }
  const quantile = name === 'quantile' ? params.quantileAlpha : 0.5;
  const center = name === 'squared' ? weightedMean(y, weights) : weightedQuantile(y, weights, quantile);
  const scale = spread(y, center) || 1;
  const delta =
    params.huberDelta ??
    (weightedQuantile(
      y.map((value) => Math.abs(value - center)),
      weights,
      0.9,
    ) ||
      scale);
  const d = delta / scale;
  const losses: Record<'squared' | 'absolute' | 'huber' | 'quantile', Loss> = {
    squared: (s, t) => 0.5 * (s - t) ** 2,
    absolute: (s, t) => Math.abs(s - t),
    huber: (s, t) => (Math.abs(s - t) <= d ? 0.5 * (s - t) ** 2 : d * (Math.abs(s - t) - 0.5 * d)),
    quantile: (s, t) => (t >= s ? quantile * (t - s) : (1 - quantile) * (s - t)),
  };
  const codes = {
    squared: treeLayout.SQUARED,
    absolute: treeLayout.ABSOLUTE,
    huber: treeLayout.HUBER,
    quantile: treeLayout.QUANTILE,
  };
  return {
    name,
    code: codes[name],
    link: 'identity',
    outputs: 1,
    constantHessian: true,
    parameter: name === 'huber' ? d : quantile,
    maxDeltaStep: (params.maxDeltaStep ?? 0) / scale,
    renewQuantile: name === 'absolute' || name === 'quantile' ? quantile : undefined,
    center,
    scale,
    start: new Float64Array(1),
    loss: meanLoss(losses[name]),
  };
}

function logObjective(
  name: 'poisson' | 'tweedie' | 'gamma',
  params: GradientBoostingParameters,
  mean: number,
): Objective {
  const p = params.tweedieVariancePower;
  const losses: Record<typeof name, Loss> = {
    poisson: (s, t) => Math.exp(s) - t * s,
    tweedie: (s, t) => Math.exp((2 - p) * s) / (2 - p) - (t * Math.exp((1 - p) * s)) / (1 - p),
    gamma: (s, t) => s + t * Math.exp(-s),
  };
  const codes = { poisson: treeLayout.POISSON, tweedie: treeLayout.TWEEDIE, gamma: treeLayout.GAMMA };
  return {
    name,
    code: codes[name],
    link: 'exp',
    outputs: 1,
    constantHessian: false,
    parameter: p,
    maxDeltaStep: params.maxDeltaStep ?? 0.7,
    renewQuantile: undefined,
    center: 0,
    scale: 1,
    start: Float64Array.of(Math.log(Math.max(mean, 1e-9))),
    loss: meanLoss(losses[name]),
  };
}

function weightedMean(y: Float64Array, weights: Float64Array | undefined): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < y.length; i++) {
    const w = weights?.[i] ?? 1;
    sum += w * y[i];
    total += w;
  }
  return sum / total;
}

/** Root mean square of y − center. */
function spread(y: Float64Array, center: number): number {
  let sum = 0;
  for (const value of y) sum += (value - center) ** 2;
  return Math.sqrt(sum / y.length);
}

/**
 * The smallest value with at least the share `quantile` of the weight at or below it; the middle of two values when
 * the share is met exactly.
 */
export function weightedQuantile(
  values: Float64Array,
  weights: Float64Array | undefined,
  quantile: number,
): number {
  const n = values.length;
  if (weights === undefined) {
    const sorted = values.slice().sort();
    const target = quantile * n;
    const at = Math.min(n - 1, Math.max(0, Math.ceil(target - 1e-9) - 1));
    return Math.abs(target - (at + 1)) < 1e-9 && at + 1 < n ? (sorted[at] + sorted[at + 1]) / 2 : sorted[at];
  }
  const order = Uint32Array.from(values.keys()).sort((a, b) => values[a] - values[b]);
  let total = 0;
  for (const w of weights) total += w;
  const target = quantile * total;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += weights[order[i]];
    if (Math.abs(sum - target) <= 1e-12 * total && i + 1 < n) {
      return (values[order[i]] + values[order[i + 1]]) / 2;
    }
    if (sum > target) return values[order[i]];
  }
  return values[order[n - 1]];
}
