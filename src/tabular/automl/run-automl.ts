import { freemem, totalmem } from 'node:os';
import { type Logger, now, silentLogger, version } from '#core';
import { fingerprintTable } from '#data';
import type { Guardrail } from '../features/guardrails.ts';
import type { TabularModel } from '../pipeline/tabular-model.ts';
import { typicalRow } from '../pipeline/typical-row.ts';
import type { AutoMLEvent } from './automl-event.ts';
import type { AutoMLOptions } from './automl-options.ts';
import type { AutoMLResult } from './automl-result.ts';
import { CostModel } from './cost-model.ts';
import { EventStream } from './event-stream.ts';
import { type FinishedModel, Finisher, refitSeconds } from './finish.ts';
import { Journal, type TrialRecord } from './journal.ts';
import { parseLimits, type RunLimits } from './parse-options.ts';
import { portfolioFor } from './portfolio.ts';
import { PredictionStore } from './prediction-store.ts';
import { type PlannedRun, type PreparedRun, prepareRun } from './prepare-run.ts';
import { ProcessPool } from './process-pool.ts';
import { Search } from './search.ts';
import { childRun, SearchLoop, type SearchOutcome, scoreOf } from './search-loop.ts';
import { lockStateFolder } from './state-lock.ts';
import { StopRule } from './stop-rule.ts';
import { tooGoodWarning } from './too-good.ts';
import type { TrialEnvironment } from './trial-job.ts';
import type { TrialPool } from './trial-pool.ts';
import { TrialRunner } from './trial-runner.ts';
import { verifyModel } from './verify-model.ts';
import { WorkerPool } from './worker-pool.ts';
import { writeModelFile } from './write-model.ts';

/** Part of a timeout that the end of a run may take at most. */
const MAX_FINISH_SHARE = 0.4;
const MEBIBYTE = 2 ** 20;

/** A run in progress: its events can be read once, in order, while it goes on. */
export interface AutoMLRun extends AsyncIterable<AutoMLEvent> {
  /** Rejects with `ConfigError` or `DataError` for options and data that cannot work. */
  readonly result: Promise<AutoMLResult>;
  /** The fitted model in memory. */
  readonly model: Promise<TabularModel>;
  /** The ONNX file's bytes. */
  readonly onnx: Promise<Uint8Array>;
  /** Ends the search: running trials are discarded, the best so far becomes the model. */
  stop(): void;
}

/**
 * Searches for the best model of a table: a baseline, a portfolio of good configurations, then cost-aware search over
 * preprocessing × learner × hyper-parameters, validated as `validation` says; ensembles of what was found; the best of
 * all fitted on all rows and exported as one ONNX file.
 *
 * @example
 * const run = runAutoML({ table, label: 'y', out: 'model.onnx' });
 * for await (const event of run) if (event.type === 'improved') console.log(event.algorithm, event.score);
 * console.log((await run.result).best.metrics);
 */
export function runAutoML(options: AutoMLOptions): AutoMLRun {
  const session = new AutoMLSession(options);
  const done = session.run();
  // Whoever does not await one of the promises has the error from the others.
  const result = done.then((finished) => finished.result);
  const model = done.then((finished) => finished.model);
  const onnx = done.then((finished) => finished.onnx);
  for (const promise of [result, model, onnx]) promise.catch(() => {});
  return {
    result,
    model,
    onnx,
    stop: () => session.stop(),
    [Symbol.asyncIterator]: () => session.events[Symbol.asyncIterator](),
  };
}

interface Finished {
  readonly result: AutoMLResult;
  readonly model: TabularModel;
  readonly onnx: Uint8Array;
}

class AutoMLSession {
  readonly events = new EventStream<AutoMLEvent>();
  private readonly options: AutoMLOptions;
  private readonly logger: Logger;
  private readonly start = now();
  private readonly warnings: string[] = [];
  private runner: TrialRunner | undefined;
  private stopping = false;
  private failed = false;

  constructor(options: AutoMLOptions) {
    this.options = options;
    this.logger = options.logger ?? silentLogger;
  }

  stop(): void {
    this.stopping = true;
    this.runner?.cancelAll('stopped by the caller');
  }

