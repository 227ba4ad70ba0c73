import type { Parameters } from '#tune';
import type { ColumnImportance } from '../ensemble/permutation-importance.ts';
import type { Guardrail } from '../features/guardrails.ts';
import type { Task } from '../learners/learner.ts';
import type { PipelineStep } from '../pipeline/pipeline.ts';

/**
 * `completed`: all folds were scored. `discarded`: it was stopped before (time, cancellation). `failed`: the learner
 * or its worker gave up.
 */
export type TrialStatus = 'completed' | 'discarded' | 'failed';

/** One trial of the search. */
export interface ChildRun {
  /** In order of start, the baseline is 0. */
  readonly iteration: number;
  /** Leaderboard name of the learner. */
  readonly algorithm: string;
  /** Encoding and scaler, e.g. `onehot, StandardScaler`. */
  readonly preprocessing: string;
  readonly hyperparameters: Parameters;
  /** Azure's names; means over the folds. Empty unless completed. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Seconds of fitting and predicting, all folds together. */
  readonly fitSeconds: number;
  readonly status: TrialStatus;
  /** Why it was discarded or failed. */
  readonly reason?: string;
}

export interface EnsembleRun {
  readonly kind: 'VotingEnsemble' | 'StackEnsemble';
  /** In a stack the weight is 1 for every member. */
  readonly members: readonly { readonly iteration: number; readonly weight: number }[];
  /** Nested: on rows that neither the selection nor the meta-learner saw. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface BestModel {
  /** Of the child run; ensembles count on after the last child, as in Azure. */
  readonly iteration: number;
  readonly algorithm: string;
  readonly metrics: Readonly<Record<string, number>>;
  /** Confusion matrix and accuracy table, or residuals and predicted-true, over all validated rows. */
  readonly documents: Readonly<Record<string, unknown>>;
  readonly steps: readonly PipelineStep[];
}

/** How candidates were validated, and why so. */
export interface ValidationReport {
  readonly kind: 'k-fold' | 'monte-carlo' | 'hold-out' | 'given' | 'fold-column' | 'group' | 'time';
  /** Number of splits. */
  readonly folds: number;
  readonly reason: string;
}

/** The result of a run: plain data, what `--json` prints. */
export interface AutoMLResult {
  readonly task: Task;
  readonly primaryMetric: string;
  readonly validation: ValidationReport;
  readonly guardrails: readonly Guardrail[];
  readonly children: readonly ChildRun[];
  readonly best: BestModel;
  readonly ensembles: readonly EnsembleRun[];
  /** The most important raw column first; empty when there was no time. */
  readonly featureImportance: readonly ColumnImportance[];
  /** Probability from which the second class is predicted; null when the most probable class is. */
  readonly threshold: number | null;
  /** Factors on the class probabilities before the greatest is taken, where they were tuned for more classes. */
  readonly classWeights: readonly number[] | null;
  readonly timings: {
    /** From the start to the first trained model after the baseline, or to the baseline when there is no other. */
    readonly firstModelSeconds: number;
    readonly totalSeconds: number;
    /** Parts of the total. */
    readonly searchSeconds: number;
    readonly finishSeconds: number;
  };
  readonly modelPath: string | null;
  readonly modelBytes: number;
  /** Class labels in the order of the probabilities; null in regression. */
  readonly labels: readonly string[] | null;
  readonly rows: { readonly used: number; readonly missingLabel: number };
  /** Digest of the training data. */
  readonly fingerprint: string;
  /** Why the search ended. */
  readonly stopReason: string;
  readonly warnings: readonly string[];
}
