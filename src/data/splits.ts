import { ConfigError, Rng } from '#core';

/** Row numbers to learn from and to judge on, both ascending, never overlapping. */
export interface Split {
  readonly train: Uint32Array;
  readonly test: Uint32Array;
}

export interface FoldOptions {
  /** Number of folds, 2 … rows. */
  readonly folds: number;
  readonly seed: number;
}

export interface ShareOptions {
  /** Share of the rows held out, in (0, 1). */
  readonly share: number;
  readonly seed: number;
  /** [N] stratum of each row, such as its class; shares are kept within each. */
  readonly strata?: ArrayLike<number>;
}

/** Every row is held out once, at random; fold sizes differ by one at most. */
export function kFold(rows: number, { folds, seed }: FoldOptions): Split[] {
  checkFolds('kFold', folds, rows, 'rows');
  const order = new Rng(seed).permutation(rows);
  const fold = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) fold[order[i]] = i % folds;
  return splitsOf(fold, folds);
}

/**
 * Like `kFold`, with the rows of each stratum spread evenly over the folds.
 * @param strata [N] class of each row
 * @param names of the classes, by number, for the error
 * @throws ConfigError when a stratum has fewer rows than there are folds
 */
export function stratifiedKFold(
  strata: ArrayLike<number>,
  { folds, seed }: FoldOptions,
  names?: readonly string[],
): Split[] {
  checkFolds('stratifiedKFold', folds, strata.length, 'rows');
  const small = [...rowsByValue(strata)].find(([, rows]) => rows.length < folds);
  if (small !== undefined) {
    throw new ConfigError(
      `stratifiedKFold: every class needs a row in each fold, but class ${names?.[small[0]] ?? small[0]} has ${small[1].length} ` +
        `rows for ${folds} folds. Use at most ${largestStratifiedFolds(strata)} folds.`,
      { class: names?.[small[0]] ?? small[0], rows: small[1].length, folds },
    );
  }
  return splitsOf(dealStrata(strata, folds, new Rng(seed)), folds);
}

/** The most folds for which every stratum has a row in each: the size of the smallest stratum. */
export function largestStratifiedFolds(strata: ArrayLike<number>): number {
  let least = strata.length;
  for (const rows of rowsByValue(strata).values()) least = Math.min(least, rows.length);
  return least;
}

/** One random split. */
export function holdOut(rows: number, options: ShareOptions): Split[] {
  return monteCarlo(rows, { ...options, repeats: 1 });
}

/** Independent random splits with the same share held out. */
export function monteCarlo(rows: number, options: ShareOptions & { readonly repeats: number }): Split[] {
  const { share, seed, repeats, strata } = options;
  if (!(share > 0 && share < 1)) {
    throw new ConfigError(
      `monteCarlo: share must be between 0 and 1, but got ${share}. Use for example 0.2.`,
    );
  }
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw new ConfigError(`monteCarlo: repeats must be a whole number of at least 1, but got ${repeats}.`);
  }
  checkFolds('monteCarlo', 2, rows, 'rows');
  const rng = new Rng(seed);
  return Array.from({ length: repeats }, (_, r) => {
    const random = rng.fork(r);
    const held = new Uint32Array(rows).fill(1);
    const groups =
      strata === undefined ? [Uint32Array.from({ length: rows }, (_, i) => i)] : rowsByValue(strata).values();
    for (const group of groups) {
      const shuffled = random.shuffle(Uint32Array.from(group));
      const size = shuffled.length === 1 ? 0 : Math.max(1, Math.round(share * shuffled.length));
      for (let i = 0; i < Math.min(size, shuffled.length - 1); i++) held[shuffled[i]] = 0;
    }
    return splitsOf(held, 1)[0];
  });
}

/**
 * Rows of one group are never in two folds. Groups are dealt out from the largest, each to the smallest fold; equal
 * groups in random order.
 * @param groups [N] group of each row
 */
export function groupKFold(groups: ArrayLike<number>, { folds, seed }: FoldOptions): Split[] {
  return stratifiedGroupKFold(groups, new Uint8Array(groups.length), { folds, seed });
}

/**
 * Like `groupKFold`, giving each group to the fold where it keeps the strata most even.
 * @param groups [N] group of each row
 * @param strata [N] class of each row
 */
export function stratifiedGroupKFold(
  groups: ArrayLike<number>,
  strata: ArrayLike<number>,
  { folds, seed }: FoldOptions,
): Split[] {
  const byGroup = rowsByValue(groups);
  checkFolds('groupKFold', folds, byGroup.size, 'groups');
  const strataIndex = new Map([...rowsByValue(strata).keys()].map((value, k) => [value, k]));
  const totals = new Float64Array(strataIndex.size);
  for (let i = 0; i < strata.length; i++) totals[strataIndex.get(strata[i]) as number]++;
  const counts = Array.from({ length: folds }, () => new Float64Array(strataIndex.size));
  const order = new Rng(seed).shuffle([...byGroup.values()]).sort((a, b) => b.length - a.length);
  const fold = new Uint32Array(groups.length);
  const filled = new Float64Array(folds);
  for (const rows of order) {
    const own = new Float64Array(strataIndex.size);
    for (const row of rows) own[strataIndex.get(strata[row]) as number]++;
    const chosen = leastUneven(counts, filled, own, totals);
    filled[chosen] += rows.length;
    for (let k = 0; k < own.length; k++) counts[chosen][k] += own[k];
    for (const row of rows) fold[row] = chosen;
  }
  return splitsOf(fold, folds);
}

