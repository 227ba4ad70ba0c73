import { type DesignMatrix, sum } from './design-matrix.ts';
import { minimizeLbfgs } from './lbfgs.ts';
import { logSigmoid, sigmoid } from './linear-model.ts';
import type { Pacer } from './pacer.ts';

export interface LogisticProblem {
  readonly X: DesignMatrix;
  /** [N] class indices */
  readonly y: Float64Array;
  readonly classes: number;
  /** [N] positive */
  readonly weights: Float64Array;
  readonly C: number;
  readonly fitIntercept: boolean;
  readonly maxIterations: number;
  readonly tolerance: number;
}

/** Weights [M, D] and intercepts [M] of M = 1 score (two classes) or M = K scores. */
export interface LinearSolution {
  readonly coefficients: Float64Array;
  readonly intercepts: Float64Array;
}

/**
 * L2-penalised logistic regression, multinomial for K > 2: minimises
 * C · Σ_i s_i · loss_i + ½‖W‖², intercepts free, divided by C · Σ s.
 *
 * The variables of the search are u = w · σ, σ_j being the column's standard deviation, and the columns are centred;
 * both only make the search shorter, the minimum is the same.
 */
export async function fitLogisticLbfgs(problem: LogisticProblem, pacer: Pacer): Promise<LinearSolution> {
  const { X, y, classes, weights, fitIntercept } = problem;
  const outputs = classes === 2 ? 1 : classes;
  const { rows, width } = X;
  const total = sum(weights);
  const ridge = 1 / (problem.C * total);
  if (fitIntercept) X.center(X.means(weights));
  const scale = X.squares(weights).map((square) => (square > 0 ? Math.sqrt(square / total) : 1));

  const scores = new Float64Array(outputs * rows);
  const w = new Float64Array(width);
  const dw = new Float64Array(width);
  const column = (values: Float64Array, m: number) => values.subarray(m * rows, (m + 1) * rows);
  const objective = (u: Float64Array, gradient: Float64Array): number => {
    let penalty = 0;
    for (let m = 0; m < outputs; m++) {
      for (let j = 0; j < width; j++) {
        w[j] = u[m * width + j] / scale[j];
        penalty += w[j] * w[j];
      }
      X.multiply(w, fitIntercept ? u[outputs * width + m] : 0, column(scores, m));
    }
    const loss =
      outputs === 1 ? binaryLoss(scores, y, weights) : multinomialLoss(scores, y, weights, classes);
    for (let m = 0; m < outputs; m++) {
      const residual = column(scores, m);
      X.multiplyTransposed(residual, dw);
      for (let j = 0; j < width; j++) {
        const at = m * width + j;
        gradient[at] = dw[j] / (total * scale[j]) + (ridge * u[at]) / (scale[j] * scale[j]);
      }
      gradient[outputs * width + m] = fitIntercept ? sum(residual) / total : 0;
    }
    return loss / total + 0.5 * ridge * penalty;
  };

  const start = new Float64Array(outputs * (width + 1));
  const { maxIterations, tolerance } = problem;
  const { x } = await minimizeLbfgs(objective, start, { pacer, maxIterations, tolerance });
  const coefficients = x.slice(0, outputs * width);
  const intercepts = x.slice(outputs * width);
  for (let m = 0; m < outputs; m++) {
    for (let j = 0; j < width; j++) {
      coefficients[m * width + j] /= scale[j];
      intercepts[m] -= coefficients[m * width + j] * X.centers[j];
    }
  }
  return { coefficients, intercepts };
}

/** Σ s · (−ln p(y)); turns the logits into residuals s · (p − y). */
function binaryLoss(logits: Float64Array, y: Float64Array, weights: Float64Array): number {
  let loss = 0;
  for (let i = 0; i < y.length; i++) {
    const z = logits[i];
    loss -= weights[i] * logSigmoid(y[i] === 1 ? z : -z);
    logits[i] = weights[i] * (sigmoid(z) - y[i]);
  }
  return loss;
}

/** The same for class-major scores [K, N] and the softmax. */
function multinomialLoss(
  scores: Float64Array,
  y: Float64Array,
  weights: Float64Array,
  classes: number,
): number {
  const rows = y.length;
  let loss = 0;
  for (let i = 0; i < rows; i++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let at = i; at < scores.length; at += rows) most = Math.max(most, scores[at]);
    const own = scores[y[i] * rows + i];
    let total = 0;
    for (let at = i; at < scores.length; at += rows) {
      scores[at] = Math.exp(scores[at] - most);
      total += scores[at];
    }
    loss += weights[i] * (Math.log(total) + most - own);
    for (let k = 0; k < classes; k++) {
      const at = k * rows + i;
      scores[at] = weights[i] * (scores[at] / total - (y[i] === k ? 1 : 0));
    }
  }
  return loss;
}
