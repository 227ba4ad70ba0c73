import { sizeOf } from '#core';
import { placeholder, sortNodes, trace, type Value } from '#engine';
import type { Module } from '#nn';

/**
 * Multiplications with an addition that convolutions and matrix products of a forward pass take; what is added, scaled
 * and pooled beside them is not counted.
 *
 * @param shape of one batch, `[N, C, H, W]`
 */
export function countMultiplyAdds(model: Module, shape: readonly number[]): number {
  const mode = model.training;
  model.eval();
  try {
    const { result } = trace({ training: false }, () =>
      model.forward(placeholder('images', 'float32', shape)),
    );
    return sortNodes([result.value]).reduce((total, node) => {
      const [output] = node.outputs;
      return total + sizeOf(output.shape) * termsOf(node.op, node.inputs, node.attributes);
    }, 0);
  } finally {
    model.train(mode);
  }
}

/** Products that are summed for one element of the result. */
function termsOf(op: string, inputs: readonly Value[], attributes: unknown): number {
  if (op === 'conv2d') return sizeOf(inputs[1].shape.slice(1));
  if (op !== 'matmul') return 0;
  const isTransposed = (attributes as { readonly transposeA?: boolean }).transposeA === true;
  return inputs[0].shape.at(isTransposed ? -2 : -1) ?? 0;
}
