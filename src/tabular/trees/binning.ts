import { Rng } from '#core';
import type { TreeTeam } from '#kernels';
import type { FeatureMatrix } from '../features/matrix.ts';
import type { Pacer } from '../learners/pacer.ts';

/** Rows looked at to choose the thresholds. */
const sampleLimit = 200_000;
/** Bins of categorical features, bin 0 (missing, unseen and rare codes) included. */
const categoryBins = 255;
const resultBytes = 1056;

/** How the values of one feature become bins 0 … 255. */
export interface FeatureBins {
  readonly categorical: boolean;
  /** Bins of values; a numeric feature keeps NaN in one more bin, number `valueBins`. */
  readonly valueBins: number;
  /** Numeric: ascending float32 thresholds [valueBins − 1]; bin b holds thresholds[b − 1] < x ≤ thresholds[b]. */
  readonly thresholds: Float32Array;
  /** Categorical: bin of every code. */
  readonly binOfCode: Uint8Array;
}

/** Where the bin of row 0 of a feature is, and how many bytes further the next row's. */
export interface BinPlace {
  readonly address: number;
  readonly stride: number;
  /** A second place, where the bins of the feature's rows follow each other. */
  readonly column?: number;
}

/**
 * Chooses the bins of every feature: quantiles of the values (of 200,000 rows drawn by `seed` when there are more),
 * midpoints between neighbouring values as thresholds; the most frequent codes of categorical features.
 *
 * @param maxBins value bins of numeric features, 2 to 255
 */
export async function chooseBins(
  team: TreeTeam,
  X: FeatureMatrix,
  maxBins: number,
  seed: number,
  pacer: Pacer,
): Promise<FeatureBins[]> {
  const sample = sampleOfRows(X.rows, seed);
  const count = sample?.length ?? X.rows;
  const stride = Math.ceil((count * 12 + 8192) / 64) * 64;
  const batch = Math.max(1, Math.min(8, Math.floor((48 << 20) / stride)));
  const mark = team.mark();
  const samples = team.allocate(stride * batch);
  const results = team.allocate(resultBytes * batch);
  const bins: FeatureBins[] = X.features.map((feature, j) =>
    feature.type === 'categorical' ? categoricalBins(X.dense(j), feature.cardinality) : emptyBins,
  );
  const numeric = X.features.flatMap((feature, j) => (feature.type === 'numeric' ? [j] : []));
  for (let from = 0; from < numeric.length; from += batch) {
    if (pacer.due()) await pacer.pause();
    const group = numeric.slice(from, from + batch);
    for (const [slot, j] of group.entries()) {
      const values = X.dense(j);
      const target = team.f32(samples + slot * stride, count);
      if (sample === undefined) target.set(values);
      else for (let i = 0; i < count; i++) target[i] = values[sample[i]];
    }
    team.exports.sketch(samples, stride, count, group.length, maxBins, results);
    for (const [slot, j] of group.entries()) {
      const address = results + slot * resultBytes;
      const thresholds = team.f32(address + 32, team.i32(address, 1)[0]).slice();
      bins[j] = { ...emptyBins, valueBins: thresholds.length + 1, thresholds };
    }
  }
  team.rewind(mark);
  return bins;
}

const emptyBins: FeatureBins = {
  categorical: false,
  valueBins: 1,
  thresholds: new Float32Array(0),
  binOfCode: new Uint8Array(0),
};

/** Row numbers to look at, one from each of 200,000 equal strata; `undefined` for all rows. */
function sampleOfRows(rows: number, seed: number): Uint32Array | undefined {
  if (rows <= sampleLimit) return undefined;
  const rng = new Rng(seed).fork('bins');
  const width = rows / sampleLimit;
  return Uint32Array.from({ length: sampleLimit }, (_, i) =>
    Math.min(rows - 1, Math.floor((i + rng.uniform()) * width)),
  );
}

/** Codes keep their number when they fit; else the most frequent ones get a bin and the rest shares bin 0. */
function categoricalBins(codes: Float32Array, cardinality: number): FeatureBins {
  const binOfCode = new Uint8Array(Math.max(1, cardinality));
  let valueBins = cardinality;
  if (cardinality <= categoryBins) {
    for (let code = 0; code < cardinality; code++) binOfCode[code] = code;
  } else {
    const counts = new Uint32Array(cardinality);
    for (const code of codes) counts[code]++;
    const frequent = Array.from(counts.keys())
      .slice(1)
      .sort((a, b) => counts[b] - counts[a] || a - b)
      .slice(0, categoryBins - 1)
      .sort((a, b) => a - b);
    for (const [position, code] of frequent.entries()) binOfCode[code] = position + 1;
    valueBins = categoryBins;
  }
  return { categorical: true, valueBins: Math.max(1, valueBins), thresholds: new Float32Array(0), binOfCode };
}

/** Writes the bins of all rows of X where `place` says. */
export async function writeBins(
  team: TreeTeam,
  X: FeatureMatrix,
  bins: readonly FeatureBins[],
  place: (feature: number) => BinPlace,
  pacer: Pacer,
): Promise<void> {
  const mark = team.mark();
  const values = team.allocate(X.rows * 4);
  const largestTable = bins.reduce((largest, { binOfCode }) => Math.max(largest, binOfCode.length), 1024);
  const table = team.allocate(largestTable);
  for (const [j, feature] of bins.entries()) {
    if (pacer.due()) await pacer.pause();
    team.f32(values, X.rows).set(X.dense(j));
    if (feature.categorical) team.u8(table, feature.binOfCode.length).set(feature.binOfCode);
    else {
      const edges = team.f32(table, 256);
      edges.fill(Number.POSITIVE_INFINITY);
      edges.set(feature.thresholds);
    }
    const { address, stride, column = 0 } = place(j);
    team.exports.binColumn(
      values,
      X.rows,
      table,
      feature.categorical ? feature.binOfCode.length : 0,
      feature.valueBins,
      address,
      stride,
      column,
    );
  }
  team.rewind(mark);
}
