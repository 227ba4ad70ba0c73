import type { Deadline, Logger } from '#core';
import type { OnnxGraph } from '#engine';
import type { Parameters, SearchSpace } from '#tune';
import type { FeatureMatrix } from '../features/matrix.ts';

export type Task = 'classification' | 'regression';

/** How the featuriser encodes categoricals: `onehot` is imputed and numeric only, `ordinal` keeps codes and NaN. */
export type Encoding = 'onehot' | 'ordinal';

/** Rows to learn from. N rows, D features, K classes. */
export interface TrainingData {
  readonly X: FeatureMatrix;
  /** [N] class indices 0 … K − 1, or the values of a regression. */
  readonly y: Float64Array;
  /** K ≥ 2 in classification, 0 in regression. */
  readonly classes: number;
  /** [N] non-negative sample weights; all 1 when absent. */
  readonly weights?: Float64Array;
  /** Rows for early stopping; learners without it ignore them. */
  readonly validation?: {
    readonly X: FeatureMatrix;
    readonly y: Float64Array;
    readonly weights?: Float64Array;
  };
}

/** The circumstances of one fit. */
export interface FitContext {
  readonly seed: number;
  /** Threads the fit may use; the result does not depend on it. */
  readonly threads: number;
  /** Looked at inside long loops; the fit throws `CancelledError` when it is over. */
  readonly deadline: Deadline;
  readonly logger: Logger;
}

/** A JSON document that `Learner.load` turns back into the model. */
export interface SerializedModel {
  readonly learner: string;
  readonly [key: string]: unknown;
}

/** A fitted learner. Only a model predicts. */
export interface Model {
  /** Leaderboard name of the learner. */
  readonly learner: string;
  /** K, or 0 in regression. */
  readonly classes: number;
  /** D of the matrix it was fitted on. */
  readonly width: number;
  /** @returns row-major class probabilities [N, K], rows summing to 1; or values [N] */
  predict(X: FeatureMatrix): Float64Array;
  toJSON(): SerializedModel;
  /**
   * Adds the model's nodes to a graph.
   * @param features name of a float32 tensor [N, D]
   * @returns name of a float32 tensor: probabilities [N, K], or values [N, 1]
   */
  emitOnnx(graph: OnnxGraph, features: string): string;
}

/** Facts about the data a search space may depend on. */
export interface DataShape {
  readonly rows: number;
  readonly width: number;
  readonly classes: number;
}

/** A learning algorithm: `fit` gives a `Model`. Plain data in, plain data out; no state of its own. */
export interface Learner<P extends object = object> {
  /** Leaderboard name, e.g. `GradientBoosting`. */
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly encoding: Encoding;
  /** Whether numbers should be scaled first (linear models, neighbours). */
  readonly needsScaling: boolean;
  /** Every parameter with its default. */
  readonly defaults: Readonly<P>;
  space(task: Task, shape: DataShape): SearchSpace;
  /** Expected seconds of one fit relative to other learners at the same size; used before anything was measured. */
  relativeCost(params: Parameters, shape: DataShape): number;
  /**
   * @throws ConfigError for parameters out of range or unknown, all of them named
   * @throws DataError for data it cannot use (zero rows, zero features, one class)
   * @throws CancelledError when `context.deadline` is over
   */
  fit(data: TrainingData, params: Partial<P>, context: FitContext): Promise<Model>;
  load(json: SerializedModel): Model;
}
