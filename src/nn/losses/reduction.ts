import { ShapeError } from '#core';
import { atUserLine, type Tensor } from '#engine';

/** What a loss gives: the mean over samples, their sum, or one number per sample (or element). */
export type Reduction = 'mean' | 'sum' | 'none';

export interface LossOptions {
  /** `mean` by default. */
  readonly reduction?: Reduction;
}

/** A function of a model's output and the target. */
export type Loss = (output: Tensor, target: Tensor) => Tensor;

export function reduce(losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? losses.sum() : losses.mean();
}

/** @throws ShapeError when output and target differ in shape */
export function requireSameShape(output: Tensor, target: Tensor, where: string): void {
  if (String(output.shape) === String(target.shape)) return;
  throw new ShapeError(
    `${where}: output and target must have one shape, but got [${output.shape.join(', ')}] and [${target.shape.join(', ')}]. Reshape the target.${atUserLine()}`,
    { output: [...output.shape], target: [...target.shape] },
  );
}
