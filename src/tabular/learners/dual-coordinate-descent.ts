import type { Rng } from '#core';
import type { LinearDecision } from './calibrated-one-vs-rest.ts';
import type { Pacer } from './pacer.ts';
import { type RowMatrix, RowWeights } from './row-matrix.ts';

export interface SupportVectorProblem {
  readonly X: RowMatrix;
  /** [N] ‖x_i‖² */
  readonly squaredNorms: Float64Array;
  /** [N] C times the sample weight */
  readonly costs: Float64Array;
  readonly maxIterations: number;
  readonly tolerance: number;
}

/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 1024;

/**
 * The linear support vector machine with squared hinge loss: minimises ½(‖w‖² + b²) + Σ_i c_i·max(0, 1 − y_i·(x_i·w + b))²
 * through its dual, one row at a time in random order; rows that stay at α = 0 are set aside.
 *
 * @param rows rows to learn from
 * @param signs [N] +1 or −1
 * @source Hsieh, Chang, Lin, Keerthi and Sundararajan, A Dual Coordinate Descent Method for Large-scale Linear SVM (2008),
 * algorithm 3
 */
export async function fitSupportVectors(
  problem: SupportVectorProblem,
  rows: Uint32Array,
  signs: Int8Array,
  rng: Rng,
  pacer: Pacer,
): Promise<LinearDecision> {
  const { X, squaredNorms, costs, tolerance } = problem;
  const w = new RowWeights(X);
  let b = 0;
  const alpha = new Float64Array(X.rows);
  const active = rows.slice();
  let size = active.length;
  let bound = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass < problem.maxIterations; pass++) {
    let most = Number.NEGATIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    rng.shuffle(active.subarray(0, size));
    for (let at = 0; at < size; at++) {
      if (at % ROWS_PER_LOOK === 0 && pacer.due()) await pacer.pause();
      const i = active[at];
      const diagonal = 0.5 / costs[i];
      const gradient = signs[i] * (w.dot(i) + b) - 1 + diagonal * alpha[i];
      if (alpha[i] === 0 && gradient > bound) {
        size--;
        active[at] = active[size];
        active[size] = i;
        at--;
        continue;
      }
      const projected = alpha[i] === 0 ? Math.min(gradient, 0) : gradient;
      most = Math.max(most, projected);
      least = Math.min(least, projected);
      if (Math.abs(projected) < 1e-12) continue;
      const old = alpha[i];
      alpha[i] = Math.max(old - gradient / (squaredNorms[i] + 1 + diagonal), 0);
      const step = (alpha[i] - old) * signs[i];
      w.add(i, step);
      b += step;
    }
    if (size === 0 || most - least <= tolerance) {
      if (size === active.length) break;
      // All is well among the active rows: look at all of them again before believing it.
      size = active.length;
      bound = Number.POSITIVE_INFINITY;
    } else {
      bound = most > 0 ? most : Number.POSITIVE_INFINITY;
    }
  }
  return { w: w.toArray(), b };
}
