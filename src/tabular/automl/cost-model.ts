import type { PipelineConfig } from '../pipeline/pipeline.ts';

/** A trial whose time was measured. */
interface Measured {
  readonly learner: string;
  readonly cost: number;
  readonly seconds: number;
}

/** How much recent trials of a learner count. */
const MEMORY = 0.5;

/**
 * Seconds from relative costs: learns how many seconds a unit of cost takes, per learner and over all of them.
 */
export class CostModel {
  private readonly relativeCost: (config: PipelineConfig) => number;
  private readonly perLearner = new Map<string, number>();
  private overall: number | undefined;

  constructor(relativeCost: (config: PipelineConfig) => number) {
    this.relativeCost = relativeCost;
  }

  /** @param seconds measured time of fitting and predicting one fold */
  measure(config: PipelineConfig, seconds: number): void {
    const measured: Measured = { learner: config.learner, cost: this.relativeCost(config), seconds };
    if (measured.cost <= 0) return;
    const rate = measured.seconds / measured.cost;
    const before = this.perLearner.get(measured.learner);
    this.perLearner.set(
      measured.learner,
      before === undefined ? rate : MEMORY * before + (1 - MEMORY) * rate,
    );
    const rates = [...this.perLearner.values()].sort((a, b) => a - b);
    this.overall = rates[rates.length >> 1];
  }

  /** Expected seconds of one fold, or `undefined` before anything was measured. */
  estimate(config: PipelineConfig): number | undefined {
    const rate = this.perLearner.get(config.learner) ?? this.overall;
    return rate === undefined ? undefined : rate * this.relativeCost(config);
  }
}
