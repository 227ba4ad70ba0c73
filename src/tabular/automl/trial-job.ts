import type { SharedTable } from '#data';
import type { Ensemble, EnsembleCandidate } from '../ensemble/ensembles.ts';
import type { OutOfFold } from '../ensemble/out-of-fold.ts';
import type { ColumnImportance } from '../ensemble/permutation-importance.ts';
import type { CandidateScore, Scoring } from '../ensemble/score.ts';
import type { SerializedModel } from '../learners/learner.ts';
import type { Decision } from '../pipeline/decision.ts';
import type { PipelineConfig, PipelineSettings, SerializedPipeline } from '../pipeline/pipeline.ts';
import type { Combination } from '../pipeline/tabular-model.ts';

/** Rows to learn from and rows to be judged on. */
export interface Fold {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/** Everything the jobs of a run share. Arrays lie in shared memory, so that handing it to a worker copies nothing. */
export interface TrialEnvironment {
  /** Raw columns of all rows, label dropped. */
  readonly table: SharedTable;
  /** [N] class indices or values of all rows of the table. */
  readonly y: Float64Array;
  readonly weights?: Float64Array;
  readonly settings: PipelineSettings;
  readonly folds: readonly Fold[];
  /** Rows of the final model. */
  readonly finalRows: Uint32Array;
  /** Entries are the validation rows of all folds, fold after fold. */
  readonly layout: OutOfFold;
  readonly scoring: Scoring;
  readonly seed: number;
  /** Threads of one job. */
  readonly threads: number;
  /** Bytes of prepared features a worker may keep. */
  readonly cacheBytes: number;
}

/** A unit of work for one worker. */
export type Job =
  /** Fits a pipeline on a fold and writes the predictions of its validation rows to their place among all entries. */
  | {
      readonly kind: 'fold';
      readonly config: PipelineConfig;
      readonly fold: number;
      /** [E, K] or [E], shared. */
      readonly predictions: Float64Array;
    }
  /** Scores out-of-fold predictions. */
  | { readonly kind: 'score'; readonly predictions: Float64Array }
  /** Fits a pipeline on the rows of the final model, or on the training rows of a fold. */
  | {
      readonly kind: 'fit';
      readonly config: PipelineConfig;
      readonly rows: 'final' | number;
      readonly threads: number;
    }
  /** Chooses and scores an ensemble of finished trials. */
  | {
      readonly kind: 'ensemble';
      readonly ensemble: 'VotingEnsemble' | 'StackEnsemble';
      /** Predictions are shared. */
      readonly candidates: readonly EnsembleCandidate[];
    }
  /** Permutation importance of some columns of a model, on validation rows of the first fold. */
  | {
      readonly kind: 'importance';
      readonly columns: readonly string[];
      readonly rows: Uint32Array;
      readonly members: readonly { readonly weight: number; readonly pipeline: SerializedPipeline }[];
      readonly combination: Combination;
      readonly meta: SerializedModel | null;
      readonly decision: Decision;
      readonly repeats: number;
    };

export interface JobResults {
  readonly fold: { readonly seconds: number };
  readonly score: CandidateScore;
  readonly fit: { readonly pipeline: SerializedPipeline; readonly seconds: number };
  readonly ensemble: SerializedEnsemble;
  readonly importance: readonly ColumnImportance[];
}

/** An `Ensemble` that travels between threads. */
export interface SerializedEnsemble extends Omit<Ensemble, 'meta'> {
  readonly meta: SerializedModel | null;
}

export type JobKind = Job['kind'];

/** What the pool sends to a worker. */
export interface JobMessage {
  readonly id: number;
  readonly job: Job;
  /** Time the job has from `sentAt` on. */
  readonly seconds: number;
  /** Milliseconds since 1970 by the monotonic clock: a worker that still starts finds the message later. */
  readonly sentAt: number;
}

/** The clock that the threads of a process share. */
export function sharedClock(): number {
  return performance.timeOrigin + performance.now();
}

/** What a worker answers. */
export type JobAnswer =
  | { readonly id: number; readonly result: JobResults[JobKind] }
  | {
      readonly id: number;
      readonly error: { readonly code: string; readonly message: string; readonly reason?: string };
    };

/** What a worker is started with. */
export interface WorkerSetup {
  readonly environment: TrialEnvironment;
  /** [1] set to 1 to cancel the present job. */
  readonly cancel: Int32Array;
}
