import { DesignMatrix, sum } from './design-matrix.ts';
import type { TrainingData } from './learner.ts';

/** A least-squares problem with its means taken out. */
export interface CenteredProblem {
  /** Centred, unless there is no intercept. */
  readonly X: DesignMatrix;
  /** [N] (y − mean) / scale */
  readonly target: Float64Array;
  /** [N] sample weights that sum to 1 */
  readonly weights: Float64Array;
  /** Σ of the original weights. */
  readonly totalWeight: number;
  /** Standard deviation of y (1 when y is constant), or 1 when not asked for. */
  readonly scale: number;
  /** Turns weights for the centred, scaled problem into weights and intercept for the original one. */
  restore(w: Float64Array): { coefficients: Float64Array; intercepts: Float64Array };
}

export interface CenterOptions {
  readonly fitIntercept: boolean;
  /** Divide the target by its standard deviation. */
  readonly scaleTarget: boolean;
}

/** Centres features and target by their weighted means, so that the intercept drops out. */
export function centeredProblem(data: TrainingData, options: CenterOptions): CenteredProblem {
  const X = new DesignMatrix(data.X);
  const raw = data.weights ?? new Float64Array(data.y.length).fill(1);
  const totalWeight = sum(raw);
  const weights = raw.map((weight) => weight / totalWeight);
  let mean = 0;
  if (options.fitIntercept) {
    for (let i = 0; i < weights.length; i++) mean += weights[i] * data.y[i];
    X.center(X.means(weights));
  }
  const target = data.y.map((value) => value - mean);
  let variance = 0;
  for (let i = 0; i < weights.length; i++) variance += weights[i] * target[i] * target[i];
  const scale = options.scaleTarget && variance > 0 ? Math.sqrt(variance) : 1;
  for (let i = 0; i < target.length; i++) target[i] /= scale;
  return {
    X,
    target,
    weights,
    totalWeight,
    scale,
    restore: (w) => {
      const coefficients = w.map((value) => value * scale);
      let intercept = mean;
      for (let j = 0; j < w.length; j++) intercept -= coefficients[j] * X.centers[j];
      return { coefficients, intercepts: Float64Array.of(options.fitIntercept ? intercept : 0) };
    },
  };
}
