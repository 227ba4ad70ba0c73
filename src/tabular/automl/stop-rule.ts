import { isBetter } from '#metrics';

/** No stop within the first trials, then a stop when the best has not changed for as many. */
export const LANDMARK_TRIALS = 20;
const PATIENCE_TRIALS = 20;

export interface StopLimits {
  readonly metric: string;
  /** Most trials, the baseline included. */
  readonly maxTrials?: number;
  readonly exitScore?: number;
  /** Stop when nothing gets better; true by default. */
  readonly earlyStopping?: boolean;
}

/**
 * Decides when a search has seen enough, from its trials in order. The baseline counts as the first of the 20
 * landmark trials; discarded and failed trials count as trials that did not improve.
 */
export class StopRule {
  private readonly limits: StopLimits;
  private trials = 0;
  private bestAt = 0;
  private best: number | undefined;

  constructor(limits: StopLimits) {
    this.limits = limits;
  }

  get trialCount(): number {
    return this.trials;
  }

  get bestScore(): number | undefined {
    return this.best;
  }

  /**
   * @param score primary metric of the next trial, `undefined` when it has none
   * @returns whether it is the best so far
   */
  add(score: number | undefined): boolean {
    this.trials++;
    if (score === undefined || Number.isNaN(score)) return false;
    if (!this.isImprovement(score, this.best)) return false;
    this.best = score;
    this.bestAt = this.trials;
    return true;
  }

  /** Whether a score is better than the best before it. */
  isImprovement(score: number, best: number | undefined): boolean {
    return best === undefined || isBetter(this.limits.metric, score, best);
  }

  /**
   * Why no further trial is to be started, or `undefined` when the search goes on.
   * @param running trials that are started and not yet added
   */
  reason(running = 0): string | undefined {
    const { metric, maxTrials, exitScore, earlyStopping = true } = this.limits;
    if (this.best !== undefined && exitScore !== undefined && !isBetter(metric, exitScore, this.best)) {
      return `the exit score ${exitScore} was reached`;
    }
    if (maxTrials !== undefined && this.trials + running >= maxTrials)
      return `all ${maxTrials} trials were made`;
    const idle = this.trials - this.bestAt;
    if (earlyStopping && this.trials >= LANDMARK_TRIALS && idle >= PATIENCE_TRIALS) {
      return `the best score did not change over the last ${idle} trials`;
    }
    return undefined;
  }
}
