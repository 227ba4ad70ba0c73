/**
 * The classes with the most wrong rows, those of the class and those taken for it together, in their own order.
 *
 * @param matrix [K, K] row = true class, column = predicted class
 * @param most how many at most
 */
export function confusedClasses(matrix: readonly (readonly number[])[], most: number): number[] {
  const wrong = matrix.map(() => 0);
  for (const [actual, row] of matrix.entries()) {
    for (const [predicted, count] of row.entries()) {
      if (actual === predicted) continue;
      wrong[actual] += count;
      wrong[predicted] += count;
    }
  }
  return matrix
    .map((_, k) => k)
    .sort((a, b) => wrong[b] - wrong[a] || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}
