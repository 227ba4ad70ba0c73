/** A histogram of the residuals ŷ − y, in the style of Azure ML's documents. */
export interface ResidualsDocument {
  readonly schema_type: 'residuals';
  readonly schema_version: '1.0.0';
  readonly data: {
    /** [11] rising; the inner nine evenly spaced in ±2σ_y, the outer two at the extreme residuals */
    readonly bin_edges: readonly number[];
    /** [10] rows per bin, left edge included */
    readonly bin_counts: readonly number[];
    readonly mean: number;
    readonly stddev: number;
    readonly res_count: number;
  };
}

/** Mean and spread of the predictions per bin of the true target, in the style of Azure ML's documents. */
export interface PredictedTrueDocument {
  readonly schema_type: 'predicted_true';
  readonly schema_version: '1.0.0';
  readonly data: {
    /** [11] evenly spaced over the range of the target */
    readonly bin_edges: readonly number[];
    /** [10] rows per bin, right edge included */
    readonly bin_counts: readonly number[];
    /** [10] mean prediction; 0 in an empty bin */
    readonly bin_averages: readonly number[];
    /** [10] population standard deviation of the predictions; 0 in an empty bin */
    readonly bin_errors: readonly number[];
  };
}

const BINS = 10;

/**
 * @param yTrue [N] finite
 * @param predictions [N] finite
 * @param standardDeviation σ_y of the whole target; 0 counts as 1
 */
export function residuals(
  yTrue: ArrayLike<number>,
  predictions: ArrayLike<number>,
  standardDeviation: number,
): ResidualsDocument {
  const n = yTrue.length;
  const bound = 2 * (standardDeviation === 0 ? 1 : standardDeviation);
  const width = (2 * bound) / (BINS - 2);
  const counts = new Array<number>(BINS).fill(0);
  const errors = Float64Array.from({ length: n }, (_, i) => predictions[i] - yTrue[i]);
  let least = -bound - width;
  let greatest = bound + width;
  for (const error of errors) {
    const bin = error < -bound ? 0 : error >= bound ? BINS - 1 : 1 + Math.floor((error + bound) / width);
    counts[Math.min(bin, BINS - 1)]++;
  }
  if (counts[0] > 0) least = errors.reduce((a, b) => Math.min(a, b));
  if (counts[BINS - 1] > 0) greatest = errors.reduce((a, b) => Math.max(a, b));
  const { mean, deviation } = momentsOf(errors);
  return {
    schema_type: 'residuals',
    schema_version: '1.0.0',
    data: {
      bin_edges: [least, ...Array.from({ length: BINS - 1 }, (_, i) => -bound + i * width), greatest],
      bin_counts: counts,
      mean,
      stddev: deviation,
      res_count: n,
    },
  };
}

/**
 * @param yTrue [N] finite; values outside the range go to the outer bins
 * @param predictions [N] finite
 * @param range of the whole target; a single value gets half a unit on both sides
 */
export function predictedTrue(
  yTrue: ArrayLike<number>,
  predictions: ArrayLike<number>,
  range: { readonly min: number; readonly max: number },
): PredictedTrueDocument {
  const low = range.min === range.max ? range.min - 0.5 : range.min;
  const high = range.min === range.max ? range.max + 0.5 : range.max;
  const edges = Array.from({ length: BINS + 1 }, (_, i) =>
    i === BINS ? high : low + (i * (high - low)) / BINS,
  );
  const members: number[][] = Array.from({ length: BINS }, () => []);
  for (let i = 0; i < yTrue.length; i++) {
    let bin = 0;
    while (bin < BINS - 1 && yTrue[i] > edges[bin + 1]) bin++;
    members[bin].push(predictions[i]);
  }
  const moments = members.map(momentsOf);
  return {
    schema_type: 'predicted_true',
    schema_version: '1.0.0',
    data: {
      bin_edges: edges,
      bin_counts: members.map((values) => values.length),
      bin_averages: moments.map(({ mean }) => mean),
      bin_errors: moments.map(({ deviation }) => deviation),
    },
  };
}

function momentsOf(values: ArrayLike<number>): { mean: number; deviation: number } {
  const n = values.length;
  if (n === 0) return { mean: 0, deviation: 0 };
  let total = 0;
  for (let i = 0; i < n; i++) total += values[i];
  const mean = total / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i] - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / n) };
}
