import type { OnnxGraph } from '#engine';
import { argmaxRows, predictWithClassWeights, predictWithThreshold } from '#metrics';

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
  switch (decision.kind) {
    case 'threshold':
      return predictWithThreshold(probabilities, decision.threshold);
    case 'weights':
      return predictWithClassWeights(probabilities, decision.weights);
    case 'argmax':
      return argmaxRows(probabilities, classes);
  }
}

/**
 * The nodes of `decide`.
 * @param probabilities float32 [N, K]
 * @returns int64 [N] class indices
 */
export function emitDecision(graph: OnnxGraph, decision: Decision, probabilities: string): string {
  if (decision.kind === 'threshold') {
    const column = graph.node('Gather', [probabilities, graph.int64(1)], {
      attributes: { axis: { int: 1 } },
    });
    const positive = graph.node('GreaterOrEqual', [column, graph.float(decision.threshold)]);
    return graph.cast(positive, 'int64');
  }
  const scores =
    decision.kind === 'weights'
      ? graph.node('Mul', [probabilities, graph.constant(Float32Array.from(decision.weights))])
      : probabilities;
  return graph.node('ArgMax', [scores], { attributes: { axis: { int: 1 }, keepdims: { int: 0 } } });
}
