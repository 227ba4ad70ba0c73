import { GraphError } from '#core';
import type { OnnxGraph } from '#engine';

/** Vectors [N] side by side as one matrix [N, C], whatever C is in three nodes. */
export function emitStack(graph: OnnxGraph, vectors: readonly string[]): string {
  if (vectors.length === 1) return graph.node('Reshape', [vectors[0], graph.int64([-1, 1])]);
  const joined = graph.node('Concat', vectors, { attributes: { axis: { int: 0 } } });
  const rows = graph.node('Reshape', [joined, graph.int64([vectors.length, -1])]);
  return graph.node('Transpose', [rows], { attributes: { perm: { ints: [1, 0] } } });
}

/** Matrices [N, d] side by side. */
export function emitJoin(graph: OnnxGraph, matrices: readonly string[]): string {
  if (matrices.length === 1) return matrices[0];
  return graph.node('Concat', matrices, { attributes: { axis: { int: 1 } } });
}

/** The given columns of a matrix [N, C]; the matrix itself when they are all of them in order. */
export function emitPick(
  graph: OnnxGraph,
  matrix: string,
  columns: readonly number[],
  width: number,
): string {
  if (columns.length === width && columns.every((column, i) => column === i)) return matrix;
  return graph.node('Gather', [matrix, graph.int64(columns)], { attributes: { axis: { int: 1 } } });
}

/** The graph input of a raw column. */
export function inputOf(inputs: ReadonlyMap<string, string>, column: string): string {
  const input = inputs.get(column);
  if (input !== undefined) return input;
  throw new GraphError(
    `Featurizer.emitOnnx: every raw column needs its graph input, but there is none for "${column}". ` +
      'Declare all of inputs() first.',
  );
}
