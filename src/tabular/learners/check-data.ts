import { DataError, ShapeError } from '#core';
import type { FeatureMatrix } from '../features/matrix.ts';
import type { Model, Task, TrainingData } from './learner.ts';

/** What a learner asks of its data beyond rows, weights and targets that fit together. */
export interface DataNeeds {
  readonly tasks: readonly Task[];
  /** At least one feature; `true` by default. */
  readonly features?: boolean;
  /** No NaN and no infinity in the features; `true` by default. */
  readonly finite?: boolean;
  /** At least two classes with positive weight; `true` by default. */
  readonly twoClasses?: boolean;
}

/**
 * Checks training data at the border of a fit.
 * @throws DataError for zero rows, zero features, one class, values or weights that cannot be used
 * @throws ShapeError when features, targets and weights have different lengths
 */
export function checkTrainingData(where: string, data: TrainingData, needs: DataNeeds): void {
  const { X, y, weights, classes } = data;
  const task: Task = classes > 0 ? 'classification' : 'regression';
  if (!needs.tasks.includes(task)) {
    throw new DataError(
      `${where}: fits ${needs.tasks.join(' and ')} only, but got data with ${classes} classes. Use another learner.`,
    );
  }
  if (y.length !== X.rows || (weights !== undefined && weights.length !== X.rows)) {
    throw new ShapeError(
      `${where}: features, targets and weights must have the same rows, but got ${X.rows} rows of features, ` +
        `${y.length} targets${weights === undefined ? '' : ` and ${weights.length} weights`}. Cut them alike.`,
    );
  }
  if (X.rows === 0) throw new DataError(`${where}: needs at least one row, but got 0. Give it data.`);
  if (X.width === 0 && needs.features !== false) {
    throw new DataError(
      `${where}: needs at least one feature, but got 0. Use Dummy for data without features.`,
    );
  }
  checkWeights(where, weights);
  checkTargets(where, data, needs.twoClasses !== false);
  if (needs.finite !== false) checkFinite(where, X);
}

function checkWeights(where: string, weights: Float64Array | undefined): void {
  if (weights === undefined) return;
  let sum = 0;
  for (const weight of weights) {
    if (!(weight >= 0)) {
      throw new DataError(
        `${where}: sample weights must be 0 or more, but got ${weight}. Correct the weights.`,
      );
    }
    sum += weight;
  }
  if (!(sum > 0 && Number.isFinite(sum))) {
    throw new DataError(
      `${where}: sample weights must have a positive, finite sum, but it is ${sum}. Correct the weights.`,
    );
  }
}

function checkTargets(where: string, { y, classes, weights }: TrainingData, twoClasses: boolean): void {
  if (classes === 0) {
    const bad = y.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new DataError(`${where}: targets must be finite, but got ${y[bad]}. Drop the row.`, {
        row: bad + 1,
      });
    }
    return;
  }
  const bad = y.findIndex((value) => !(Number.isInteger(value) && value >= 0 && value < classes));
  if (bad >= 0) {
    throw new DataError(
      `${where}: targets must be class indices 0 to ${classes - 1}, but got ${y[bad]}. Encode the label.`,
      { row: bad + 1 },
    );
  }
  if (!twoClasses) return;
  const first = y.findIndex((_, i) => weights === undefined || weights[i] > 0);
  if (!y.some((value, i) => value !== y[first] && (weights === undefined || weights[i] > 0))) {
    throw new DataError(
      `${where}: needs rows of at least two classes, but all are of class ${y[first]}. Give it more rows, or use Dummy.`,
    );
  }
}

/** @throws DataError naming the first feature with NaN or infinity */
function checkFinite(where: string, X: FeatureMatrix): void {
  for (let j = 0; j < X.width; j++) {
    const values = X.columns[j].values;
    let sum = 0;
    // v · 0 is 0 for finite v and NaN otherwise.
    for (let i = 0; i < values.length; i++) sum += values[i] * 0;
    if (sum !== 0) {
      throw new DataError(
        `${where}: features must be finite, but "${X.features[j].name}" holds NaN or infinite values. Impute them first.`,
        { column: X.features[j].name },
      );
    }
  }
}

/**
 * Checks the matrix given to `predict`.
 * @throws ShapeError when its width is not the model's
 * @throws DataError when the model needs finite features and one is not
 */
export function checkFeatures(
  model: Pick<Model, 'learner' | 'width'>,
  X: FeatureMatrix,
  finite = true,
): void {
  if (X.width !== model.width) {
    throw new ShapeError(
      `${model.learner}: predicts from ${model.width} features, but got ${X.width}. Use the featuriser it was fitted with.`,
    );
  }
  if (finite) checkFinite(model.learner, X);
}
