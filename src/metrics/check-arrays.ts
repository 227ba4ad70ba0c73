import { DataError, ShapeError } from '#core';

/** @throws ShapeError when `values` has not `length` entries */
export function checkLength(where: string, what: string, values: ArrayLike<number>, length: number): void {
  if (values.length !== length) {
    throw new ShapeError(
      `${where}: ${what} must have ${length} entries, but got ${values.length}. Pass arrays of the same rows.`,
      { what, expected: length, actual: values.length },
    );
  }
}

/** @throws DataError when there are no rows */
export function checkRows(where: string, rows: number): void {
  if (rows === 0) throw new DataError(`${where}: there must be rows, but got none. Pass at least one row.`);
}

/** @throws DataError for an entry that is not a whole number in [0, classes) */
export function checkClassIndices(
  where: string,
  what: string,
  values: ArrayLike<number>,
  classes: number,
): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!(value >= 0 && value < classes && Number.isInteger(value))) {
      throw new DataError(
        `${where}: ${what} must be class indices 0 … ${classes - 1}, but got ${value} in row ${i + 1}. ` +
          'Encode the labels first.',
        { row: i + 1 },
      );
    }
  }
}

/** @throws DataError for a NaN or infinite entry */
export function checkFinite(where: string, what: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new DataError(
        `${where}: ${what} must be finite, but got ${values[i]} in row ${i + 1}. Drop or repair the row.`,
        { row: i + 1 },
      );
    }
  }
}

const ROUNDING = 1e-6;

/** @throws ShapeError, DataError unless `values` is [rows, classes] in [0, 1]; rows need not sum to 1 exactly */
export function checkProbabilities(
  where: string,
  values: ArrayLike<number>,
  rows: number,
  classes: number,
): void {
  checkLength(where, `probabilities [${rows}, ${classes}]`, values, rows * classes);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!(value >= -ROUNDING && value <= 1 + ROUNDING)) {
      const row = Math.floor(i / classes) + 1;
      throw new DataError(
        `${where}: probabilities must be in [0, 1], but got ${value} in row ${row}, class ${i % classes}. ` +
          'Check the model that made them.',
        { row, class: i % classes },
      );
    }
  }
}

/** @throws ShapeError, DataError unless `weights` is absent or has a finite number ≥ 0 per row, not all 0 */
export function checkWeights(where: string, weights: ArrayLike<number> | undefined, rows: number): void {
  if (weights === undefined) return;
  checkLength(where, 'weights', weights, rows);
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    if (!(weights[i] >= 0 && weights[i] < Number.POSITIVE_INFINITY)) {
      throw new DataError(
        `${where}: weights must be finite and not negative, but got ${weights[i]} in row ${i + 1}. Repair the weights.`,
        { row: i + 1 },
      );
    }
    sum += weights[i];
  }
  if (sum === 0) {
    throw new DataError(`${where}: weights must not all be 0, but got ${rows} zeros. Leave the weights out.`);
  }
}
