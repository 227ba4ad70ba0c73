import { ConfigError } from '#core';
import type { Tensor } from '#engine';

export interface ClipOptions {
  /** Largest norm of all gradients together; they are scaled down by max/(norm + 1e-6) when above. */
  readonly norm?: number;
  /** Largest size of every element. */
  readonly value?: number;
}

/** √Σ g² over all gradients. */
export function gradientNorm(gradients: readonly Tensor[]): Tensor {
  return gradients
    .map((g) => g.mul(g).sum())
    .reduce((total, part) => total.add(part))
    .sqrt();
}

/**
 * Limits gradients by their common norm, by the size of each element, or both in this order.
 * @throws ConfigError for limits that are not above 0
 */
export function clipGradients(gradients: readonly Tensor[], { norm, value }: ClipOptions): Tensor[] {
  for (const limit of [norm, value]) {
    if (limit !== undefined && !(limit > 0))
      throw new ConfigError(`clipGradients: limits must be above 0, but got ${limit}. Pass a positive one.`, {
        limit,
      });
  }
  let result = [...gradients];
  if (norm !== undefined && result.length > 0) {
    const factor = gradientNorm(result).add(1e-6).reciprocal().mul(norm).minimum(1);
    result = result.map((g) => g.mul(factor));
  }
  return value === undefined ? result : result.map((g) => g.clip(-value, value));
}
