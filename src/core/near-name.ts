/** Levenshtein distance between two strings, ignoring case. */
function editDistance(a: string, b: string): number {
  const s = a.toLowerCase();
  const t = b.toLowerCase();
  let previous = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const current = [i];
    for (let j = 1; j <= t.length; j++) {
      const change = s[i - 1] === t[j - 1] ? 0 : 1;
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + change));
    }
    previous = current;
  }
  return previous[t.length];
}

/** The candidate nearest to a mistyped `name`, or `undefined` when none is near (more than 40 % of it differs). */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  if (best === undefined) return undefined;
  const length = Math.max(name.length, best.length);
  return bestDistance < length && bestDistance <= Math.max(1, 0.4 * length) ? best : undefined;
}

const SHOWN_NAMES = 20;

/** The end of an error sentence about an unknown column: the nearest one, or those there are. */
export function columnHint(name: string, columns: readonly string[]): string {
  const near = nearestName(name, columns);
  if (near !== undefined) return `Did you mean "${near}"?`;
  const rest = columns.length - SHOWN_NAMES;
  const shown = columns.slice(0, SHOWN_NAMES).join(', ');
  return `Columns are: ${shown}${rest > 0 ? ` and ${rest} more` : ''}.`;
}
