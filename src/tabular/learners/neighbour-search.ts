import type { FeatureMatrix } from '../features/matrix.ts';
import { dominantValue } from './design-matrix.ts';

export type Metric = 'euclidean' | 'manhattan';

/** Distances are rounded to this share of the typical one; nearer ones are ties. */
const RESOLUTION = 1.000123e-8;
/** Queries that share one pass over the training rows. */
const BLOCK = 4;

/** Training rows, laid out to measure distances to all of them. */
export interface NeighbourTable {
  readonly metric: Metric;
  /** M */
  readonly rows: number;
  readonly width: number;
  /** Row-major [M, D]. */
  readonly values: Float32Array;
  /** [D] subtracted from both sides, which leaves distances as they are: dominant values, or means. */
  readonly centers: Float64Array;
  /** Rounding unit of squared Euclidean, or Manhattan, distances. */
  readonly unit: number;
}

/** @param X finite values */
export function neighbourTable(X: FeatureMatrix, metric: Metric): NeighbourTable {
  const { width, rows } = X;
  const centers = new Float64Array(width);
  let typical = 0;
  for (let j = 0; j < width; j++) {
    const column = X.dense(j);
    let mean = 0;
    for (let i = 0; i < rows; i++) mean += column[i] / rows;
    let spread = 0;
    for (let i = 0; i < rows; i++) {
      spread += (metric === 'euclidean' ? (column[i] - mean) ** 2 : Math.abs(column[i] - mean)) / rows;
    }
    typical += 2 * spread;
    centers[j] = dominantValue(column) ?? mean;
  }
  return {
    metric,
    rows,
    width,
    values: X.toRowMajor(),
    centers,
    unit: RESOLUTION * (typical > 0 ? typical : 1),
  };
}

/** The nearest rows of one query: row numbers and rounded distances (squared if Euclidean), nearest first. */
export interface Neighbours {
  readonly index: Uint32Array;
  readonly distance: Float64Array;
}

/**
 * Exact search over all rows. Distances are rounded to whole multiples of `unit`, and ties go to the row that comes first:
 * rounding noise of the last bits does not decide, so the ONNX nodes find the same rows.
 *
 * Most features of a table are indicators that hold their dominant value in most rows. They are kept as lists of the rows
 * that differ, and a query pays only for those in which it differs itself; the other features are compared one by one.
 */
export class NeighbourSearch {
  private readonly table: NeighbourTable;
  private readonly k: number;
  /** Features compared one by one, and their centred values, row-major [M, P]. */
  private readonly packedFeatures: Uint32Array;
  private readonly packed: Float64Array;
  /** Rows and centred values of the other features; empty for packed ones. */
  private readonly lists: { readonly rows: Uint32Array; readonly values: Float64Array }[];
  /** [M] ‖t‖² of all features (Euclidean), or Σ|t| of the listed ones (Manhattan), t being centred. */
  private readonly norms: Float64Array;
  private readonly totals: Float64Array[];

  constructor(table: NeighbourTable, k: number) {
    const { rows, width, values, centers, metric } = table;
    this.table = table;
    this.k = k;
    this.norms = new Float64Array(rows);
    this.lists = Array.from({ length: width }, (_, j) => {
      const differ: number[] = [];
      for (let i = 0; i < rows; i++) if (values[i * width + j] !== centers[j]) differ.push(i);
      if (differ.length > rows / 2) return { rows: new Uint32Array(0), values: new Float64Array(0) };
      return {
        rows: Uint32Array.from(differ),
        values: Float64Array.from(differ, (i) => values[i * width + j] - centers[j]),
      };
    });
    const isPacked = Array.from({ length: width }, (_, j) => {
      if (this.lists[j].rows.length > 0) return false;
      for (let i = 0; i < rows; i++) if (values[i * width + j] !== centers[j]) return true;
      return false;
    });
    this.packedFeatures = Uint32Array.from([...isPacked.keys()].filter((j) => isPacked[j]));
    this.packed = new Float64Array(rows * this.packedFeatures.length);
    for (let i = 0, at = 0; i < rows; i++) {
      for (const j of this.packedFeatures) this.packed[at++] = values[i * width + j] - centers[j];
      for (let j = 0; j < width; j++) {
        const t = values[i * width + j] - centers[j];
        if (metric === 'euclidean') this.norms[i] += t * t;
        else if (!isPacked[j]) this.norms[i] += Math.abs(t);
      }
    }
    this.totals = Array.from({ length: BLOCK }, () => new Float64Array(rows));
  }

  /** Calls `visit` with the neighbours of every row of X, in order. */
  search(X: FeatureMatrix, visit: (row: number, found: Neighbours) => void): void {
    const { width, centers } = this.table;
    const rowMajor = X.toRowMajor();
    const heap = new NearestHeap(this.k);
    for (let first = 0; first < X.rows; first += BLOCK) {
      const queries = Array.from({ length: BLOCK }, (_, b) => {
        // The last block repeats its last query.
        const start = Math.min(first + b, X.rows - 1) * width;
        return centers.map((center, j) => rowMajor[start + j] - center);
      });
      this.comparePacked(queries);
      for (let b = 0; b < BLOCK && first + b < X.rows; b++) {
        const query = queries[b];
        const totals = this.totals[b];
        for (let j = 0; j < width; j++) if (query[j] !== 0) this.compareListed(j, query[j], totals);
        this.collect(query, totals, heap);
        visit(first + b, heap.take());
      }
    }
  }

