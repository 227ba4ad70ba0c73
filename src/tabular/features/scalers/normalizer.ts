import type { OnnxGraph } from '#engine';
import { type FeatureColumn, FeatureMatrix } from '../matrix.ts';
import type { Scaler, ScalerJson } from './scaler.ts';

export type Norm = 'l1' | 'l2' | 'max';

/** Divides every row by its norm; rows of zeros stay. Sparse columns stay sparse. */
export class Normalizer implements Scaler {
  readonly name = 'Normalizer';
  private readonly norm: Norm;

  constructor(norm: Norm) {
    this.norm = norm;
  }

  transform(X: FeatureMatrix): FeatureMatrix {
    const norms = this.rowNorms(X);
    const columns = X.columns.map((column): FeatureColumn => {
      const { values } = column;
      const scaled = new Float32Array(values.length);
      if (column.kind === 'dense') {
        for (let i = 0; i < values.length; i++) scaled[i] = values[i] / norms[i];
      } else {
        for (let i = 0; i < values.length; i++) scaled[i] = values[i] / norms[column.rows[i]];
      }
      return { ...column, values: scaled };
    });
    return new FeatureMatrix(X.rows, X.features, columns);
  }

  settings(): Readonly<Record<string, unknown>> {
    return { norm: this.norm };
  }

  private rowNorms(X: FeatureMatrix): Float32Array {
    const sums = new Float64Array(X.rows);
    const { norm } = this;
    for (const column of X.columns) {
      const { values } = column;
      for (let i = 0; i < values.length; i++) {
        const row = column.kind === 'dense' ? i : column.rows[i];
        const size = Math.abs(values[i]);
        if (norm === 'max') sums[row] = Math.max(sums[row], size);
        else sums[row] += norm === 'l1' ? size : size * size;
      }
    }
    return Float32Array.from(sums, (sum) => (norm === 'l2' ? Math.sqrt(sum) : sum) || 1);
  }

  emitOnnx(graph: OnnxGraph, features: string): string {
    const over = { attributes: { keepdims: { int: 1 } } };
    const axes = graph.int64([1]);
    const norm =
      this.norm === 'max'
        ? graph.node('ReduceMax', [graph.node('Abs', [features]), axes], over)
        : graph.node(this.norm === 'l1' ? 'ReduceL1' : 'ReduceL2', [features, axes], over);
    const empty = graph.node('Equal', [norm, graph.float(0)]);
    return graph.node('Div', [features, graph.node('Where', [empty, graph.float(1), norm])]);
  }

  toJSON(): ScalerJson {
    return { scaler: this.name, norm: this.norm };
  }
}