  async run(): Promise<Finished> {
    const { signal } = this.options;
    const onAbort = () => this.stop();
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) this.stop();
    try {
      // Errors of the options surface through the promise, like all others.
      await Promise.resolve();
      return await this.withState();
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.events.close();
    }
  }

  private async withState(): Promise<Finished> {
    const limits = parseLimits(this.options);
    const prepared = prepareRun(this.options, limits);
    const { stateFolder } = this.options;
    if (stateFolder === undefined) return this.withPool(limits, prepared, undefined);
    const lock = lockStateFolder(stateFolder);
    let journal: Journal | undefined;
    try {
      journal = new Journal(
        stateFolder,
        { fingerprint: prepared.fingerprint, settings: this.settings() },
        version,
      );
      return await this.withPool(limits, prepared, journal);
    } finally {
      journal?.close();
      lock.release();
    }
  }

  private async withPool(
    limits: RunLimits,
    prepared: PreparedRun,
    journal: Journal | undefined,
  ): Promise<Finished> {
    const earlier = journal?.contents.validation;
    const planned = await prepared.plan(earlier);
    if (earlier === undefined) journal?.recordValidation(planned.validation);
    const pool = this.openPool(planned.environment, limits.concurrency);
    try {
      return await this.searchAndFinish({ limits, prepared, planned, journal, pool });
    } catch (error) {
      this.failed = true;
      throw error;
    } finally {
      await pool.close();
    }
  }

  private openPool(environment: TrialEnvironment, concurrency: number): TrialPool {
    const { workers = 'threads' } = this.options;
    if (workers !== 'threads') return new ProcessPool(environment, workers, concurrency);
    return new WorkerPool(environment, {
      size: concurrency,
      heapMegabytes: Math.floor(Math.min(4096, Math.max(512, totalmem() / MEBIBYTE / (concurrency + 1)))),
      logger: this.logger,
    });
  }

  private async searchAndFinish(parts: Parts): Promise<Finished> {
    const { prepared, planned, journal, limits } = parts;
    this.emit({
      type: 'started',
      task: prepared.target.task,
      taskReason: prepared.target.taskReason,
      primaryMetric: prepared.metric,
      rows: prepared.features.rows,
      columns: prepared.features.columns.length,
      validation: planned.validation,
      concurrency: limits.concurrency,
      resumedTrials: journal?.contents.trials.length ?? 0,
    });
    const predictions = new PredictionStore(Math.max(256 * MEBIBYTE, 0.2 * freemem()));
    // The workers start meanwhile.
    const guardrails = planned.checkData();
    for (const guardrail of guardrails) this.emit({ type: 'guardrail', guardrail });
    const searched = await this.search(parts, predictions);
    const searchEnd = this.elapsed();
    if (searched.trials.filter(({ status }) => status === 'completed').length <= 1) {
      if (this.stopping) this.warn('The search was stopped before it had a model; the baseline is returned.');
      else if (Number.isFinite(limits.timeoutSeconds)) {
        this.warn('The timeout is too short for one model; the baseline is returned. Allow more time.');
      }
    }
    const finished = await new Finisher({
      pool: parts.pool,
      environment: planned.environment,
      labels: prepared.target.labels,
      trials: searched.trials,
      predictions,
      concurrency: limits.concurrency,
      ensembles: this.options.ensembles ?? true,
      importance: (this.options.importance ?? true) && !this.stopping,
      secondsLeft: () => limits.timeoutSeconds - this.elapsed(),
      elapsed: () => this.elapsed(),
      emit: (event) => this.emit(event),
      warn: (message) => this.warn(message),
    }).finish();
    return this.export(parts, searched, { ...finished, guardrails, searchEnd });
  }

  private async search(parts: Parts, predictions: PredictionStore): Promise<SearchOutcome> {
    const { prepared, planned, journal, limits, pool } = parts;
    const { task } = prepared.target;
    const search = new Search({
      task,
      metric: prepared.metric,
      shapes: planned.shapes,
      learners: prepared.learners,
      portfolio: portfolioFor(task, planned.shapes, prepared.learners),
      highCardinality: prepared.purposes.some(({ purpose }) => purpose === 'CategoricalHash'),
      seed: limits.seed,
    });
    this.runner = new TrialRunner(pool, planned.environment);
    this.emit({ type: 'phase', phase: 'searching', seconds: this.elapsed() });
    return new SearchLoop({
      task,
      metric: prepared.metric,
      search,
      runner: this.runner,
      rule: new StopRule({
        metric: prepared.metric,
        ...(limits.maxTrials === undefined ? {} : { maxTrials: limits.maxTrials }),
        ...(limits.exitScore === undefined ? {} : { exitScore: limits.exitScore }),
        earlyStopping: this.options.earlyStopping ?? true,
      }),
      costs: new CostModel((config) => search.relativeCost(config)),
      predictions,
      journal,
      concurrency: limits.concurrency,
      folds: planned.environment.folds.length,
      trialSeconds: limits.trialTimeoutSeconds,
      timed: Number.isFinite(limits.timeoutSeconds),
      secondsLeft: (trials) => this.searchSecondsLeft(trials, parts),
      elapsed: () => this.elapsed(),
      emit: (event) => this.emit(event),
      stopped: () => this.stopping,
    }).run();
  }

  /** The time left for trials: what the timeout leaves after ensembling, refitting and writing the best so far. */
  private searchSecondsLeft(trials: readonly TrialRecord[], { limits, planned, prepared }: Parts): number {
    const { timeoutSeconds, concurrency } = limits;
    if (!Number.isFinite(timeoutSeconds)) return Number.POSITIVE_INFINITY;
    const { environment } = planned;
    const scored = trials
      .flatMap((trial) => {
        const score = scoreOf(trial, prepared.metric);
        return score === undefined ? [] : [{ trial, score }];
      })
      .sort((a, b) => (this.isBetter(prepared, a.score, b.score) ? -1 : 1))
      .slice(0, 6)
      .map(({ trial }) => trial);
    const refit = refitSeconds(scored, environment, concurrency);
    const ensembling = 1e-4 * environment.layout.y.length * Math.min(1, trials.length / 10);
    const finish = Math.min(MAX_FINISH_SHARE * timeoutSeconds, 0.4 + 1.5 * refit + ensembling);
    return timeoutSeconds - this.elapsed() - finish;
  }

  private isBetter({ metric }: PreparedRun, a: number, b: number): boolean {
    return new StopRule({ metric }).isImprovement(a, b);
  }

  private async export(
    { prepared, planned, limits }: Parts,
    searched: SearchOutcome,
    finished: FinishedModel & { readonly guardrails: readonly Guardrail[]; readonly searchEnd: number },
  ): Promise<Finished> {
    const { model, score, algorithm, guardrails, searchEnd } = finished;
    const { target, metric, fingerprint, features } = prepared;
    const { positiveClass } = planned.environment.scoring;
    this.emit({ type: 'phase', phase: 'exporting', seconds: this.elapsed() });
    const onnx = model.toOnnx({
      labelColumn: this.options.label,
      algorithm,
      primaryMetric: metric,
      metrics: score.metrics,
      fingerprint,
      example: typicalRow(features),
      ...(positiveClass === undefined
        ? {}
        : { positiveLabel: target.labels?.values[positiveClass] as string }),
    });
    const modelPath = this.options.out === undefined ? null : writeModelFile(this.options.out, onnx);
    if (limits.timeoutSeconds - this.elapsed() > 1) {
      const difference = await verifyModel(model, onnx, features);
      if (difference !== undefined) this.warn(difference);
    }
    const featureImportance = await finished.importance;
    const suspicion = tooGoodWarning(target.task, score.metrics, featureImportance);
    if (suspicion !== undefined) this.warn(suspicion);
    const { decision } = score;
    const result: AutoMLResult = {
      task: target.task,
      primaryMetric: metric,
      validation: planned.validation,
      guardrails,
      children: searched.trials.map(childRun),
      best: {
        iteration: finished.iteration,
        algorithm,
        metrics: score.metrics,
        documents: score.documents,
        steps: model.steps(),
      },
      ensembles: finished.ensembles,
      featureImportance,
      threshold: decision.kind === 'threshold' ? decision.threshold : null,
      classWeights: decision.kind === 'weights' ? decision.weights : null,
      timings: {
        firstModelSeconds: searched.firstModelSeconds ?? searchEnd,
        totalSeconds: this.elapsed(),
        searchSeconds: searchEnd,
        finishSeconds: this.elapsed() - searchEnd,
      },
      modelPath,
      modelBytes: onnx.byteLength,
      labels: target.labels?.values ?? null,
      rows: { used: target.rows.length, missingLabel: target.missingLabels },
      fingerprint,
      stopReason: searched.stopReason,
      warnings: this.warnings,
    };
    this.emit({ type: 'finished', result });
    return { result, model, onnx };
  }

  /** The options that decide about the trials: a search is resumed with the same ones only. */
  private settings(): Record<string, unknown> {
    const { label, task, metric, folds, validation, allow, block, seed, weights, positiveLabel } =
      this.options;
    const { featurization, tuneThreshold } = this.options;
    const plain =
      validation?.kind === 'given'
        ? { kind: 'given', fingerprint: fingerprintTable(validation.table) }
        : validation;
    const all = {
      label,
      task,
      metric,
      folds,
      validation: plain,
      allow,
      block,
      seed: seed ?? 0,
      weights,
      positiveLabel,
      featurization: featurization ?? 'auto',
      tuneThreshold,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  private elapsed(): number {
    return now() - this.start;
  }

  private emit(event: AutoMLEvent): void {
    this.events.push(event);
  }

  private warn(message: string): void {
    // What is still going on fails when the workers end: only the first error tells something.
    if (this.failed) return;
    this.warnings.push(message);
    this.emit({ type: 'warning', message });
  }
}

interface Parts {
  readonly limits: RunLimits;
  readonly prepared: PreparedRun;
  readonly planned: PlannedRun;
  readonly journal: Journal | undefined;
  readonly pool: TrialPool;
}
