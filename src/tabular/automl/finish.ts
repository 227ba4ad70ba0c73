import { availableParallelism } from 'node:os';
import { CancelledError, DataError, Deadline, hashString, Rng, silentLogger } from '#core';
import { Table } from '#data';
import { isBetter } from '#metrics';
import type { ColumnImportance } from '../ensemble/permutation-importance.ts';
import { type CandidateScore, scoreOutOfFold } from '../ensemble/score.ts';
import { findLearner } from '../learners/registry.ts';
import type { ClassLabels } from '../pipeline/class-labels.ts';
import {
  FittedPipeline,
  fitPipeline,
  type PipelineConfig,
  type SerializedPipeline,
} from '../pipeline/pipeline.ts';
import { type Combination, TabularModel } from '../pipeline/tabular-model.ts';
import type { AutoMLEvent } from './automl-event.ts';
import type { EnsembleRun } from './automl-result.ts';
import type { TrialRecord } from './journal.ts';
import { baseline } from './portfolio.ts';
import type { PredictionStore } from './prediction-store.ts';
import { ensembleCandidates, scoreOf } from './search-loop.ts';
import type { SerializedEnsemble, TrialEnvironment } from './trial-job.ts';
import type { TrialPool } from './trial-pool.ts';
import type { JobHandle } from './worker-pool.ts';

/** Most trials an ensemble chooses from. */
const MAX_CANDIDATES = 40;
/** Rows on which the importance of columns is measured. */
const IMPORTANCE_ROWS = 2000;
const IMPORTANCE_REPEATS = 3;

export interface FinishContext {
  readonly pool: TrialPool;
  readonly environment: TrialEnvironment;
  readonly labels: ClassLabels | null;
  readonly trials: readonly TrialRecord[];
  readonly predictions: PredictionStore;
  readonly concurrency: number;
  readonly ensembles: boolean;
  readonly importance: boolean;
  /** Seconds left for everything up to the written file. */
  readonly secondsLeft: () => number;
  readonly elapsed: () => number;
  readonly emit: (event: AutoMLEvent) => void;
  readonly warn: (message: string) => void;
}

/** The model of a run. */
export interface FinishedModel {
  readonly model: TabularModel;
  readonly iteration: number;
  readonly algorithm: string;
  readonly score: CandidateScore;
  readonly ensembles: readonly EnsembleRun[];
  /** Of the raw columns; settles after the model, so that the file can be written meanwhile. */
  readonly importance: Promise<readonly ColumnImportance[]>;
}

/** Something that can become the model: a trial or an ensemble of trials. */
interface Candidate {
  readonly iteration: number;
  readonly algorithm: string;
  readonly members: readonly { readonly iteration: number; readonly weight: number }[];
  readonly ensemble: SerializedEnsemble | undefined;
  readonly score: CandidateScore;
}

/**
 * Ends a search: builds ensembles, takes the best candidate by the primary metric, and fits it on all rows. Where
 * time is short it leaves out ensembles, then the best single model, and at last falls back to the baseline.
 */
export class Finisher {
  private readonly context: FinishContext;
  /** Fits on all rows that were started before the model was chosen, by iteration. */
  private readonly early = new Map<number, JobHandle<'fit'>>();

  constructor(context: FinishContext) {
    this.context = context;
  }

  async finish(): Promise<FinishedModel> {
    const { emit, elapsed, environment } = this.context;
    const single = this.bestTrial();
    this.fitEarly(single);
    const ensembles = await this.buildEnsembles(single);
    const runs = ensembles.map(ensembleRun);
    const affordable = (candidate: Candidate) =>
      candidate === single || this.refitSeconds(candidate) < 0.9 * this.context.secondsLeft();
    const dropped = ensembles.filter((ensemble) => !affordable(ensemble)).map(({ algorithm }) => algorithm);
    const ranked = [single, ...ensembles]
      .filter(({ algorithm }) => !dropped.includes(algorithm))
      .sort((a, b) => this.compare(a, b));
    if (dropped.length > 0) {
      this.context.warn(
        `There was no time to fit ${dropped.join(' and ')} on all rows; a longer timeout allows it.`,
      );
    }
    emit({ type: 'phase', phase: 'refitting', seconds: elapsed() });
    const chosen = ranked[0];
    const fitted = await this.fitMembers(chosen, single);
    const { candidate, pipelines } = fitted;
    if (candidate !== chosen && candidate.algorithm !== baseline.learner) {
      this.context.warn(
        `There was no time to fit ${chosen.algorithm} on all rows; ${candidate.algorithm} is used.`,
      );
    }
    const model = new TabularModel({
      task: environment.layout.task,
      labels: this.context.labels,
      members: candidate.members.map((member, m) => ({ ...member, pipeline: pipelines[m] })),
      combination: combinationOf(candidate),
      meta: metaOf(candidate),
      decision: candidate.score.decision,
    });
    return {
      model,
      iteration: candidate.iteration,
      algorithm: candidate.algorithm,
      score: candidate.score,
      ensembles: runs,
      importance: this.importance(candidate, pipelines),
    };
  }

