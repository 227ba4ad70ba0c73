import type { OnnxGraph } from '#engine';

/**
 * How class probabilities become a class.
 * - `argmax`: the most probable class, the first of equals.
 * - `threshold` (two classes): the second class when its probability, as float32, is at least `threshold`.
 * - `weights`: argmax of weight × probability.
 */
export type Decision =
  | { readonly kind: 'argmax' }
  | { readonly kind: 'threshold'; readonly threshold: number }
  | { readonly kind: 'weights'; readonly weights: readonly number[] };

/** The default decision. */
export const argmaxDecision: Decision = { kind: 'argmax' };

/**
 * @param probabilities row-major [N, K]
 * @returns [N] class indices
 */
export function decide(decision: Decision, probabilities: Float64Array, classes: number): Int32Array {
  const rows = probabilities.length / classes;
  const out = new Int32Array(rows);
  if (decision.kind === 'threshold') {
    const threshold = Math.fround(decision.threshold);
    for (let i = 0; i < rows; i++) out[i] = Math.fround(probabilities[2 * i + 1]) >= threshold ? 1 : 0;
    return out;
  }
  const weights = decision.kind === 'weights' ? decision.weights : undefined;
  for (let i = 0; i < rows; i++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) {
      const value = Math.fround(probabilities[i * classes + k]) * (weights?.[k] ?? 1);
      if (value > best) {
        best = value;
        out[i] = k;
      }
    }
  }
  return out;
}

/**
 * The nodes of `decide`.
 * @param probabilities float32 [N, K]
 * @returns int64 [N] class indices
 */
export function emitDecision(graph: OnnxGraph, decision: Decision, probabilities: string): string {
  if (decision.kind === 'threshold') {
    const column = graph.node('Gather', [probabilities, graph.int64(1)], { attributes: { axis: { int: 1 } } });
    const positive = graph.node('GreaterOrEqual', [column, graph.float(decision.threshold)]);
    return graph.cast(positive, 'int64');
  }
  const scores =
    decision.kind === 'weights'
      ? graph.node('Mul', [probabilities, graph.constant(Float32Array.from(decision.weights))])
      : probabilities;
  return graph.node('ArgMax', [scores], { attributes: { axis: { int: 1 }, keepdims: { int: 0 } } });
}