/**
 * Each fold is judged on rows later than all it learned from: the rows in order of time are cut into `folds + 1`
 * blocks, and fold f learns from blocks 0 … f and is judged on block f + 1. Rows of one instant stay in one block.
 * @param times [N] any number that grows with time
 */
export function timeSeriesSplit(times: ArrayLike<number>, { folds }: { readonly folds: number }): Split[] {
  const rows = times.length;
  checkFolds('timeSeriesSplit', folds + 1, new Set(Array.from(times)).size, 'different times');
  const order = Uint32Array.from({ length: rows }, (_, i) => i).sort((a, b) => times[a] - times[b] || a - b);
  const starts = Array.from({ length: folds + 2 }, (_, b) => {
    let start = Math.round((b * rows) / (folds + 1));
    while (start > 0 && start < rows && times[order[start]] === times[order[start - 1]]) start++;
    return start;
  });
  const splits = Array.from({ length: folds }, (_, f) => ({
    train: order.slice(0, starts[f + 1]).sort(),
    test: order.slice(starts[f + 1], starts[f + 2]).sort(),
  }));
  return splits.filter((split) => split.train.length > 0 && split.test.length > 0);
}

/**
 * Folds named by the data: each distinct value holds its rows out once.
 * @param values [N] fold of each row; negative values and NaN are always learned from
 */
export function predefinedFolds(values: ArrayLike<number>): Split[] {
  const held = [...rowsByValue(values)].filter(([value]) => value >= 0).sort(([a], [b]) => a - b);
  if (held.length === 0 || (held.length === 1 && held[0][1].length === values.length)) {
    throw new ConfigError(
      `predefinedFolds: the fold column must leave rows to learn from, but it names ${held.length} folds for ` +
        `${values.length} rows. Give at least two values.`,
    );
  }
  const fold = new Uint32Array(values.length).fill(held.length);
  for (const [f, [, rows]] of held.entries()) for (const row of rows) fold[row] = f;
  return splitsOf(fold, held.length);
}

function rowsByValue(values: ArrayLike<number>): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (let i = 0; i < values.length; i++) {
    const list = rows.get(values[i]);
    if (list === undefined) rows.set(values[i], [i]);
    else list.push(i);
  }
  return rows;
}

/** Deals the shuffled rows of each stratum round the folds, going on where the last stratum stopped. */
function dealStrata(strata: ArrayLike<number>, folds: number, rng: Rng): Uint32Array {
  const fold = new Uint32Array(strata.length);
  let next = 0;
  for (const rows of rowsByValue(strata).values()) {
    for (const row of rng.shuffle(rows)) fold[row] = next++ % folds;
  }
  return fold;
}

/** The fold whose shares of the strata stay nearest to each other with the group added; the emptier of equals. */
function leastUneven(
  counts: readonly Float64Array[],
  filled: Float64Array,
  own: Float64Array,
  totals: Float64Array,
): number {
  let best = 0;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let f = 0; f < counts.length; f++) {
    // Adding `own` changes Σ_folds share² by 2·share·own + own²; the own² part is the same for every fold.
    let cost = 0;
    for (let k = 0; k < own.length; k++) cost += (counts[f][k] * own[k]) / (totals[k] * totals[k]);
    if (cost < bestCost - 1e-12 || (cost < bestCost + 1e-12 && filled[f] < filled[best])) {
      bestCost = cost;
      best = f;
    }
  }
  return best;
}

/** Splits for `fold[row]` in 0 … folds − 1; rows with another value are learned from in every split. */
function splitsOf(fold: Uint32Array, folds: number): Split[] {
  return Array.from({ length: folds }, (_, f) => {
    let size = 0;
    for (let i = 0; i < fold.length; i++) if (fold[i] === f) size++;
    const train = new Uint32Array(fold.length - size);
    const test = new Uint32Array(size);
    for (let i = 0, a = 0, b = 0; i < fold.length; i++) {
      if (fold[i] === f) test[b++] = i;
      else train[a++] = i;
    }
    return { train, test };
  });
}

function checkFolds(where: string, folds: number, available: number, what: string): void {
  if (Number.isInteger(folds) && folds >= 2 && folds <= available) return;
  throw new ConfigError(
    `${where}: folds must be a whole number from 2 to the number of ${what} (${available}), but got ${folds}. ` +
      'Use fewer folds or more data.',
    { folds, available },
  );
}