  /**
   * With a timeout the best trial is fitted on all rows before anything else is done, so that a trained model is there
   * when the time is over.
   */
  private fitEarly({ iteration, algorithm }: Candidate): void {
    if (!Number.isFinite(this.context.secondsLeft()) || algorithm === baseline.learner) return;
    const handle = this.submitFit(this.configOf(iteration), 'final', this.context.environment.threads);
    // Its failure is told where the result is asked for.
    handle.result.catch(() => undefined);
    this.early.set(iteration, handle);
  }

  /** The best completed trial by the primary metric; the baseline counts. */
  private bestTrial(): Candidate {
    const { trials, environment, predictions } = this.context;
    const { metric } = environment.scoring;
    const completed = trials.filter(
      ({ status, iteration }) => status === 'completed' && predictions.get(iteration),
    );
    if (completed.length === 0) throw noTrial(trials);
    const best = completed.reduce((a, b) => {
      const [x, y] = [scoreOf(a, metric), scoreOf(b, metric)];
      return y !== undefined && (x === undefined || isBetter(metric, y, x)) ? b : a;
    });
    return this.trialCandidate(best);
  }

  private trialCandidate({ iteration, config }: TrialRecord): Candidate {
    const { environment, predictions } = this.context;
    const score = scoreOutOfFold(
      environment.layout,
      predictions.get(iteration) as Float64Array,
      environment.scoring,
    );
    return {
      iteration,
      algorithm: config.learner,
      members: [{ iteration, weight: 1 }],
      ensemble: undefined,
      score,
    };
  }

  private async buildEnsembles(single: Candidate): Promise<Candidate[]> {
    const { trials, predictions, environment, pool, emit, elapsed, warn, secondsLeft } = this.context;
    const candidates = ensembleCandidates(trials, predictions, MAX_CANDIDATES);
    if (!this.context.ensembles || candidates.length < 2) return [];
    const reserve = 1.3 * this.refitSeconds(single);
    const entries = environment.layout.y.length;
    if (secondsLeft() - reserve < 0.2 + 3e-5 * entries) {
      warn('There was no time for ensembles; a longer timeout allows them.');
      return [];
    }
    emit({ type: 'phase', phase: 'ensembling', seconds: elapsed() });
    const kinds = ['VotingEnsemble', 'StackEnsemble'] as const;
    const seconds = () => secondsLeft() - reserve;
    const handles = kinds.map((ensemble) =>
      pool.submit<'ensemble'>({ kind: 'ensemble', ensemble, candidates }, { seconds }),
    );
    const built: Candidate[] = [];
    const last = Math.max(...trials.map(({ iteration }) => iteration));
    for (const [i, handle] of handles.entries()) {
      try {
        const ensemble = await handle.result;
        const candidate: Candidate = {
          iteration: last + 1 + i,
          algorithm: ensemble.kind,
          members: ensemble.members.map(({ iteration, weight }) => ({ iteration, weight: weight ?? 1 })),
          ensemble,
          score: ensemble.score,
        };
        built.push(candidate);
        this.announce(candidate, [single, ...built.slice(0, -1)]);
      } catch (error) {
        warn(`${kinds[i]} was left out: ${(error as Error).message}`);
      }
    }
    return built;
  }

