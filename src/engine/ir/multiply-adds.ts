import { sizeOf } from '#core';
import type { OpAttributes } from './op-attributes.ts';
import { convProducts } from './ops/conv-forward-lowerings.ts';
import type { GraphNode } from './value.ts';

/**
 * Multiplications with an addition that a node takes: those of matrix products, of convolutions and of their gradients.
 * What is added, scaled and pooled beside them is not counted.
 */
export function multiplyAdds({ op, inputs, outputs: [y], attributes }: GraphNode): number {
  switch (op) {
    case 'matmul': {
      const isTransposed = (attributes as OpAttributes['matmul']).transposeA;
      return sizeOf(y.shape) * inputs[0].shape.at(isTransposed ? -2 : -1)!;
    }
    case 'conv2d':
      return convProducts(inputs[1].shape, y.shape);
    case 'conv2dInput':
      return convProducts(inputs[1].shape, inputs[0].shape);
    case 'conv2dWeight':
      return convProducts(y.shape, inputs[1].shape);
    default:
      return 0;
  }
}
