import { Rng } from '#core';
import type { Column, Table } from '#data';

/** How well one column alone predicts the label on rows it was not fitted on. */
export interface ColumnScore {
  readonly column: string;
  /** AUC (weighted mean of one-vs-rest) or R². */
  readonly score: number;
}

const MAX_ROWS = 20_000;
const MAX_BINS = 256;
const MIN_ROWS_PER_BIN = 16;
const MAX_CLASSES = 20;

/**
 * Scores every column by itself: rows fall into bins (categories, or quantiles of numbers), the label's mean per bin
 * of one half of the rows predicts the other half, and the other way round. A score near 1 is suspect: such a column
 * is often a copy of the label or was made from it. Looks at no more than 20,000 rows, drawn from `seed`.
 *
 * @param y [N] class indices or values
 * @param classes K, or 0 for a regression; with more than 20 classes only the 20 most frequent are scored
 */
export function scoreColumns(table: Table, y: Float64Array, classes: number, seed = 0): ColumnScore[] {
  const order = new Rng(seed).fork('leakage').permutation(table.rows).slice(0, MAX_ROWS);
  const label = Float64Array.from(order, (row) => y[row]);
  return table.columns.map((column) => {
    const bins = binColumn(column, order);
    const score =
      classes === 0
        ? Math.max(
            binnedR2(bins, label),
            column.kind === 'string' ? 0 : linearR2(column.values, order, label),
          )
        : binnedAuc(bins, label, classes);
    return { column: column.name, score };
  });
}

interface Bins {
  /** Bin of every sampled row. */
  readonly of: Int32Array;
  readonly count: number;
}

/** Bin 0 is missing. */
function binColumn(column: Column, order: Uint32Array): Bins {
  if (column.kind === 'string') {
    return { of: Int32Array.from(order, (row) => column.codes[row] + 1), count: column.dictionary.size + 1 };
  }
  const values = Float64Array.from(order, (row) => column.values[row]);
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  const bins = Math.max(2, Math.min(MAX_BINS, Math.floor(sorted.length / MIN_ROWS_PER_BIN)));
  const bounds =
    distinct.length <= bins
      ? distinct
      : Float64Array.from({ length: bins }, (_, b) => sorted[Math.floor((b * sorted.length) / bins)]);
  return {
    of: Int32Array.from(values, (value) => (Number.isNaN(value) ? 0 : 1 + upperBound(bounds, value))),
    count: bounds.length + 2,
  };
}

/** Number of entries of a sorted array that are at most `value`. */
function upperBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Rows and label sums per half and bin; even positions of the sample are one half, odd ones the other. */
function sumBins({ of, count }: Bins, label: (i: number) => number) {
  const rows = [new Float64Array(count), new Float64Array(count)];
  const sums = [new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < of.length; i++) {
    rows[i & 1][of[i]]++;
    sums[i & 1][of[i]] += label(i);
  }
  return { rows, sums };
}

/** Label means of a half, drawn towards the half's overall mean by one row. */
function binMeans(rows: Float64Array, sums: Float64Array): Float64Array {
  const total = rows.reduce((sum, value) => sum + value, 0);
  const mean = total === 0 ? 0 : sums.reduce((sum, value) => sum + value, 0) / total;
  return rows.map((count, bin) => (sums[bin] + mean) / (count + 1));
}

function binnedAuc(bins: Bins, label: Float64Array, classes: number): number {
  const sizes = new Float64Array(classes);
  for (let i = 0; i < label.length; i++) sizes[label[i]]++;
  const scored = classes === 2 ? [1] : Array.from({ length: classes }, (_, k) => k);
  scored.sort((a, b) => sizes[b] - sizes[a] || a - b).splice(MAX_CLASSES);
  let sum = 0;
  let weight = 0;
  for (const k of scored) {
    const { rows, sums } = sumBins(bins, (i) => (label[i] === k ? 1 : 0));
    for (const half of [0, 1]) {
      const auc = aucOfBins(binMeans(rows[1 - half], sums[1 - half]), rows[half], sums[half]);
      if (Number.isNaN(auc)) continue;
      sum += auc * sizes[k];
      weight += sizes[k];
    }
  }
  return weight === 0 ? 0.5 : sum / weight;
}

/** Share of (positive, negative) pairs in the right order, ties one half; NaN without pairs. */
function aucOfBins(score: Float64Array, rows: Float64Array, positives: Float64Array): number {
  const used = Array.from(rows.keys()).filter((bin) => rows[bin] > 0);
  used.sort((a, b) => score[a] - score[b]);
  let below = 0;
  let ordered = 0;
  let allPositives = 0;
  for (let start = 0; start < used.length; ) {
    let tiedPositives = 0;
    let tiedNegatives = 0;
    const level = score[used[start]];
    for (; start < used.length && score[used[start]] === level; start++) {
      tiedPositives += positives[used[start]];
      tiedNegatives += rows[used[start]] - positives[used[start]];
    }
    ordered += tiedPositives * (below + tiedNegatives / 2);
    below += tiedNegatives;
    allPositives += tiedPositives;
  }
  return allPositives > 0 && below > 0 ? ordered / (allPositives * below) : Number.NaN;
}

function binnedR2(bins: Bins, label: Float64Array): number {
  const { rows, sums } = sumBins(bins, (i) => label[i]);
  const means = [0, 1].map((half) => binMeans(rows[half], sums[half]));
  return r2(label, (i) => means[1 - (i & 1)][bins.of[i]]);
}

/** A straight line fitted on one half predicts the other. */
function linearR2(values: Float64Array, order: Uint32Array, label: Float64Array): number {
  const lines = [0, 1].map((half) => {
    let n = 0;
    let mx = 0;
    let my = 0;
    let xx = 0;
    let xy = 0;
    for (let i = half; i < order.length; i += 2) {
      const x = values[order[i]];
      if (Number.isNaN(x)) continue;
      n++;
      const dx = x - mx;
      mx += dx / n;
      my += (label[i] - my) / n;
      xx += dx * (x - mx);
      xy += dx * (label[i] - my);
    }
    const slope = xx > 0 ? xy / xx : 0;
    return (x: number) => (Number.isNaN(x) ? my : my + slope * (x - mx));
  });
  return r2(label, (i) => lines[1 - (i & 1)](values[order[i]]));
}

function r2(label: Float64Array, predict: (i: number) => number): number {
  const mean = label.reduce((sum, value) => sum + value, 0) / label.length;
  let error = 0;
  let spread = 0;
  for (let i = 0; i < label.length; i++) {
    error += (label[i] - predict(i)) ** 2;
    spread += (label[i] - mean) ** 2;
  }
  return spread > 0 ? 1 - error / spread : 0;
}