  private announce(candidate: Candidate, before: readonly Candidate[]): void {
    const { emit, elapsed, environment } = this.context;
    const { metric } = environment.scoring;
    const score = candidate.score.metrics[metric];
    emit({ type: 'ensemble', ensemble: ensembleRun(candidate), score, seconds: elapsed() });
    const previous = before.reduce((a, b) => (this.compare(a, b) <= 0 ? a : b)).score.metrics[metric];
    if (!isBetter(metric, score, previous)) return;
    const { iteration, algorithm } = candidate;
    emit({ type: 'improved', iteration, algorithm, score, previous, seconds: elapsed() });
  }

  /** Negative when `a` is the better candidate; equal ones keep their order. */
  private compare(a: Candidate, b: Candidate): number {
    const { metric } = this.context.environment.scoring;
    const [x, y] = [a.score.metrics[metric], b.score.metrics[metric]];
    return isBetter(metric, x, y) ? -1 : isBetter(metric, y, x) ? 1 : 0;
  }

  /** Expected seconds to fit a candidate's members on all rows. */
  private refitSeconds({ members }: Candidate): number {
    const { trials, environment, concurrency } = this.context;
    return refitSeconds(
      members.map(({ iteration }) => trials.find((trial) => trial.iteration === iteration) as TrialRecord),
      environment,
      concurrency,
    );
  }

  /** Fits the members of the chosen candidate; when they do not get done, the best trial or the baseline stands in. */
  private async fitMembers(
    chosen: Candidate,
    single: Candidate,
  ): Promise<{ candidate: Candidate; pipelines: FittedPipeline[] }> {
    const iterations = chosen.members.map(({ iteration }) => iteration);
    const handles = new Map(this.early);
    const parallel = Math.min(iterations.length, this.context.concurrency);
    const threads = Math.max(1, Math.floor(availableParallelism() / parallel));
    const submit = (iteration: number) => this.submitFit(this.configOf(iteration), 'final', threads);
    for (const iteration of iterations) {
      if (!handles.has(iteration)) handles.set(iteration, submit(iteration));
    }
    for (const candidate of [chosen, single]) {
      try {
        const fits = candidate.members.map(
          ({ iteration }) => (handles.get(iteration) ?? submit(iteration)).result,
        );
        const results = await Promise.all(fits);
        if (candidate === single) for (const handle of handles.values()) handle.cancel('no longer needed');
        return { candidate, pipelines: results.map(({ pipeline }) => FittedPipeline.load(pipeline)) };
      } catch (error) {
        if (!(error instanceof CancelledError)) {
          this.context.warn(
            `${candidate.algorithm} could not be fitted on all rows: ${(error as Error).message}`,
          );
        }
      }
    }
    if (chosen.algorithm !== baseline.learner) {
      this.context.warn(
        'No model could be fitted on all rows in time; the baseline is returned. Allow a longer timeout.',
      );
    }
    return this.fitBaseline();
  }

  private async fitBaseline(): Promise<{ candidate: Candidate; pipelines: FittedPipeline[] }> {
    const { environment, trials } = this.context;
    const trial = trials.find(
      ({ config, status }) => config.learner === baseline.learner && status === 'completed',
    );
    if (trial === undefined) throw noTrial(trials);
    const { y, weights, layout, settings, finalRows, seed } = environment;
    const target = {
      y: Float64Array.from(finalRows, (row) => y[row]),
      classes: layout.classes,
      ...(weights === undefined ? {} : { weights: Float64Array.from(finalRows, (row) => weights[row]) }),
    };
    const context = { seed, threads: 1, deadline: Deadline.none, logger: silentLogger };
    const table = Table.fromShared(environment.table).take(finalRows);
    const pipeline = await fitPipeline(table, target, baseline, settings, context);
    return { candidate: this.trialCandidate(trial), pipelines: [pipeline] };
  }

  private submitFit(config: PipelineConfig, rows: 'final' | number, threads: number): JobHandle<'fit'> {
    const { pool, secondsLeft } = this.context;
    return pool.submit<'fit'>(
      { kind: 'fit', config, rows, threads },
      { seconds: secondsLeft, priority: rows === 'final' ? 2 : 0 },
    );
  }

  private configOf(iteration: number): PipelineConfig {
    return (this.context.trials.find((trial) => trial.iteration === iteration) as TrialRecord).config;
  }

