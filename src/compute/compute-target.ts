import type { Json } from '#tracking';

/** What a target is to do: a function of a module, called in a process of its own. */
export interface JobSpec {
  /** Shown in logs and process titles. */
  readonly name: string;
  /** Absolute path or `file:` address of a JavaScript or TypeScript module. */
  readonly module: string;
  /** Name of the exported `JobFunction`; default `default`. */
  readonly export?: string;
  readonly input: Json;
  /** Working folder of the process; default the caller's. */
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Resident memory at which the job is ended, in MB; without it there is no limit. */
  readonly memoryLimitMB?: number;
  /** How often a job starts again after its worker was lost (killed, crashed); an error it threw is not repeated. Default 1. */
  readonly retries?: number;
  /** Seconds between the polite end and the forced one; default 10. */
  readonly graceSeconds?: number;
  /** Seconds after which the job is ended; without it there is no limit. */
  readonly timeoutSeconds?: number;
}

/** What a job's function is given besides its input. */
export interface JobContext {
  /** Aborted when the job is to end; what it returns until then, or within the grace period, counts. */
  readonly signal: AbortSignal;
  /** From 1; greater after a worker was lost. */
  readonly attempt: number;
  /** Sends a message to whoever submitted the job. */
  emit(message: Json): void;
}

/** Must be exported by `JobSpec.module`. Its result is sent back as JSON. */
export type JobFunction = (input: Json, context: JobContext) => Promise<Json | undefined> | Json | undefined;

/** What happens to a job, in order. */
export type JobEvent =
  | { readonly type: 'queued' }
  | { readonly type: 'started'; readonly attempt: number; readonly pid: number; readonly node: string }
  | { readonly type: 'log'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly type: 'message'; readonly data: Json }
  /** Its worker has ended or is silent; the job starts again or fails. */
  | { readonly type: 'lost'; readonly attempt: number; readonly reason: string; readonly willRetry: boolean }
  | { readonly type: 'completed'; readonly output: Json | undefined }
  | { readonly type: 'failed'; readonly error: string }
  | { readonly type: 'canceled'; readonly reason: string };

/** A submitted job. */
export interface JobHandle extends AsyncIterable<JobEvent> {
  readonly id: string;
  /**
   * Rejects with the job's own error by its class and message, `CancelledError` after `cancel`, or `RuntimeFailure`
   * when its workers were lost once too often, the memory limit or the timeout was passed.
   */
  readonly result: Promise<Json | undefined>;
  /** SIGTERM to the process group, SIGKILL after the grace period. Resolves when the process is gone. */
  cancel(reason: string): Promise<void>;
}

export interface ComputeSettings {
  /** Workers kept ready, from 0. */
  readonly minNodes?: number;
  /** Jobs at once at most, from 1; default the number of cores. */
  readonly maxNodes?: number;
  /** How long a worker without work is kept above `minNodes`. */
  readonly idleSeconds?: number;
}

export interface ComputeStatus {
  /** Workers there are, busy ones, jobs that wait. */
  readonly nodes: number;
  readonly busy: number;
  readonly queued: number;
}

/**
 * Where jobs run. `local` is this machine; a cluster implements the same interface, and pipelines do not see the
 * difference. `computeConformance` in `trainyard/testing` says what an implementation must do.
 */
export interface ComputeTarget {
  readonly name: string;
  /** `local`, or the kind of a cluster. */
  readonly type: string;
  readonly settings: Readonly<Required<ComputeSettings>>;
  submit(job: JobSpec): JobHandle;
  status(): ComputeStatus;
  /** Waits until `minNodes` workers are ready, as Azure's call of that name does. */
  waitForCompletion(options?: { showOutput?: boolean; timeoutSeconds?: number }): Promise<void>;
  /** Cancels what runs and ends all workers. */
  close(): Promise<void>;
}
