import { metricInfo } from '#metrics';
import type { EnsembleCandidate } from '../ensemble/ensembles.ts';
import type { Task } from '../learners/learner.ts';
import type { PipelineConfig } from '../pipeline/pipeline.ts';
import type { AutoMLEvent } from './automl-event.ts';
import type { ChildRun } from './automl-result.ts';
import type { CostModel } from './cost-model.ts';
import type { Journal, TrialRecord } from './journal.ts';
import { baseline } from './portfolio.ts';
import type { PredictionStore } from './prediction-store.ts';
import { type Proposal, preprocessingText, type Search } from './search.ts';
import { LANDMARK_TRIALS, type StopRule } from './stop-rule.ts';
import type { TrialOutcome, TrialRunner } from './trial-runner.ts';

/** Seconds of search after which no further trial starts when no timeout was given and the landmarks are made. */
const DEFAULT_SEARCH_SECONDS = 60;

/** Proposals that would take too long are passed over this often before the search ends. */
const MAX_DECLINED = 12;

/** What a search works with. */
export interface SearchLoopContext {
  readonly task: Task;
  readonly metric: string;
  readonly search: Search;
  readonly runner: TrialRunner;
  readonly rule: StopRule;
  readonly costs: CostModel;
  readonly predictions: PredictionStore;
  readonly journal: Journal | undefined;
  /** Trials that may run at once. */
  readonly concurrency: number;
  readonly folds: number;
  readonly trialSeconds: number;
  /** Whether the caller gave a timeout. */
  readonly timed: boolean;
  /** Seconds left for searching; `Infinity` without a timeout. */
  readonly secondsLeft: (trials: readonly TrialRecord[]) => number;
  /** Seconds since the run began. */
  readonly elapsed: () => number;
  readonly emit: (event: AutoMLEvent) => void;
  readonly stopped: () => boolean;
}

export interface SearchOutcome {
  /** Every trial in order of start. */
  readonly trials: readonly TrialRecord[];
  readonly stopReason: string;
  readonly firstModelSeconds: number | undefined;
}

interface Running {
  readonly iteration: number;
  readonly proposal: Proposal;
  readonly outcome: Promise<TrialOutcome>;
}

/**
 * The search for configurations: starts trials, tells the search their outcomes in order of start, and ends by the
 * stop rule, the clock or the caller. The outcome of trial t decides about trial t + `concurrency` at the earliest,
 * whenever it finishes, so that the choices do not depend on timing.
 */
export class SearchLoop {
  private readonly context: SearchLoopContext;
  private readonly trials: TrialRecord[] = [];
  private readonly running: Running[] = [];
  private firstModelSeconds: number | undefined;
  private next = 0;
  private hasBaseline = false;
  /** Proposals there was no time for. */
  private declined = 0;
  /** Best score so far in order of finishing. */
  private best: number | undefined;

  constructor(context: SearchLoopContext) {
    this.context = context;
  }

  async run(): Promise<SearchOutcome> {
    this.resume();
    let stopReason: string | undefined;
    while (stopReason === undefined) {
      while (this.running.length >= this.context.concurrency) await this.tellOldest();
      stopReason = this.reasonToStop();
      if (stopReason !== undefined) break;
      const proposal = this.propose();
      if (proposal !== undefined) this.start(proposal);
      else if (this.running.length > 0) await this.tellOldest();
      else
        stopReason =
          this.declined > 0 ? 'there was no time for another trial' : 'there was nothing new to try';
    }
    while (this.running.length > 0) await this.tellOldest();
    this.trials.sort((a, b) => a.iteration - b.iteration);
    return { trials: this.trials, stopReason, firstModelSeconds: this.firstModelSeconds };
  }

  private reasonToStop(): string | undefined {
    const { rule, timed, stopped, secondsLeft, elapsed } = this.context;
    if (this.hasBaseline && stopped()) return 'it was stopped by the caller';
    const reason = rule.reason(this.running.length);
    if (reason !== undefined) return reason;
    const started = rule.trialCount + this.running.length;
    if (this.hasBaseline && secondsLeft(this.trials) <= 0) return 'the time was over';
    if (!timed && started >= LANDMARK_TRIALS && elapsed() > DEFAULT_SEARCH_SECONDS) {
      return `${DEFAULT_SEARCH_SECONDS} s were over, the default for a search (--timeout sets another)`;
    }
    return undefined;
  }

  /** The next configuration there is time for. */
  private propose(): Proposal | undefined {
    if (!this.hasBaseline) return { config: baseline, suggestion: null };
    for (let attempt = 0; attempt < MAX_DECLINED; attempt++) {
      const proposal = this.context.search.next();
      if (proposal === undefined || !this.tooLong(proposal.config)) return proposal;
      this.context.search.decline(proposal);
      this.declined++;
    }
    return undefined;
  }

  /** Whether a trial is not worth starting, because the time would be over before its folds are done. */
  private tooLong(config: PipelineConfig): boolean {
    const { costs, folds, concurrency, secondsLeft, timed } = this.context;
    const estimate = costs.estimate(config);
    if (!timed || estimate === undefined) return false;
    const rounds = Math.ceil(folds / concurrency);
    return 0.8 * estimate * rounds > secondsLeft(this.trials);
  }

