import type { ColumnImportance } from '../ensemble/permutation-importance.ts';
import type { Task } from '../learners/learner.ts';

/** Scores from which the best model is suspected to have seen the label, whatever it looks at. */
const ALMOST_PERFECT = 0.999;
/** Scores from which it is when one or two columns make up most of the importance. */
const VERY_GOOD: { readonly [T in Task]: number } = { classification: 0.98, regression: 0.99 };
const MOST = 0.95;
const SHOWN = 3;

/**
 * A warning when the best model is better than data of this world mostly allow. Columns that give the label away only
 * together (two summands of it), or with a gap, are not seen by a look at single columns.
 *
 * @param metrics of the best model, by Azure's names
 * @param importance of the raw columns, the greatest first; empty when not measured
 */
export function tooGoodWarning(
  task: Task,
  metrics: Readonly<Record<string, number>>,
  importance: readonly ColumnImportance[],
): string | undefined {
  const metric = task === 'classification' ? 'AUC_weighted' : 'r2_score';
  const score = metrics[metric];
  const positive = importance.filter((entry) => entry.importance > 0);
  const sum = positive.reduce((total, entry) => total + entry.importance, 0);
  const two = positive.slice(0, 2).reduce((total, entry) => total + entry.importance, 0);
  const dominated = positive.length > 0 && two >= MOST * sum;
  if (!(score > ALMOST_PERFECT || (dominated && score > VERY_GOOD[task]))) return undefined;
  const found: string[] = [];
  let told = 0;
  for (const { column, importance: value } of positive.slice(0, SHOWN)) {
    if (told >= MOST * sum) break;
    found.push(`"${column}"`);
    told += value;
  }
  const where = found.length === 0 ? 'a column' : found.join(', ');
  return (
    `The best score is almost perfect (${metric} ${score.toFixed(4)}). Is ${where} known before the label is? If not, ` +
    'leave it out with dropColumns.'
  );
}
