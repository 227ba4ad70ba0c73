import type { FeatureMatrix } from '../features/matrix.ts';
import { dominantValue } from './design-matrix.ts';

/**
 * Rows of a feature matrix as `x_i = base + stored_i`: the stored entries of row i are `starts[i]` to `starts[i + 1]`.
 * The base holds the dominant value of each column that has one, so that the rows of scaled one-hot columns are short.
 */
export class RowMatrix {
  readonly rows: number;
  readonly width: number;
  /** [D] */
  readonly base: Float64Array;
  /** [N + 1] */
  readonly starts: Uint32Array;
  /** Feature of each entry, ascending within a row. */
  readonly features: Uint32Array;
  readonly values: Float64Array;
  /** [N] base · stored_i */
  readonly baseDots: Float64Array;
  /** ‖base‖² */
  readonly baseSquare: number;

  /** @param shifted whether to use a base; without, the stored entries are those that are not 0 */
  constructor(X: FeatureMatrix, shifted: boolean) {
    this.rows = X.rows;
    this.width = X.width;
    this.base = Float64Array.from(X.columns, (column) =>
      shifted && column.kind === 'dense' ? (dominantValue(column.values) ?? 0) : 0,
    );
    this.starts = new Uint32Array(X.rows + 1);
    eachEntry(X, this.base, (row) => {
      this.starts[row + 1]++;
    });
    for (let i = 0; i < X.rows; i++) this.starts[i + 1] += this.starts[i];
    const total = this.starts[X.rows];
    this.features = new Uint32Array(total);
    this.values = new Float64Array(total);
    this.baseDots = new Float64Array(X.rows);
    const next = this.starts.slice();
    eachEntry(X, this.base, (row, j, value) => {
      const at = next[row]++;
      this.features[at] = j;
      this.values[at] = value;
      this.baseDots[row] += value * this.base[j];
    });
    this.baseSquare = this.base.reduce((all, value) => all + value * value, 0);
  }

  /** [N] x_i · w + b */
  multiply(w: Float64Array, b: number): Float64Array {
    const constant = this.base.reduce((all, value, j) => all + value * w[j], b);
    return this.baseDots.map((_, i) => {
      let total = constant;
      for (let at = this.starts[i]; at < this.starts[i + 1]; at++) {
        total += this.values[at] * w[this.features[at]];
      }
      return total;
    });
  }

  /** [N] ‖x_i‖² */
  squaredNorms(): Float64Array {
    return this.baseDots.map((dot, i) => {
      let total = this.baseSquare + 2 * dot;
      for (let at = this.starts[i]; at < this.starts[i + 1]; at++) total += this.values[at] ** 2;
      return total;
    });
  }
}

/** Calls `visit` with x − base wherever it is not 0, column by column. */
function eachEntry(
  X: FeatureMatrix,
  base: Float64Array,
  visit: (row: number, j: number, value: number) => void,
): void {
  for (const [j, column] of X.columns.entries()) {
    const { values } = column;
    for (let at = 0; at < values.length; at++) {
      const value = values[at] - base[j];
      if (value !== 0) visit(column.kind === 'sparse' ? column.rows[at] : at, j, value);
    }
  }
}

/**
 * A weight vector w = v + τ·base for a row matrix: adding a row or multiplying with one costs its stored entries, as the
 * base only moves τ.
 */
export class RowWeights {
  /** [D] w without its multiple of the base. */
  readonly v: Float64Array;
  private readonly X: RowMatrix;
  private tau = 0;
  /** v · base */
  private vBase = 0;

  constructor(X: RowMatrix) {
    this.X = X;
    this.v = new Float64Array(X.width);
  }

  /** x_i · w */
  dot(i: number): number {
    const { v, X } = this;
    const { starts, features, values } = X;
    const end = starts[i + 1];
    let total = this.vBase + this.tau * (X.baseDots[i] + X.baseSquare);
    for (let at = starts[i]; at < end; at++) total += values[at] * v[features[at]];
    return total;
  }

  /** w += factor · x_i */
  add(i: number, factor: number): void {
    const { v, X } = this;
    const { starts, features, values } = X;
    const end = starts[i + 1];
    for (let at = starts[i]; at < end; at++) v[features[at]] += factor * values[at];
    this.vBase += factor * X.baseDots[i];
    this.tau += factor;
  }

  /** w *= factor */
  scale(factor: number): void {
    for (let j = 0; j < this.v.length; j++) this.v[j] *= factor;
    this.vBase *= factor;
    this.tau *= factor;
  }

  /** [D] w */
  toArray(): Float64Array {
    return this.v.map((value, j) => value + this.tau * this.X.base[j]);
  }
}
