import type { Pacer } from './pacer.ts';
import type { QuadraticModel } from './quadratic-model.ts';

/** l1·‖w‖₁ + ½·l2·‖w‖² */
export interface ElasticPenalty {
  readonly l1: number;
  readonly l2: number;
}

export interface CoordinateDescentOptions {
  readonly penalty: ElasticPenalty;
  readonly maxPasses: number;
  /** Stops when no step of a pass changes the scores by more than this (root mean square). */
  readonly tolerance: number;
  readonly pacer: Pacer;
}

/**
 * Minimises q(w − w₀, b) + penalty(w) by cyclic coordinate descent: a pass over all columns, then passes over the
 * active ones until they rest, until a pass over all finds nothing new.
 *
 * @param w [D] w₀; holds the minimum afterwards
 * @returns whether the steps became small within `maxPasses`
 * @source Friedman, Hastie and Tibshirani, Regularization Paths for Generalized Linear Models via Coordinate Descent
 * (2010)
 */
export async function coordinateDescent(
  model: QuadraticModel,
  w: Float64Array,
  { penalty, maxPasses, tolerance, pacer }: CoordinateDescentOptions,
): Promise<boolean> {
  const pass = async (columns: Uint32Array): Promise<number> => {
    let change = 0;
    for (const j of columns) {
      if (pacer.due()) await pacer.pause();
      const step = updateColumn(model, w, j, penalty);
      change = Math.max(change, Math.abs(step) * Math.sqrt(model.curvature[j] / model.totalH));
    }
    return Math.max(change, Math.abs(model.settleIntercept()));
  };
  const all = Uint32Array.from(w.keys());
  model.settleIntercept();
  for (let passes = 0; passes < maxPasses; ) {
    passes++;
    if ((await pass(all)) <= tolerance) return true;
    const active = all.filter((j) => w[j] !== 0);
    while (passes < maxPasses) {
      passes++;
      if ((await pass(active)) <= tolerance) break;
    }
  }
  return false;
}

/** The exact minimum along one coordinate. */
function updateColumn(model: QuadraticModel, w: Float64Array, j: number, { l1, l2 }: ElasticPenalty): number {
  const a = model.curvature[j] + l2;
  // A constant column says nothing: it keeps (or gets) the coefficient the penalty wants.
  if (!(model.curvature[j] > 1e-12 * model.totalH * Number.EPSILON)) return 0;
  const gradient = model.gradient(j) + l2 * w[j];
  const step = softThreshold(w[j] - gradient / a, l1 / a) - w[j];
  if (step !== 0) {
    w[j] += step;
    model.update(j, step);
  }
  return step;
}

/** sign(v) · max(|v| − t, 0) */
function softThreshold(value: number, threshold: number): number {
  if (value > threshold) return value - threshold;
  return value < -threshold ? value + threshold : 0;
}
