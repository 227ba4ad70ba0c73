/** Rows of one class that were taken for another one. Class indices. */
export interface Confusion {
  readonly actual: number;
  readonly predicted: number;
  readonly count: number;
}

/**
 * The most frequent confusions, ties in the order of the classes.
 *
 * @param matrix [K, K] row = true class, column = predicted class
 * @param most how many at most
 */
export function topConfusions(matrix: readonly (readonly number[])[], most: number): Confusion[] {
  const found: Confusion[] = [];
  for (const [actual, row] of matrix.entries()) {
    for (const [predicted, count] of row.entries()) {
      if (count > 0 && actual !== predicted) found.push({ actual, predicted, count });
    }
  }
  return found
    .sort((a, b) => b.count - a.count || a.actual - b.actual || a.predicted - b.predicted)
    .slice(0, most);
}
