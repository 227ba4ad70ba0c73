import { Parameter, requireIndices, type Tensor } from '#engine';
import { type Initializer, layerRng, normal } from '../initializers.ts';
import { Module } from '../module.ts';

export interface EmbeddingOptions {
  /** Index whose row starts as zeros and gets no gradient. */
  readonly paddingIndex?: number;
  readonly initializer?: Initializer;
  readonly seed?: number;
}

/**
 * Rows of a table by index. int64 `[…]` in [0, count) → `[…, features]`; the table is `[count, features]` and starts
 * standard normal.
 */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIndex: number | undefined;

  constructor(count: number, features: number, options: EmbeddingOptions = {}) {
    super();
    const { paddingIndex, initializer = normal(), seed } = options;
    const table = initializer([count, features], layerRng(seed));
    if (paddingIndex !== undefined)
      table.data.fill(0, paddingIndex * features, (paddingIndex + 1) * features);
    this.weight = new Parameter(table);
    this.paddingIndex = paddingIndex;
  }

  override forward(indices: Tensor): Tensor {
    requireIndices(indices, { what: 'Embedding: indices', size: this.weight.shape[0] });
    const rows = this.weight.gather(indices, 0);
    if (this.paddingIndex === undefined) return rows;
    return indices.equal(this.paddingIndex).unsqueeze(-1).where(rows.detach(), rows);
  }
}
