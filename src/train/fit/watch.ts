import { ConfigError } from '#core';
import type { EpochResult } from './fit-event.ts';
import type { Metric } from './metrics.ts';

/** Keeps the best epoch by one quantity. */
export class Watch {
  readonly quantity: string;
  private readonly sign: 1 | -1;
  private readonly minDelta: number;
  private readonly keepsFirst: boolean;
  bestEpoch: number | undefined;
  private best = Number.NEGATIVE_INFINITY;

  /**
   * @param quantity `validationLoss`, `trainLoss`, or the name of a metric
   * @throws ConfigError for a quantity that is not measured
   */
  constructor(
    quantity: string,
    metrics: readonly Metric[],
    hasValidation: boolean,
    minDelta = 0,
    tie: 'first' | 'last' = 'first',
  ) {
    const names = [
      ...(hasValidation ? ['validationLoss', ...metrics.map(({ name }) => name)] : []),
      'trainLoss',
    ];
    if (!names.includes(quantity)) {
      throw new ConfigError(
        `fit: the watched quantity must be one of ${names.join(', ')}, but got "${quantity}". Add the metric, or validation data.`,
        { quantity, names },
      );
    }
    this.quantity = quantity;
    this.sign = metrics.find(({ name }) => name === quantity)?.isBetterHigher === true ? 1 : -1;
    this.minDelta = minDelta;
    this.keepsFirst = tie === 'first';
  }

  /** @returns whether this epoch is the best so far */
  observe(result: EpochResult): boolean {
    const value = this.valueOf(result) * this.sign;
    const bar = this.best + (this.bestEpoch === undefined ? 0 : this.minDelta);
    if (!(value > bar || (!this.keepsFirst && value === bar))) return false;
    this.best = value;
    this.bestEpoch = result.epoch;
    return true;
  }

  valueOf(result: EpochResult): number {
    if (this.quantity === 'trainLoss') return result.trainLoss;
    if (this.quantity === 'validationLoss') return result.validationLoss ?? Number.NaN;
    return result.metrics[this.quantity];
  }

  get state(): { best: number; bestEpoch: number | null } {
    return { best: this.best, bestEpoch: this.bestEpoch ?? null };
  }

  set state({ best, bestEpoch }: { best: number; bestEpoch: number | null }) {
    this.best = best;
    this.bestEpoch = bestEpoch ?? undefined;
  }
}
