const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
/** Which half of a float64 holds its low 32 bits on this machine. */
const LOW_WORD = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

/** Two unsigned words per value whose order, high word first, is the order of the values; −0 counts as 0. */
function sortKeys(values: ArrayLike<number>, descending: boolean): { low: Uint32Array; high: Uint32Array } {
  const n = values.length;
  const low = new Uint32Array(n);
  const high = new Uint32Array(n);
  const float = new Float64Array(1);
  const words = new Uint32Array(float.buffer);
  for (let i = 0; i < n; i++) {
    float[0] = values[i] + 0;
    let l = words[LOW_WORD];
    let h = words[1 - LOW_WORD];
    // Negative floats sort backwards as integers, so all their bits flip; positive ones only get the top bit.
    const negative = h >>> 31 === 1;
    if (negative !== descending) {
      l = ~l;
      h = negative ? ~h : ~(h ^ 0x80000000);
    } else if (!negative) {
      h ^= 0x80000000;
    }
    low[i] = l;
    high[i] = h;
  }
  return { low, high };
}

/**
 * The row numbers that put `values` in order. Equal values keep their rows ascending. A radix sort of the bits of the
 * floats: O(N), six passes of eleven bits, passes in which all rows agree skipped.
 *
 * @param values [N] numbers without NaN
 * @returns [N] permutation of 0 … N − 1
 */
export function argsort(
  values: ArrayLike<number>,
  options: { readonly descending?: boolean } = {},
): Uint32Array {
  const { descending = false } = options;
  const n = values.length;
  const { low, high } = sortKeys(values, descending);
  let order = new Uint32Array(n);
  let next = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  const offsets = new Uint32Array(DIGITS);
  for (const word of [low, high]) {
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      offsets.fill(0);
      for (let i = 0; i < n; i++) offsets[(word[i] >>> shift) & (DIGITS - 1)]++;
      if (n > 0 && offsets[(word[0] >>> shift) & (DIGITS - 1)] === n) continue;
      let start = 0;
      for (let d = 0; d < DIGITS; d++) {
        const count = offsets[d];
        offsets[d] = start;
        start += count;
      }
      for (let i = 0; i < n; i++) {
        const row = order[i];
        next[offsets[(word[row] >>> shift) & (DIGITS - 1)]++] = row;
      }
      [order, next] = [next, order];
    }
  }
  return order;
}

/** Scores in falling order and the row each one is of; equal scores keep their rows ascending. */
export interface RankedScores {
  /** [N] */
  readonly rows: Uint32Array;
  /** [N] falling */
  readonly scores: Float64Array;
}

/** @param values [N] numbers without NaN */
export function rankScores(values: ArrayLike<number>): RankedScores {
  const rows = argsort(values, { descending: true });
  const scores = new Float64Array(rows.length);
  for (let i = 0; i < scores.length; i++) scores[i] = values[rows[i]];
  return { rows, scores };
}

/** All N·K probabilities ranked together, and each class's column ranked by itself. */
export interface RankedProbabilities {
  /** `rows` are positions in the row-major matrix. */
  readonly all: RankedScores;
  /** [K] */
  readonly perClass: readonly RankedScores[];
}

/**
 * One sort for all columns: the common order, dealt out by class, is every class's own.
 *
 * @param probabilities [N, K] row-major without NaN
 */
export function rankProbabilities(probabilities: ArrayLike<number>, classes: number): RankedProbabilities {
  const all = rankScores(probabilities);
  const n = probabilities.length / classes;
  const perClass = Array.from({ length: classes }, () => ({
    rows: new Uint32Array(n),
    scores: new Float64Array(n),
  }));
  const filled = new Uint32Array(classes);
  for (let i = 0; i < all.rows.length; i++) {
    const k = all.rows[i] % classes;
    const at = filled[k]++;
    perClass[k].rows[at] = (all.rows[i] - k) / classes;
    perClass[k].scores[at] = all.scores[i];
  }
  return { all, perClass };
}
