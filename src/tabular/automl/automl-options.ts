import type { Logger } from '#core';
import type { Table } from '#data';
import type { FeaturizationConfig } from '../features/config.ts';
import type { Task } from '../learners/learner.ts';
import type { TrialWorkers } from './trial-pool.ts';

/** How candidates are validated. Everything but `auto` is taken as given. */
export type ValidationOption =
  /** k-fold with `folds` when the estimated time allows, else a hold-out */
  | { readonly kind: 'auto'; readonly folds?: number }
  /** `folds` parts, each held out once; stratified by class in classification */
  | { readonly kind: 'k-fold'; readonly folds?: number }
  /** `repeats` random splits with a `share` of the rows held out */
  | { readonly kind: 'monte-carlo'; readonly repeats?: number; readonly share?: number }
  /** one random split with a `share` of the rows held out */
  | { readonly kind: 'hold-out'; readonly share?: number }
  /** the rows of another table with the same columns */
  | { readonly kind: 'given'; readonly table: Table }
  /** a column whose value names the fold that holds the row out */
  | { readonly kind: 'fold-column'; readonly column: string }
  /** k-fold in which rows with the same value of `column` stay together */
  | { readonly kind: 'group'; readonly column: string; readonly folds?: number }
  /** each fold is validated on rows later in `column` than those it learned from */
  | { readonly kind: 'time'; readonly column: string; readonly folds?: number };

/** What to search and how long. */
export interface AutoMLOptions {
  readonly table: Table;
  /** Name of the label column. */
  readonly label: string;
  /** Inferred from the label when absent. */
  readonly task?: Task;
  /** Name or short form of the primary metric; `AUC_weighted` or `r2_score` when absent. */
  readonly metric?: string;
  /** Folds of the k-fold validation, 2 … 50; 5 when absent. Short for `validation: { kind: 'k-fold', folds }`. */
  readonly folds?: number;
  readonly validation?: ValidationOption;
  /** Promise for the whole run; without it the search ends by its stop rule. */
  readonly timeoutSeconds?: number;
  /** Trials that take longer are discarded. */
  readonly trialTimeoutSeconds?: number;
  /** Most trials, the baseline included. */
  readonly maxTrials?: number;
  /** Workers; the processor's cores, at most 8, when absent. */
  readonly concurrency?: number;
  /**
   * Where trials run: `threads` of this process, or a compute target, which gives every job a process of its own and
   * starts it again when that is lost. The results are the same. `threads` when absent.
   */
  readonly workers?: 'threads' | TrialWorkers;
  /** Learners to use; all when absent. The baseline is always fitted. */
  readonly allow?: readonly string[];
  /** Learners not to use. */
  readonly block?: readonly string[];
  /** The search ends once the primary metric is at least this good. */
  readonly exitScore?: number;
  /** The search ends when the best has not changed for long; true when absent. Without it a timeout or `maxTrials` must. */
  readonly earlyStopping?: boolean;
  /** `auto`, `off` or a configuration; `auto` when absent. */
  readonly featurization?: 'auto' | 'off' | FeaturizationConfig | Readonly<Record<string, unknown>>;
  /** Folder that makes the search resumable. */
  readonly stateFolder?: string;
  /** Same seed, same concurrency, same data: same trials, as long as no time limit cuts in. 0 when absent. */
  readonly seed?: number;
  /** Aborting ends the run cleanly with the best so far, as `stop()` does. */
  readonly signal?: AbortSignal;
  /** Column of sample weights. */
  readonly weights?: string;
  /** Label of the positive class, for the `*_binary` metrics. */
  readonly positiveLabel?: string;
  /**
   * Tunes the decision threshold on out-of-fold predictions; on when absent for norm_macro_recall, balanced_accuracy,
   * f1_score_macro and matthews_correlation.
   */
  readonly tuneThreshold?: boolean;
  /** Voting and stacking; on when absent. */
  readonly ensembles?: boolean;
  /** Permutation importance of the best model; on when absent. */
  readonly importance?: boolean;
  /** Path of the ONNX file to write. */
  readonly out?: string;
  readonly logger?: Logger;
}