  /** Per training row: q·t (Euclidean) or Σ|q − t| (Manhattan) over the packed features, for four queries. */
  private comparePacked(queries: Float64Array[]): void {
    const { packed, packedFeatures } = this;
    const size = packedFeatures.length;
    const [q0, q1, q2, q3] = queries.map((query) => Float64Array.from(packedFeatures, (j) => query[j]));
    const [t0, t1, t2, t3] = this.totals;
    const euclidean = this.table.metric === 'euclidean';
    for (let i = 0, at = 0; i < t0.length; i++) {
      let a0 = 0;
      let a1 = 0;
      let a2 = 0;
      let a3 = 0;
      if (euclidean) {
        for (let p = 0; p < size; p++, at++) {
          const t = packed[at];
          a0 += q0[p] * t;
          a1 += q1[p] * t;
          a2 += q2[p] * t;
          a3 += q3[p] * t;
        }
      } else {
        for (let p = 0; p < size; p++, at++) {
          const t = packed[at];
          a0 += Math.abs(q0[p] - t);
          a1 += Math.abs(q1[p] - t);
          a2 += Math.abs(q2[p] - t);
          a3 += Math.abs(q3[p] - t);
        }
      }
      t0[i] = a0;
      t1[i] = a1;
      t2[i] = a2;
      t3[i] = a3;
    }
  }

  /** Adds what feature j changes where both sides differ from the dominant value. */
  private compareListed(j: number, q: number, totals: Float64Array): void {
    const { rows, values } = this.lists[j];
    if (this.table.metric === 'euclidean') {
      for (let at = 0; at < rows.length; at++) totals[rows[at]] += q * values[at];
      return;
    }
    const own = Math.abs(q);
    for (let at = 0; at < rows.length; at++) {
      totals[rows[at]] += Math.abs(q - values[at]) - Math.abs(values[at]) - own;
    }
  }

  private collect(query: Float64Array, totals: Float64Array, heap: NearestHeap): void {
    const { norms, table } = this;
    const euclidean = table.metric === 'euclidean';
    const factor = euclidean ? -2 : 1;
    let own = 0;
    for (let j = 0; j < query.length; j++) own += euclidean ? query[j] * query[j] : Math.abs(query[j]);
    if (!euclidean) for (const j of this.packedFeatures) own -= Math.abs(query[j]);
    const scale = 1 / table.unit;
    for (let i = 0; i < norms.length; i++) {
      const distance = (norms[i] + own + factor * totals[i]) * scale + 0.5;
      if (distance < heap.limit) heap.offer(Math.max(0, Math.floor(distance)), i);
    }
  }
}

/** The k smallest distances seen, ties to the smaller row number; rows must be offered in ascending order. */
class NearestHeap {
  /** A distance must be smaller to be let in: the largest one kept, once k are kept. */
  limit = Number.POSITIVE_INFINITY;
  private readonly k: number;
  private size = 0;
  /** Binary heap, the worst on top. */
  private readonly distance: Float64Array;
  private readonly index: Uint32Array;

  constructor(k: number) {
    this.k = k;
    this.distance = new Float64Array(k);
    this.index = new Uint32Array(k);
  }

  offer(distance: number, index: number): void {
    if (this.size < this.k) {
      let at = this.size++;
      for (
        let parent = (at - 1) >> 1;
        at > 0 && this.worse(distance, index, parent);
        parent = (at - 1) >> 1
      ) {
        this.move(parent, at);
        at = parent;
      }
      this.put(at, distance, index);
    } else if (distance < this.limit) {
      let at = 0;
      for (let child = 1; child < this.size; child = 2 * at + 1) {
        if (child + 1 < this.size && this.worse(this.distance[child + 1], this.index[child + 1], child)) {
          child++;
        }
        if (this.worse(distance, index, child)) break;
        this.move(child, at);
        at = child;
      }
      this.put(at, distance, index);
    }
    if (this.size === this.k) this.limit = this.distance[0];
  }

  /** What was kept, nearest first; empties the heap. */
  take(): Neighbours {
    const order = Array.from({ length: this.size }, (_, at) => at);
    order.sort((a, b) => this.distance[a] - this.distance[b] || this.index[a] - this.index[b]);
    this.size = 0;
    this.limit = Number.POSITIVE_INFINITY;
    return {
      index: Uint32Array.from(order, (at) => this.index[at]),
      distance: Float64Array.from(order, (at) => this.distance[at]),
    };
  }

  /** Whether (distance, index) comes after the entry at `at`. */
  private worse(distance: number, index: number, at: number): boolean {
    return distance > this.distance[at] || (distance === this.distance[at] && index > this.index[at]);
  }

  private move(from: number, to: number): void {
    this.put(to, this.distance[from], this.index[from]);
  }

  private put(at: number, distance: number, index: number): void {
    this.distance[at] = distance;
    this.index[at] = index;
  }
}
