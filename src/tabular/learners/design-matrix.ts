import type { FeatureMatrix } from '../features/matrix.ts';

/** Above this share of equal values a dense column is kept as the rows that differ. */
const DOMINANT_SHARE = 0.6;

/**
 * One column as `x[i] = shift + stored[i]`: stored values at `rows` are `values − base` and 0 elsewhere; without
 * `rows` every row is stored.
 */
interface StoredColumn {
  readonly rows: Uint32Array | undefined;
  readonly values: Float32Array;
  /** The value of the rows not listed. */
  readonly base: number;
}

/**
 * Columns of a feature matrix for linear algebra, X [N, D] in float64.
 *
 * Each column is a constant plus few entries where one value dominates, so that centred and scaled one-hot columns
 * cost no more than sparse ones. The constant can be moved freely (`center`): products with the centred matrix need no
 * copy of it.
 */
export class DesignMatrix {
  readonly rows: number;
  readonly width: number;
  /** [D] what is subtracted from each column; 0 until `center`. */
  readonly centers: Float64Array;
  /** [D] constant of each column: dominant value − center. */
  readonly shifts: Float64Array;
  private readonly stored: StoredColumn[];

  constructor(X: FeatureMatrix) {
    this.rows = X.rows;
    this.width = X.width;
    this.stored = X.columns.map((column) =>
      column.kind === 'sparse'
        ? { rows: column.rows, values: column.values, base: 0 }
        : compress(column.values),
    );
    this.centers = new Float64Array(X.width);
    this.shifts = Float64Array.from(this.stored, (column) => column.base);
  }

  /** Weighted mean of every column, as stored in X (before centring). */
  means(weights: Float64Array | undefined): Float64Array {
    const total = weights === undefined ? this.rows : sum(weights);
    const ones = weights ?? new Float64Array(this.rows).fill(1);
    return Float64Array.from(this.stored, (column, j) => column.base + this.storedDot(j, ones) / total);
  }

  /** From now on every product is with X − 1·centersᵀ. */
  center(centers: Float64Array): void {
    this.centers.set(centers);
    for (let j = 0; j < this.width; j++) this.shifts[j] = this.stored[j].base - centers[j];
  }

  /** out[i] = constant + Σ_j w[j] · x[i, j] */
  multiply(w: Float64Array, constant: number, out: Float64Array): void {
    let shift = constant;
    for (let j = 0; j < this.width; j++) shift += w[j] * this.shifts[j];
    out.fill(shift);
    for (let j = 0; j < this.width; j++) if (w[j] !== 0) this.addStored(j, w[j], out);
  }

  /** out[j] = Σ_i r[i] · x[i, j] */
  multiplyTransposed(r: Float64Array, out: Float64Array): void {
    const total = sum(r);
    for (let j = 0; j < this.width; j++) out[j] = this.storedDot(j, r) + this.shifts[j] * total;
  }

  /** out[i] += factor · stored[i, j]; the caller adds factor · shifts[j] to every row. */
  addStored(j: number, factor: number, out: Float64Array): void {
    const { rows, values, base } = this.stored[j];
    if (rows === undefined) {
      for (let i = 0; i < values.length; i++) out[i] += factor * values[i];
    } else {
      for (let i = 0; i < rows.length; i++) out[rows[i]] += factor * (values[i] - base);
    }
  }

  /** Σ_i r[i] · stored[i, j] */
  storedDot(j: number, r: Float64Array): number {
    const { rows, values, base } = this.stored[j];
    let total = 0;
    if (rows === undefined) {
      for (let i = 0; i < values.length; i++) total += r[i] * values[i];
    } else {
      for (let i = 0; i < rows.length; i++) total += r[rows[i]] * (values[i] - base);
    }
    return total;
  }

  /** Σ_i h[i] · stored[i, j]² */
  storedSquares(j: number, h: Float64Array): number {
    const { rows, values, base } = this.stored[j];
    let total = 0;
    if (rows === undefined) {
      for (let i = 0; i < values.length; i++) total += h[i] * values[i] * values[i];
    } else {
      for (let i = 0; i < rows.length; i++) total += h[rows[i]] * (values[i] - base) ** 2;
    }
    return total;
  }

  /** out[i] += factor · h[i] · stored[i, j] */
  addStoredWeighted(j: number, factor: number, h: Float64Array, out: Float64Array): void {
    const { rows, values, base } = this.stored[j];
    if (rows === undefined) {
      for (let i = 0; i < values.length; i++) out[i] += factor * h[i] * values[i];
    } else {
      for (let i = 0; i < rows.length; i++) out[rows[i]] += factor * h[rows[i]] * (values[i] - base);
    }
  }

  /** How many entries of column j are stored. */
  storedCount(j: number): number {
    return this.stored[j].values.length;
  }

  /** out[i] = 0 where column j is stored. */
  clearStored(j: number, out: Float64Array): void {
    const { rows } = this.stored[j];
    if (rows === undefined) out.fill(0);
    else for (let i = 0; i < rows.length; i++) out[rows[i]] = 0;
  }

  /** [D] Σ_i h[i] · x[i, j]² */
  squares(h: Float64Array): Float64Array {
    const total = sum(h);
    return Float64Array.from(this.stored, (_, j) => {
      const shift = this.shifts[j];
      return this.storedSquares(j, h) + 2 * shift * this.storedDot(j, h) + shift * shift * total;
    });
  }

  /** Column j as a dense array [N], centred. */
  column(j: number): Float64Array {
    const out = new Float64Array(this.rows).fill(this.shifts[j]);
    this.addStored(j, 1, out);
    return out;
  }
}

export function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

/** Keeps only the rows that differ from a dominant value. */
function compress(values: Float32Array): StoredColumn {
  const base = dominantValue(values);
  if (base === undefined) return { rows: undefined, values, base: 0 };
  let others = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== base) others++;
  const rows = new Uint32Array(others);
  const kept = new Float32Array(others);
  for (let i = 0, at = 0; i < values.length; i++) {
    if (values[i] === base) continue;
    rows[at] = i;
    kept[at++] = values[i];
  }
  return { rows, values: kept, base };
}

/** The value of most rows (found by the majority vote of Boyer and Moore), `undefined` when none dominates. */
export function dominantValue(values: Float32Array): number | undefined {
  let candidate = 0;
  let votes = 0;
  for (let i = 0; i < values.length; i++) {
    if (votes === 0) candidate = values[i];
    votes += values[i] === candidate ? 1 : -1;
  }
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === candidate) count++;
  return count >= DOMINANT_SHARE * values.length ? candidate : undefined;
}
