import { CancelledError, now } from '#core';
import { outputsOf } from '../ensemble/out-of-fold.ts';
import { argmaxDecision, type Decision } from '../pipeline/decision.ts';
import type { PipelineConfig } from '../pipeline/pipeline.ts';
import type { TrialStatus } from './automl-result.ts';
import type { TrialEnvironment } from './trial-job.ts';
import type { JobHandle, WorkerPool } from './worker-pool.ts';

/** How a trial ended. */
export interface TrialOutcome {
  readonly status: TrialStatus;
  readonly reason?: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly decision: Decision;
  /** Seconds of fitting and predicting, all folds together. */
  readonly fitSeconds: number;
  /** Mean of one fold. */
  readonly foldSeconds: number;
  /** Out-of-fold predictions of a completed trial, in shared memory. */
  readonly predictions?: Float64Array;
}

export interface TrialLimits {
  /** Seconds left for the whole search, asked again for every fold. */
  readonly secondsLeft: () => number;
  /** Seconds from the start of the first fold. */
  readonly trialSeconds: number;
  readonly onStart: () => void;
}

/**
 * Runs trials: all folds of a configuration on the pool's workers, then its metrics. A trial completes all its folds
 * or counts for nothing.
 */
export class TrialRunner {
  private readonly pool: WorkerPool;
  private readonly environment: TrialEnvironment;
  private readonly running = new Set<JobHandle<'fold'> | JobHandle<'score'>>();

  constructor(pool: WorkerPool, environment: TrialEnvironment) {
    this.pool = pool;
    this.environment = environment;
  }

  /** Numbers in the predictions of one trial. */
  get predictionLength(): number {
    const { layout } = this.environment;
    return layout.y.length * outputsOf(layout);
  }

  /** Never rejects: whatever goes wrong is the outcome. */
  async run(config: PipelineConfig, limits: TrialLimits): Promise<TrialOutcome> {
    const { folds } = this.environment;
    const predictions = new Float64Array(new SharedArrayBuffer(8 * this.predictionLength));
    let started: number | undefined;
    const onStart = () => {
      if (started !== undefined) return;
      started = now();
      limits.onStart();
    };
    const seconds = () => {
      const used = started === undefined ? 0 : now() - started;
      return Math.min(limits.secondsLeft(), limits.trialSeconds - used);
    };
    const handles = folds.map((_, fold) =>
      this.pool.submit<'fold'>({ kind: 'fold', config, fold, predictions }, { seconds, onStart }),
    );
    for (const handle of handles) this.running.add(handle);
    let fitSeconds = 0;
    try {
      for (const result of await Promise.all(handles.map((handle) => handle.result)))
        fitSeconds += result.seconds;
      const score = this.pool.submit<'score'>(
        { kind: 'score', predictions },
        { seconds: limits.secondsLeft, priority: 1 },
      );
      this.running.add(score);
      const { metrics, decision } = await score.result.finally(() => this.running.delete(score));
      const foldSeconds = fitSeconds / folds.length;
      return { status: 'completed', metrics, decision, fitSeconds, foldSeconds, predictions };
    } catch (error) {
      for (const handle of handles) handle.cancel('discarded');
      return unfinished(error, fitSeconds, limits);
    } finally {
      for (const handle of handles) this.running.delete(handle);
    }
  }

  /** Discards what is running. */
  cancelAll(reason: string): void {
    for (const handle of this.running) handle.cancel(reason);
  }
}

function unfinished(error: unknown, fitSeconds: number, limits: TrialLimits): TrialOutcome {
  const nothing = { metrics: {}, decision: argmaxDecision, fitSeconds, foldSeconds: 0 };
  if (!(error instanceof CancelledError)) {
    return { ...nothing, status: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
  const reason = error.details['reason'];
  if (reason !== 'timeout') return { ...nothing, status: 'discarded', reason: `it was ${String(reason)}` };
  return {
    ...nothing,
    status: 'discarded',
    reason:
      limits.secondsLeft() <= 0.05
        ? 'the time of the search was over'
        : `it took longer than the trial timeout of ${limits.trialSeconds} s`,
  };
}
