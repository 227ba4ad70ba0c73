import type { ClassJudgement } from './judge-predictions.ts';

/**
 * Class indices by rising recall, then rising average precision, then in their own order; classes without rows last.
 */
export function worstClassesFirst(perClass: readonly ClassJudgement[]): number[] {
  const isAbsent = (k: number) => (perClass[k].support === 0 ? 1 : 0);
  return perClass
    .map((_, k) => k)
    .sort(
      (a, b) =>
        isAbsent(a) - isAbsent(b) ||
        perClass[a].recall - perClass[b].recall ||
        (perClass[a].averagePrecision ?? 0) - (perClass[b].averagePrecision ?? 0) ||
        a - b,
    );
}
