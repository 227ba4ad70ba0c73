import { ConfigError, ShapeError } from '#core';

/**
 * Share of rows whose class is among the k of highest score; of equal scores the lower class comes first.
 *
 * @param yTrue [N] class indices 0 … K − 1
 * @param scores [N, K] row-major
 * @param classes K
 * @throws ConfigError for a k that is no whole number from 1; ShapeError for arrays that do not fit
 */
export function topKAccuracy(
  yTrue: ArrayLike<number>,
  scores: ArrayLike<number>,
  classes: number,
  k: number,
): number {
  if (!(Number.isInteger(k) && k >= 1))
    throw new ConfigError(`topKAccuracy: k must be a whole number from 1, but got ${k}. Give one such as 5.`);
  if (scores.length !== yTrue.length * classes || yTrue.length === 0) {
    throw new ShapeError(
      `topKAccuracy: there must be ${classes} scores for each of the rows, at least 1, but got ${scores.length} for ${yTrue.length}. Pass all scores row by row.`,
    );
  }
  let hits = 0;
  for (let i = 0; i < yTrue.length; i++) {
    const own = scores[i * classes + yTrue[i]];
    let above = 0;
    for (let c = 0; c < classes; c++) {
      const score = scores[i * classes + c];
      if (score > own || (score === own && c < yTrue[i])) above++;
    }
    if (above < k) hits++;
  }
  return hits / yTrue.length;
}
