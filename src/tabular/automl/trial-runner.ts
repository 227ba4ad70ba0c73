import { CancelledError, Deadline, now, silentLogger } from '#core';
import { outputsOf } from '../ensemble/out-of-fold.ts';
import { scoreOutOfFold } from '../ensemble/score.ts';
import { FeatureMatrix } from '../features/matrix.ts';
import { findLearner } from '../learners/registry.ts';
import { argmaxDecision, type Decision } from '../pipeline/decision.ts';
import type { PipelineConfig } from '../pipeline/pipeline.ts';
import type { TrialStatus } from './automl-result.ts';
import { baseline } from './portfolio.ts';
import type { TrialEnvironment } from './trial-job.ts';
import type { TrialPool } from './trial-pool.ts';
import type { JobHandle } from './worker-pool.ts';

/** Predictions that are scored without asking a worker. */
const MAX_SCORED_HERE = 200_000;

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
  private readonly pool: TrialPool;
  private readonly environment: TrialEnvironment;
  private readonly running = new Set<JobHandle<'fold'> | JobHandle<'score'>>();

  constructor(pool: TrialPool, environment: TrialEnvironment) {
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

  /**
   * The baseline, fitted and predicted here and now, whatever the workers do: it looks at no features, and there is
   * always an answer.
   */
  async runBaseline({ onStart }: Pick<TrialLimits, 'onStart'>): Promise<TrialOutcome> {
    const { folds, layout, scoring, y, weights } = this.environment;
    onStart();
    const start = now();
    const outputs = outputsOf(layout);
    const predictions = new Float64Array(new SharedArrayBuffer(8 * this.predictionLength));
    const context = { seed: 0, threads: 1, deadline: Deadline.none, logger: silentLogger };
    let offset = 0;
    try {
      for (const { train, validation } of folds) {
        const data = {
          X: new FeatureMatrix(train.length, [], []),
          y: Float64Array.from(train, (row) => y[row]),
          classes: layout.classes,
          ...(weights === undefined ? {} : { weights: Float64Array.from(train, (row) => weights[row]) }),
        };
        const model = await findLearner(baseline.learner).fit(data, {}, context);
        predictions.set(model.predict(new FeatureMatrix(validation.length, [], [])), offset);
        offset += validation.length * outputs;
      }
      const fitSeconds = now() - start;
      const { metrics, decision } =
        predictions.length <= MAX_SCORED_HERE
          ? scoreOutOfFold(layout, predictions, scoring)
          : await this.pool.submit<'score'>({ kind: 'score', predictions }, { priority: 1 }).result;
      return {
        status: 'completed',
        metrics,
        decision,
        fitSeconds,
        foldSeconds: fitSeconds / folds.length,
        predictions,
      };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return {
        status: 'failed',
        reason,
        metrics: {},
        decision: argmaxDecision,
        fitSeconds: 0,
        foldSeconds: 0,
      };
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
