import { ConfigError, DTypeError, type Shape, ShapeError } from '#core';
import { atUserLine, Parameter, type Tensor } from '#engine';
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
 * A mask is bool, true where a query must leave a key out, or floating point, and then added to the scores QKᵀ/√d:
 * a bias for positions, say, which may be learned. Two masks of numbers add up; a key is left out where either says so.
 * A query that is left no key at all gives NaN, as in PyTorch.
 *
 * Shapes: query `[N, T, E]`, key and value `[N, S, E]` → `[N, T, E]`; E must be a multiple of `heads`. Masks:
 * `keyPaddingMask` `[N, S]`; `attentionMask` `[T, S]` for all samples and heads, or one for each, `[N·heads, T, S]` or
 * `[N, heads, T, S]`. Parameters are named as PyTorch's: `in_proj_weight` `[3E, E]`, `in_proj_bias`, `out_proj.weight`,
 * `out_proj.bias`.
 *
 * @source Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
 */
export class MultiheadAttention extends Module {
  readonly inProjWeight: Parameter;
  readonly inProjBias: Parameter | undefined;
  readonly outProj: Linear;
  readonly features: number;
  readonly heads: number;
  private readonly dropout: Dropout;

  /** @param features E, a multiple of `heads` */
  constructor(features: number, heads: number, options: MultiheadAttentionOptions = {}) {
    super();
    const { bias = true, dropout = 0, seed } = options;
    if (!(Number.isInteger(heads) && heads > 0) || features % heads !== 0) {
      throw new ConfigError(
        `MultiheadAttention: heads must be a whole number that divides the features, but got ${features} features and ${heads} heads. Choose another number of heads.`,
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
    this.features = features;
    this.heads = heads;
    this.dropout = new Dropout(dropout);
  }

  /**
   * @throws ShapeError for an input or mask of another shape
   * @throws DTypeError for a mask of whole numbers
   */
  override forward(
    query: Tensor,
    key: Tensor = query,
    value: Tensor = key,
    keyPaddingMask?: Tensor,
    attentionMask?: Tensor,
  ): Tensor {
    this.checkShapes({ query, key, value, keyPaddingMask, attentionMask });
    const [batch, length, features] = query.shape;
    const width = features / this.heads;
    const split = (x: Tensor) => x.reshape([batch, -1, this.heads, width]).transpose([0, 2, 1, 3]);
    const [q, k, v] = this.project(query, key, value).map(split);
    const perHead = [batch, this.heads, length, -1];
    const masks = [
      attentionMask?.rank === 3 ? attentionMask.reshape(perHead) : attentionMask,
      keyPaddingMask?.reshape([batch, 1, 1, -1]),
    ];
    const scores = masks.reduce<Tensor>(
      applyMask,
      q.mul(1 / Math.sqrt(width)).matmul(k, { transposeB: true }),
    );
    const weights = this.dropout.forward(scores.softmax(-1));
    const joined = weights.matmul(v).transpose([0, 2, 1, 3]).reshape([batch, length, features]);
    return this.outProj.forward(joined);
  }

  private checkShapes(inputs: Inputs): void {
    const { query, key, keyPaddingMask, attentionMask } = inputs;
    const { features, heads } = this;
    const [n, t] = query.rank === 3 ? query.shape : ['N', 'T'];
    const s = key.rank === 3 ? key.shape[1] : 'S';
    const each = typeof n === 'number' ? n * heads : `N·${heads}`;
    const allowed: Record<keyof Inputs, readonly (readonly (number | string)[])[]> = {
      query: [['N', 'T', features]],
      key: [[n, 'S', features]],
      value: [[n, s, features]],
      keyPaddingMask: [[n, s]],
      attentionMask: [[t, s], [each, t, s], [n, heads, t, s]], // biome-ignore format: one line
    };
    const faults = (Object.keys(allowed) as (keyof Inputs)[]).flatMap((name) => {
      const shape = inputs[name]?.shape;
      if (shape === undefined || allowed[name].some((sizes) => fits(shape, sizes))) return [];
      return [`${name} must be ${allowed[name].map(format).join(' or ')}, but got ${format(shape)}`];
    });
    if (faults.length > 0) {
      throw new ShapeError(
        `MultiheadAttention: ${faults.join('; ')}. Pass samples first, ${features} features last, or build the layer for others.${atUserLine()}`,
        { features, heads, faults },
      );
    }
    for (const mask of [keyPaddingMask, attentionMask]) checkMaskType(mask);
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

interface Inputs {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly keyPaddingMask: Tensor | undefined;
  readonly attentionMask: Tensor | undefined;
}

const format = (sizes: readonly (number | string)[]): string => `[${sizes.join(', ')}]`;

/** Whether a shape has the given sizes; a letter stands for any. */
const fits = (shape: Shape, sizes: readonly (number | string)[]): boolean =>
  shape.length === sizes.length &&
  sizes.every((size, axis) => typeof size === 'string' || size === shape[axis]);

function checkMaskType(mask: Tensor | undefined): void {
  if (mask === undefined || mask.dtype === 'bool' || mask.dtype.startsWith('float')) return;
  throw new DTypeError(
    `MultiheadAttention: masks must be bool or floating point, but got ${mask.dtype}. Cast it: to bool to leave keys out, to float32 to add to the scores.`,
    { dtype: mask.dtype },
  );
}

/** scores `[N, heads, T, S]` with −∞ where a bool mask is true, or with a mask of numbers added. */
function applyMask(scores: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return scores;
  if (mask.dtype === 'bool') return mask.where(Number.NEGATIVE_INFINITY, scores);
  return scores.add(mask.cast(scores.dtype));
}
