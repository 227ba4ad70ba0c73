import { Parameter, type Tensor } from '#engine';
import { defaultBias, defaultWeight, layerRng } from '../initializers.ts';
import { Module } from '../module.ts';

export interface LinearOptions {
  /** Add a bias; true by default. */
  readonly bias?: boolean;
  /** Seed of the initial weights; by order of creation when absent. */
  readonly seed?: number;
}

/**
 * y = x·Wᵀ + b over the last axis.
 *
 * Shapes: x `[…, inFeatures]` → y `[…, outFeatures]`; weight `[outFeatures, inFeatures]`, bias `[outFeatures]`.
 * Weight and bias start uniform in ±1/√inFeatures, as in PyTorch.
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, { bias = true, seed }: LinearOptions = {}) {
    super();
    const rng = layerRng(seed);
    const shape = [outFeatures, inFeatures];
    this.weight = new Parameter(defaultWeight(shape, rng));
    this.bias = bias ? new Parameter(defaultBias(shape)([outFeatures], rng)) : undefined;
  }

  override forward(x: Tensor): Tensor {
    const leading = x.shape.slice(0, -1);
    // One product of matrices is faster than one per batch element.
    const rows = leading.length === 1 ? x : x.reshape([-1, x.shape[x.rank - 1]]);
    const product = rows.matmul(this.weight, { transposeB: true });
    const y = this.bias === undefined ? product : product.add(this.bias);
    return leading.length === 1 ? y : y.reshape([...leading, y.shape[1]]);
  }
}
