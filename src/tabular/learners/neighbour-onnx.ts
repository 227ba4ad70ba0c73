import type { OnnxGraph } from '#engine';
import type { NeighbourTable } from './neighbour-search.ts';

/**
 * Nodes for rounded distances of every query to every training row.
 * @param features float32 [N, D]
 * @returns name of a float64 tensor [N, M]
 */
export function emitDistances(graph: OnnxGraph, features: string, table: NeighbourTable): string {
  const centers = graph.constant(table.centers, [1, table.width], 'centers');
  const query = graph.node('Sub', [graph.cast(features, 'float64'), centers]);
  const exact =
    table.metric === 'euclidean' ? emitEuclidean(graph, query, table) : emitManhattan(graph, query, table);
  const scaled = graph.node('Mul', [exact, double(graph, 1 / table.unit)]);
  const rounded = graph.node('Floor', [graph.node('Add', [scaled, double(graph, 0.5)])]);
  return graph.node('Max', [rounded, double(graph, 0)]);
}

/** ‖q‖² + ‖t‖² − 2·q·tᵀ */
function emitEuclidean(
  graph: OnnxGraph,
  query: string,
  { rows, width, values, centers }: NeighbourTable,
): string {
  const norms = new Float64Array(rows);
  const transposed = new Float32Array(width * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) {
      const value = values[i * width + j];
      transposed[j * rows + i] = value;
      norms[i] += (value - centers[j]) ** 2;
    }
  }
  // Stored as the float32 values they are, to keep the file small; centred when the model runs.
  const raw = graph.cast(graph.constant(transposed, [width, rows], 'training_rows'), 'float64');
  const t = graph.node('Sub', [raw, graph.constant(centers, [width, 1], 'centers')]);
  const squares = graph.node('ReduceSum', [graph.node('Mul', [query, query]), graph.int64([1])]);
  const products = graph.node('Mul', [graph.node('MatMul', [query, t]), double(graph, -2)]);
  const outer = graph.node('Add', [squares, graph.constant(norms, [1, rows], 'norms')]);
  return graph.node('Add', [outer, products]);
}

/**
 * Σ_j |q_j − t_j|. A feature that is a or b in all training rows needs no [N, M] tensor of its own: with s = 1 where
 * t = b, |q − t| = |q − a| + s·(|q − b| − |q − a|), a product over all such features. The others are added one by one.
 */
function emitManhattan(
  graph: OnnxGraph,
  query: string,
  { rows, width, values, centers }: NeighbourTable,
): string {
  const columns = Array.from({ length: width }, (_, j) =>
    Float64Array.from({ length: rows }, (_value, i) => values[i * width + j] - centers[j]),
  );
  const low = columns.map((column) => column.reduce((least, value) => Math.min(least, value)));
  const high = columns.map((column) => column.reduce((most, value) => Math.max(most, value)));
  const isTwo = columns.map((column, j) => column.every((value) => value === low[j] || value === high[j]));
  const two = [...isTwo.keys()].filter((j) => isTwo[j]);
  const parts: string[] = [];
  if (two.length > 0) {
    const q = graph.node('Gather', [query, graph.int64(two)], { attributes: { axis: { int: 1 } } });
    const toLow = distanceTo(
      graph,
      q,
      two.map((j) => low[j]),
    );
    const toHigh = distanceTo(
      graph,
      q,
      two.map((j) => high[j]),
    );
    const isHigh = new Float32Array(two.length * rows);
    for (const [at, j] of two.entries()) {
      for (let i = 0; i < rows; i++) if (columns[j][i] === high[j]) isHigh[at * rows + i] = 1;
    }
    const s = graph.cast(graph.constant(isHigh, [two.length, rows], 'training_rows'), 'float64');
    const differences = graph.node('MatMul', [graph.node('Sub', [toHigh, toLow]), s]);
    parts.push(graph.node('Add', [differences, graph.node('ReduceSum', [toLow, graph.int64([1])])]));
  }
  for (const j of isTwo.keys()) {
    if (isTwo[j]) continue;
    const q = graph.node('Gather', [query, graph.int64([j])], { attributes: { axis: { int: 1 } } });
    const t = graph.constant(columns[j], [1, rows], 'training_column');
    parts.push(graph.node('Abs', [graph.node('Sub', [q, t])]));
  }
  return parts.reduce((total, part) => graph.node('Add', [total, part]));
}

function distanceTo(graph: OnnxGraph, q: string, points: number[]): string {
  const constant = graph.constant(Float64Array.from(points), [1, points.length], 'points');
  return graph.node('Abs', [graph.node('Sub', [q, constant])]);
}

function double(graph: OnnxGraph, value: number): string {
  return graph.constant(Float64Array.of(value), [], 'double');
}

/**
 * Nodes for the weighted mean of the nearest rows' targets.
 *
 * @param distances float64 [N, M], rounded
 * @param targets row-major [M, T] targets times sample weights
 * @param weights [M] sample weights
 * @param byDistance weigh by 1 / distance; rows at distance 0, when there are any, are the only ones that count
 * @returns name of a float32 tensor [N, T]
 */
export function emitVote(
  graph: OnnxGraph,
  distances: string,
  vote: {
    readonly k: number;
    readonly squared: boolean;
    readonly byDistance: boolean;
    readonly targets: Float64Array;
    readonly weights: Float64Array;
  },
): string {
  const rows = vote.weights.length;
  const [nearest, index] = graph.multiNode('TopK', [distances, graph.int64([vote.k])], {
    attributes: { axis: { int: 1 }, largest: { int: 0 }, sorted: { int: 1 } },
    outputs: 2,
  });
  const sampleWeights = graph.constant(vote.weights, [rows, 1], 'sample_weights');
  const targets = graph.constant(vote.targets, [rows, vote.targets.length / rows], 'targets');
  const average = (factor: (values: string) => string) => {
    const [sums, total] = [targets, sampleWeights].map((values) =>
      factor(graph.node('Gather', [values, index])),
    );
    return graph.node('Div', [sums, total]);
  };
  if (!vote.byDistance) {
    const keepdims = { attributes: { keepdims: { int: 0 } } };
    return graph.cast(
      average((values) => graph.node('ReduceSum', [values, graph.int64([1])], keepdims)),
      'float32',
    );
  }
  // [N, 1, k] · [N, k, T]
  const factors = emitInverse(graph, graph.node('Unsqueeze', [nearest, graph.int64([1])]), vote.squared);
  const mean = average((values) => graph.node('MatMul', [factors, values]));
  return graph.cast(graph.node('Squeeze', [mean, graph.int64([1])]), 'float32');
}

/** 1 / d, or 1 for rows at distance 0 and 0 for the others when there are any. */
function emitInverse(graph: OnnxGraph, distances: string, squared: boolean): string {
  const d = squared ? graph.node('Sqrt', [distances]) : distances;
  const isZero = graph.cast(graph.node('Equal', [distances, double(graph, 0)]), 'float64');
  const anyZero = graph.cast(
    graph.node('ReduceMax', [isZero, graph.int64([2])], { attributes: { keepdims: { int: 1 } } }),
    'bool',
  );
  const safe = graph.node('Add', [d, isZero]);
  return graph.node('Where', [anyZero, isZero, graph.node('Div', [double(graph, 1), safe])]);
}