  private start(proposal: Proposal): void {
    const { runner, secondsLeft, trialSeconds, emit, elapsed } = this.context;
    const iteration = this.next++;
    const { config } = proposal;
    const isBaseline = config === baseline;
    this.hasBaseline ||= isBaseline;
    const onStart = () =>
      emit({
        type: 'trial-started',
        iteration,
        algorithm: config.learner,
        preprocessing: preprocessingText(config),
        hyperparameters: config.params,
        seconds: elapsed(),
      });
    const outcome = isBaseline
      ? runner.runBaseline({ onStart })
      : runner.run(config, { secondsLeft: () => secondsLeft(this.trials), trialSeconds, onStart });
    const finished = outcome.then((done) => {
      this.record(iteration, config, done);
      return done;
    });
    this.running.push({ iteration, proposal, outcome: finished });
  }

  /** A trial has ended: it goes into the journal at once, whichever trials started before it still run. */
  private record(iteration: number, config: PipelineConfig, outcome: TrialOutcome): void {
    const { predictions, ...rest } = outcome;
    const trial: TrialRecord = { iteration, config, ...rest };
    this.trials.push(trial);
    const { costs, journal, emit, elapsed } = this.context;
    if (outcome.status === 'completed') {
      costs.measure(config, outcome.foldSeconds);
      if (config !== baseline) this.firstModelSeconds ??= elapsed();
      if (predictions !== undefined) this.keep(trial, predictions);
    }
    const again = outcome.status === 'discarded' && !/trial timeout/.test(outcome.reason ?? '');
    if (!again) journal?.recordTrial(trial, predictions);
    this.announce(trial, emit, elapsed());
  }

  private announce(trial: TrialRecord, emit: (event: AutoMLEvent) => void, seconds: number): void {
    const { metric } = this.context;
    const score = scoreOf(trial, metric);
    const previous = this.best;
    const improved = score !== undefined && this.context.rule.isImprovement(score, previous);
    if (improved) this.best = score;
    emit({ type: 'trial', child: childRun(trial), score: score ?? null, best: this.best ?? null, seconds });
    if (!improved) return;
    emit({
      type: 'improved',
      iteration: trial.iteration,
      algorithm: trial.config.learner,
      score: score as number,
      previous: previous ?? null,
      seconds,
    });
  }

  private async tellOldest(): Promise<void> {
    const oldest = this.running[0];
    await oldest.outcome;
    this.running.shift();
    const trial = this.trials.find(({ iteration }) => iteration === oldest.iteration) as TrialRecord;
    const score = scoreOf(trial, this.context.metric);
    this.context.rule.add(score);
    this.context.search.tell(oldest.proposal, score);
    this.context.journal?.recordSearch(trial.iteration, this.context.search.state());
  }

  private resume(): void {
    const { journal, search, rule, metric, costs } = this.context;
    if (journal === undefined) return;
    const { trials, search: saved } = journal.contents;
    this.hasBaseline = trials.some(({ config }) => config.learner === baseline.learner);
    if (saved !== undefined) search.restore(saved.state);
    for (const trial of trials) {
      const score = scoreOf(trial, metric);
      if (saved !== undefined && trial.iteration <= saved.told) search.remember(trial.config, score);
      else search.tell({ config: trial.config, suggestion: null }, score);
      search.remember(trial.config, score);
      rule.add(score);
      if (score !== undefined && rule.isImprovement(score, this.best)) this.best = score;
      this.trials.push(trial);
      this.next = Math.max(this.next, trial.iteration + 1);
      if (trial.status !== 'completed') continue;
      costs.measure(trial.config, trial.foldSeconds);
      const stored = journal.readPredictions(trial.iteration, this.context.runner.predictionLength);
      if (stored !== undefined) this.keep(trial, stored);
    }
  }

  private keep(trial: TrialRecord, predictions: Float64Array): void {
    const { metric } = this.context;
    const score = scoreOf(trial, metric) ?? Number.NaN;
    const primary = metricInfo(metric).direction === 'maximize' ? -score : score;
    this.context.predictions.add(trial.iteration, predictions, this.lossOf(trial), primary);
  }

  /** What ensembles are selected on. */
  private lossOf({ metrics }: TrialRecord): number {
    return this.context.task === 'classification' ? metrics['log_loss'] : metrics['root_mean_squared_error'];
  }
}

/** Primary metric of a completed trial. */
export function scoreOf({ status, metrics }: TrialRecord, metric: string): number | undefined {
  const score = metrics[metric];
  return status !== 'completed' || score === undefined || Number.isNaN(score) ? undefined : score;
}

/** A trial as the result shows it. */
export function childRun({ iteration, config, metrics, fitSeconds, status, reason }: TrialRecord): ChildRun {
  return {
    iteration,
    algorithm: config.learner,
    preprocessing: preprocessingText(config),
    hyperparameters: config.params,
    metrics,
    fitSeconds,
    status,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Completed trials an ensemble may choose from, the best first. */
export function ensembleCandidates(
  trials: readonly TrialRecord[],
  predictions: PredictionStore,
  most: number,
): EnsembleCandidate[] {
  const byIteration = new Map(trials.map((trial) => [trial.iteration, trial]));
  return predictions
    .ranking()
    .map((iteration) => ({
      iteration,
      learner: byIteration.get(iteration)?.config.learner ?? baseline.learner,
      predictions: predictions.get(iteration) as Float64Array,
    }))
    .filter(({ learner }) => learner !== baseline.learner)
    .slice(0, most);
}
