import { choleskyFactor, solveLower, solveLowerTransposed } from './cholesky.ts';
import { type DesignMatrix, sum } from './design-matrix.ts';
import { weightedGram } from './gram.ts';
import type { Pacer } from './pacer.ts';

/** Up to this many features the products of all pairs of columns are used, above it only the squares. */
const GRAM_WIDTH = 768;

/** A change of variables w = T·u that makes a Hessian roughly the identity. The methods work in place. */
export interface Preconditioner {
  /** u → T·u */
  toWeights(u: Float64Array): Float64Array;
  /** ∇_w → Tᵀ·∇_w */
  toGradient(gradient: Float64Array): Float64Array;
  /** The same for the intercept. */
  readonly interceptScale: number;
}

/**
 * T = L⁻ᵀ with L·Lᵀ = Xᵀ·diag(h)·X / total + ridge · I; only its diagonal for wide matrices.
 *
 * @param h [N] curvature of the loss in each row's score
 * @param ridge positive
 */
export async function preconditioner(
  X: DesignMatrix,
  h: Float64Array,
  total: number,
  ridge: number,
  pacer: Pacer,
): Promise<Preconditioner> {
  const { width } = X;
  const interceptScale = 1 / Math.sqrt(Math.max(sum(h) / total, 1e-6));
  if (width <= GRAM_WIDTH) {
    const hessian = (await weightedGram(X, h, pacer)).map((value) => value / total);
    for (let j = 0; j < width; j++) hessian[j * width + j] += ridge;
    const L = choleskyFactor(hessian, width);
    if (L !== undefined) {
      return {
        toWeights: (u) => solveLowerTransposed(L, width, u),
        toGradient: (gradient) => solveLower(L, width, gradient),
        interceptScale,
      };
    }
  }
  const scale = X.squares(h).map((square) => 1 / Math.sqrt(square / total + ridge));
  const multiply = (values: Float64Array) => {
    for (let j = 0; j < width; j++) values[j] *= scale[j];
    return values;
  };
  return { toWeights: multiply, toGradient: multiply, interceptScale };
}
