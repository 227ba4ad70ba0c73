import { ShapeError } from '#core';

/** One value per row. */
export interface DenseColumn {
  readonly kind: 'dense';
  readonly values: Float32Array;
}

/** Non-zero entries only: ascending row numbers with their values; every other row is 0. */
export interface SparseColumn {
  readonly kind: 'sparse';
  readonly rows: Uint32Array;
  readonly values: Float32Array;
}

export type FeatureColumn = DenseColumn | SparseColumn;

/** What a feature is and where it came from. */
export interface FeatureInfo {
  /** Unique within the matrix, e.g. `age`, `job=admin.`, `date.month`. */
  readonly name: string;
  /** Raw column it was made from. */
  readonly source: string;
  /**
   * `categorical` columns are dense and hold codes 0 … cardinality − 1 as float32, never NaN; code 0 stands for
   * missing and unseen values. `numeric` columns may hold NaN (missing) in the `ordinal` encoding only.
   */
  readonly type: 'numeric' | 'categorical';
  /** Number of codes of a categorical feature, code 0 included; 0 for numeric ones. */
  readonly cardinality: number;
}

/**
 * Features, one column each: float32 values, because ONNX models take float32 and both must see the same numbers.
 *
 * Shapes: N rows, D features.
 */
export class FeatureMatrix {
  readonly rows: number;
  readonly features: readonly FeatureInfo[];
  readonly columns: readonly FeatureColumn[];

  /** @throws ShapeError when names, columns and rows do not fit together */
  constructor(rows: number, features: readonly FeatureInfo[], columns: readonly FeatureColumn[]) {
    this.rows = rows;
    this.features = features;
    this.columns = columns;
    if (features.length !== columns.length) {
      throw new ShapeError(
        `FeatureMatrix: each column needs its feature, but got ${columns.length} columns and ${features.length} ` +
          'features. Pass one FeatureInfo per column.',
      );
    }
    const short = columns.findIndex((column) => column.kind === 'dense' && column.values.length !== rows);
    if (short >= 0) {
      throw new ShapeError(
        `FeatureMatrix: dense columns must hold ${rows} values, but "${features[short].name}" holds ` +
          `${columns[short].values.length}. Cut it to the rows of the matrix.`,
      );
    }
  }

  /** Number of features, D. */
  get width(): number {
    return this.columns.length;
  }

  /** Column `j` as a dense array of N values; the array itself when it is stored dense. */
  dense(j: number): Float32Array {
    const column = this.columns[j];
    if (column.kind === 'dense') return column.values;
    const values = new Float32Array(this.rows);
    for (let i = 0; i < column.rows.length; i++) values[column.rows[i]] = column.values[i];
    return values;
  }

  /** Rows in the given order (repeats allowed); every column of the result is dense. */
  take(index: ArrayLike<number>): FeatureMatrix {
    const columns = this.columns.map((_, j): FeatureColumn => {
      const source = this.dense(j);
      const values = new Float32Array(index.length);
      for (let i = 0; i < index.length; i++) values[i] = source[index[i]];
      return { kind: 'dense', values };
    });
    return new FeatureMatrix(index.length, this.features, columns);
  }

  /** All values as one row-major array [N, D]. */
  toRowMajor(): Float32Array {
    const width = this.width;
    const out = new Float32Array(this.rows * width);
    for (let j = 0; j < width; j++) {
      const column = this.columns[j];
      if (column.kind === 'dense') {
        for (let i = 0; i < this.rows; i++) out[i * width + j] = column.values[i];
      } else {
        for (let i = 0; i < column.rows.length; i++) out[column.rows[i] * width + j] = column.values[i];
      }
    }
    return out;
  }

  /** A matrix of dense numeric columns from a row-major array [N, D]. */
  static fromRowMajor(values: ArrayLike<number>, width: number, names?: readonly string[]): FeatureMatrix {
    const rows = width === 0 ? 0 : values.length / width;
    const columns = Array.from({ length: width }, (_, j): FeatureColumn => {
      const column = new Float32Array(rows);
      for (let i = 0; i < rows; i++) column[i] = values[i * width + j];
      return { kind: 'dense', values: column };
    });
    const features = columns.map((_, j): FeatureInfo => {
      const name = names?.[j] ?? `x${j}`;
      return { name, source: name, type: 'numeric', cardinality: 0 };
    });
    return new FeatureMatrix(rows, features, columns);
  }
}