  /**
   * Permutation importance on validation rows of the first fold, of the members fitted on that fold's training rows:
   * rows the model has seen would flatter columns it only memorised.
   */
  private async importance(
    candidate: Candidate,
    final: readonly FittedPipeline[],
  ): Promise<ColumnImportance[]> {
    const { environment, pool, secondsLeft, emit, elapsed, warn, concurrency } = this.context;
    if (!this.context.importance || candidate.algorithm === baseline.learner) return [];
    if (secondsLeft() < 1.5 * this.refitSeconds(candidate) + 1) {
      warn('There was no time to measure the importance of the columns; a longer timeout allows it.');
      return [];
    }
    emit({ type: 'phase', phase: 'explaining', seconds: elapsed() });
    const threads = environment.threads;
    const reserve = Number.isFinite(secondsLeft()) ? 0.3 + 0.02 * secondsLeft() : 0;
    try {
      const fits = candidate.members.map(({ iteration }) =>
        this.submitFit(this.configOf(iteration), 0, threads),
      );
      const members: { weight: number; pipeline: SerializedPipeline }[] = [];
      for (const [m, fit] of fits.entries()) {
        members.push({ weight: candidate.members[m].weight, pipeline: (await fit.result).pipeline });
      }
      const used = [
        ...new Set(final.flatMap(({ featurizer }) => featurizer.inputs().map(({ column }) => column))),
      ];
      const rows = this.importanceRows();
      const chunks = Array.from({ length: Math.min(used.length, 2 * concurrency) }, (_, c) =>
        used.filter((_, i) => i % Math.min(used.length, 2 * concurrency) === c),
      );
      const handles = chunks.map((columns) =>
        pool.submit<'importance'>(
          {
            kind: 'importance',
            columns,
            rows,
            members,
            combination: combinationOf(candidate),
            meta: candidate.ensemble?.meta ?? null,
            decision: candidate.score.decision,
            repeats: IMPORTANCE_REPEATS,
          },
          { seconds: () => secondsLeft() - reserve },
        ),
      );
      const measured = await Promise.all(handles.map((handle) => handle.result));
      const flat = measured.flat();
      if (flat.length < used.length) warn('There was no time to measure the importance of every column.');
      return flat.sort((a, b) => b.importance - a.importance);
    } catch (error) {
      warn(`The importance of the columns was not measured: ${(error as Error).message}`);
      return [];
    }
  }

  private importanceRows(): Uint32Array {
    const { folds, seed } = this.context.environment;
    const { validation } = folds[0];
    if (validation.length <= IMPORTANCE_ROWS) return validation;
    const order = new Rng(hashString('importance', seed))
      .permutation(validation.length)
      .subarray(0, IMPORTANCE_ROWS);
    return Uint32Array.from(order, (i) => validation[i]);
  }
}

/** Expected seconds to fit trials on all rows with `concurrency` workers. */
export function refitSeconds(
  trials: readonly TrialRecord[],
  { folds, finalRows }: Pick<TrialEnvironment, 'folds' | 'finalRows'>,
  concurrency: number,
): number {
  const growth = finalRows.length / Math.max(1, folds[0].train.length);
  const seconds = trials.map(({ foldSeconds }) => foldSeconds * growth);
  const total = seconds.reduce((sum, x) => sum + x, 0);
  return Math.max(total / concurrency, ...seconds, 0);
}

function ensembleRun({ ensemble, algorithm, members, score }: Candidate): EnsembleRun {
  return { kind: ensemble?.kind ?? (algorithm as EnsembleRun['kind']), members, metrics: score.metrics };
}

function combinationOf({ ensemble }: Candidate): Combination {
  return ensemble?.kind === 'StackEnsemble' ? 'stack' : 'vote';
}

function metaOf({ ensemble }: Candidate) {
  const meta = ensemble?.meta ?? null;
  return meta === null ? null : findLearner(meta.learner).load(meta);
}

function noTrial(trials: readonly TrialRecord[]): Error {
  const reason = trials.find((trial) => trial.reason !== undefined)?.reason;
  return new DataError(
    reason ?? 'automl: at least the baseline must be fitted, but no trial was started. Run again.',
  );
}
