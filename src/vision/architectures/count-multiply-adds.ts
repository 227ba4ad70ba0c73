import { multiplyAdds, placeholder, sortNodes, trace } from '#engine';
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
    return sortNodes([result.value]).reduce((total, node) => total + multiplyAdds(node), 0);
  } finally {
    model.train(mode);
  }
}
