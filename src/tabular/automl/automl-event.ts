import type { Parameters } from '#tune';
import type { Guardrail } from '../features/guardrails.ts';
import type { Task } from '../learners/learner.ts';
import type { AutoMLResult, ChildRun, EnsembleRun, ValidationReport } from './automl-result.ts';

/** What happens during a run, in order. `finished` is the last one of a run that has a result. */
export type AutoMLEvent =
  | {
      readonly type: 'started';
      readonly task: Task;
      readonly taskReason: string;
      readonly primaryMetric: string;
      readonly rows: number;
      readonly columns: number;
      readonly validation: ValidationReport;
      readonly concurrency: number;
      /** Trials taken over from the state folder. */
      readonly resumedTrials: number;
    }
  | { readonly type: 'guardrail'; readonly guardrail: Guardrail }
  | {
      readonly type: 'trial-started';
      readonly iteration: number;
      readonly algorithm: string;
      readonly preprocessing: string;
      readonly hyperparameters: Parameters;
      readonly seconds: number;
    }
  /** A trial has ended, whatever its status. `best` is the best score so far. */
  | {
      readonly type: 'trial';
      readonly child: ChildRun;
      readonly score: number | null;
      readonly best: number | null;
      readonly seconds: number;
    }
  /** A child or an ensemble is better than everything before it. */
  | {
      readonly type: 'improved';
      readonly iteration: number;
      readonly algorithm: string;
      readonly score: number;
      readonly previous: number | null;
      readonly seconds: number;
    }
  | {
      readonly type: 'ensemble';
      readonly ensemble: EnsembleRun;
      readonly score: number;
      readonly seconds: number;
    }
  | {
      readonly type: 'phase';
      readonly phase: 'searching' | 'ensembling' | 'refitting' | 'explaining' | 'exporting';
      readonly seconds: number;
    }
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'finished'; readonly result: AutoMLResult };
