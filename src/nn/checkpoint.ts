import { type Tensor, withRegion } from '#engine';

/**
 * Gradient checkpointing: what `forward` computes is not kept for the backward pass, which computes it again. Saves
 * memory, costs a second forward pass of that part. Has no effect in evaluation.
 *
 * @example
 * const y = checkpoint(() => this.block.forward(x));
 */
export function checkpoint(forward: () => Tensor): Tensor {
  return withRegion(forward);
}
