import { ConfigError } from '#core';
import { Parameter, type Tensor } from '#engine';
import { constant, layerRng, xavierUniform } from '../initializers.ts';
import { Module } from '../module.ts';
import { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';

export interface MultiheadAttentionOptions {
  readonly bias?: boolean;
  /** Share of the attention weights to drop in training; 0 by default. */
  readonly dropout?: number;
  readonly seed?: number;
}

/**
 * Attention in several heads: softmax(QKᵀ/√d)·V of linear projections, joined and projected.
 *
 * Masks are bool and true where attention is not allowed: `keyPaddingMask` `[N, S]`, `attentionMask` `[T, S]`.
 *
 * Shapes: query `[N, T, E]`, key and value `[N, S, E]` → `[N, T, E]`; E must be a multiple of `heads`. Parameters are
 * named as PyTorch's: `in_proj_weight` `[3E, E]`, `in_proj_bias`, `out_proj.weight`, `out_proj.bias`.
 *
 * @source Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 */
export class MultiheadAttention extends Module {
  readonly inProjWeight: Parameter;
  readonly inProjBias: Parameter | undefined;
  readonly outProj: Linear;
  readonly heads: number;
  private readonly dropout: Dropout;

  constructor(features: number, heads: number, options: MultiheadAttentionOptions = {}) {
    super();
    const { bias = true, dropout = 0, seed } = options;
    if (features % heads !== 0) {
      throw new ConfigError(
        `MultiheadAttention: heads must divide the features, but got ${features} features and ${heads} heads. Choose another number of heads.`,
        { features, heads },
      );
    }
    const rng = layerRng(seed);
    this.inProjWeight = new Parameter(xavierUniform()([3 * features, features], rng));
    this.inProjBias = bias ? new Parameter(constant(0)([3 * features], rng)) : undefined;
    this.outProj = new Linear(features, features, {
      bias,
      ...(seed === undefined ? {} : { seed: seed + 1 }),
    });
    this.outProj.bias?.set(constant(0)([features], rng));
    this.heads = heads;
    this.dropout = new Dropout(dropout);
  }

  override forward(
    query: Tensor,
    key: Tensor = query,
    value: Tensor = key,
    keyPaddingMask?: Tensor,
    attentionMask?: Tensor,
  ): Tensor {
    const [batch, length, features] = query.shape;
    const width = features / this.heads;
    const split = (x: Tensor) => x.reshape([batch, -1, this.heads, width]).transpose([0, 2, 1, 3]);
    const [q, k, v] = this.project(query, key, value).map(split);
    let scores = q.mul(1 / Math.sqrt(width)).matmul(k, { transposeB: true });
    if (attentionMask !== undefined) scores = attentionMask.where(Number.NEGATIVE_INFINITY, scores);
    if (keyPaddingMask !== undefined) {
      const mask = keyPaddingMask.reshape([batch, 1, 1, -1]);
      scores = mask.where(Number.NEGATIVE_INFINITY, scores);
    }
    const weights = this.dropout.forward(scores.softmax(-1));
    const joined = weights.matmul(v).transpose([0, 2, 1, 3]).reshape([batch, length, features]);
    return this.outProj.forward(joined);
  }

  private project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const features = query.shape[2];
    const sizes = [features, features, features];
    const weights = this.inProjWeight.split(sizes, 0);
    const biases = this.inProjBias?.split(sizes, 0);
    return [query, key, value].map((x, i) => {
      const rows = x.reshape([-1, features]).matmul(weights[i], { transposeB: true });
      return (biases === undefined ? rows : rows.add(biases[i])).reshape(x.shape);
    });
  }
}
