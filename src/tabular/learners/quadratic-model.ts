import { type DesignMatrix, sum } from './design-matrix.ts';
import { weightedGram } from './gram.ts';
import type { Pacer } from './pacer.ts';

/** Up to this many features the products of all pairs of columns are worth keeping. */
const GRAM_WIDTH = 1024;

/**
 * q(d, b) = Σ_i g_i·z_i + ½ Σ_i h_i·z_i² with z = X·d + b, as coordinate descent sees it: one coordinate of d at a
 * time, b following.
 */
export interface QuadraticModel {
  /** [D] ∂²q / ∂d_j² */
  readonly curvature: Float64Array;
  /** Σ h */
  readonly totalH: number;
  /** ∂q / ∂d_j at the present point */
  gradient(j: number): number;
  /** d_j += step */
  update(j: number, step: number): void;
  /** Moves b to its best value. @returns how far it moved */
  settleIntercept(): number;
  readonly intercept: number;
}

/** The cheaper of two ways to keep the gradient: from the Gram matrix for few columns, else from the residuals. */
export async function quadraticModel(
  X: DesignMatrix,
  g: Float64Array,
  h: Float64Array,
  fitIntercept: boolean,
  pacer: Pacer,
): Promise<QuadraticModel> {
  if (X.width > GRAM_WIDTH) return new ResidualQuadratic(X, g, h, fitIntercept);
  return new GramQuadratic(X, g, h, await weightedGram(X, h, pacer), fitIntercept);
}

/** The gradient of all coordinates is kept; a step costs D. The intercept is eliminated: b = −(Σg + hᵀXd) / Σh. */
class GramQuadratic implements QuadraticModel {
  readonly curvature: Float64Array;
  readonly totalH: number;
  private readonly gram: Float64Array;
  private readonly gradients: Float64Array;
  /** [D] Xᵀh / Σh, and b as a function of d; unused without intercept. */
  private readonly mean: Float64Array;
  private readonly fitIntercept: boolean;
  private b: number;

  constructor(X: DesignMatrix, g: Float64Array, h: Float64Array, gram: Float64Array, fitIntercept: boolean) {
    const { width } = X;
    this.gram = gram;
    this.fitIntercept = fitIntercept;
    this.totalH = sum(h);
    this.gradients = new Float64Array(width);
    this.mean = new Float64Array(width);
    X.multiplyTransposed(g, this.gradients);
    this.b = 0;
    if (fitIntercept) {
      const totalG = sum(g);
      X.multiplyTransposed(h, this.mean);
      for (let j = 0; j < width; j++) {
        this.mean[j] /= this.totalH;
        this.gradients[j] -= this.mean[j] * totalG;
      }
      for (let j = 0; j < width; j++) {
        for (let k = 0; k < width; k++) gram[j * width + k] -= this.mean[j] * this.mean[k] * this.totalH;
      }
      this.b = -totalG / this.totalH;
    }
    this.curvature = Float64Array.from(this.gradients, (_, j) => Math.max(0, gram[j * width + j]));
  }

  get intercept(): number {
    return this.b;
  }

  gradient(j: number): number {
    return this.gradients[j];
  }

  update(j: number, step: number): void {
    const { gradients, gram } = this;
    const row = j * gradients.length;
    for (let k = 0; k < gradients.length; k++) gradients[k] += step * gram[row + k];
    if (this.fitIntercept) this.b -= step * this.mean[j];
  }

  settleIntercept(): number {
    return 0;
  }
}

/**
 * The residuals r = g + h·z are kept as `r[i] + shift·h[i]`: columns are few entries plus a constant, and the constants
 * only move `shift`. A step costs the stored entries of one column.
 */
class ResidualQuadratic implements QuadraticModel {
  readonly curvature: Float64Array;
  readonly totalH: number;
  intercept = 0;
  private readonly X: DesignMatrix;
  private readonly h: Float64Array;
  private readonly r: Float64Array;
  private readonly storedH: Float64Array;
  private readonly fitIntercept: boolean;
  private totalR: number;
  private shift = 0;

  constructor(X: DesignMatrix, g: Float64Array, h: Float64Array, fitIntercept: boolean) {
    this.X = X;
    this.h = h;
    this.r = g.slice();
    this.fitIntercept = fitIntercept;
    this.totalH = sum(h);
    this.totalR = sum(g);
    this.storedH = Float64Array.from(X.shifts, (_, j) => X.storedDot(j, h));
    this.curvature = X.squares(h);
  }

  gradient(j: number): number {
    const { X, shift } = this;
    const total = this.totalR + shift * this.totalH;
    return X.storedDot(j, this.r) + shift * this.storedH[j] + X.shifts[j] * total;
  }

  update(j: number, step: number): void {
    this.X.addStoredWeighted(j, step, this.h, this.r);
    this.totalR += step * this.storedH[j];
    this.shift += step * this.X.shifts[j];
  }

  settleIntercept(): number {
    if (!this.fitIntercept) return 0;
    const step = -(this.totalR + this.shift * this.totalH) / this.totalH;
    this.shift += step;
    this.intercept += step;
    return step;
  }
}
