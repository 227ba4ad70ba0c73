import type { Job, JobKind } from './trial-job.ts';
import type { JobHandle, SubmitOptions } from './worker-pool.ts';

/** Where the jobs of a run are done: threads of this process, or processes of a compute target. */
export interface TrialPool {
  submit<K extends JobKind>(job: Extract<Job, { kind: K }>, options?: SubmitOptions): JobHandle<K>;
  /** Ends all work; waiting and running jobs are rejected. */
  close(): Promise<void>;
}

/** A job as a compute target is given it. */
export interface TrialJobSpec {
  readonly name: string;
  /** Absolute path of a module. */
  readonly module: string;
  /** The function of the module that takes the input. */
  readonly export: string;
  readonly input: Readonly<Record<string, string>>;
  /** How often it starts again after its process was lost. */
  readonly retries: number;
  readonly graceSeconds: number;
}

/** Runs a module in a process of its own; a `ComputeTarget` is one. Files of this machine must be seen there. */
export interface TrialWorkers {
  submit(job: TrialJobSpec): {
    readonly result: Promise<unknown>;
    /** Resolves when the process is gone. */
    cancel(reason: string): Promise<void>;
  };
}
