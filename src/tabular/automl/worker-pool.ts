import { Worker } from 'node:worker_threads';
import { CancelledError, distFile, type Logger, RuntimeFailure, TrainyardError } from '#core';
import {
  type Job,
  type JobAnswer,
  type JobKind,
  type JobMessage,
  type JobResults,
  sharedClock,
  type TrialEnvironment,
  type WorkerSetup,
} from './trial-job.ts';
import type { TrialPool } from './trial-pool.ts';

/** How long a cancelled job may take to notice before its worker is ended. */
const GRACE_SECONDS = 2;
/** How long after its time a job is waited for. */
const SLACK_SECONDS = 0.1;
/** Jobs of a worker that died before it answered anything are not retried for ever. */
const MAX_SILENT_DEATHS = 3;

export interface WorkerPoolOptions {
  readonly size: number;
  /** JavaScript heap of a worker; typed arrays lie outside it. */
  readonly heapMegabytes: number;
  readonly logger: Logger;
}

/** A job handed to the pool. */
export interface JobHandle<K extends JobKind> {
  readonly result: Promise<JobResults[K]>;
  /** Rejects the result with `CancelledError`, whether the job waits or runs. */
  cancel(reason: string): void;
}

export interface SubmitOptions {
  /** Time from the start of the job, asked when it starts; the job is cancelled when it is over. */
  readonly seconds?: () => number;
  /** Jobs of higher priority start first; equal ones in order of submission. */
  readonly priority?: number;
  readonly onStart?: () => void;
}

interface Task {
  readonly id: number;
  readonly job: Job;
  readonly priority: number;
  readonly seconds: () => number;
  readonly onStart: () => void;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

interface Slot {
  worker: Worker;
  readonly cancel: Int32Array;
  task: Task | undefined;
  timer: NodeJS.Timeout | undefined;
  silentDeaths: number;
}

/**
 * Worker threads over one environment. A job whose worker dies, e.g. of a full heap, fails alone and the worker is
 * replaced.
 */
export class WorkerPool implements TrialPool {
  private readonly environment: TrialEnvironment;
  private readonly options: WorkerPoolOptions;
  private readonly slots: Slot[] = [];
  private waiting: Task[] = [];
  private next = 0;
  private closed = false;

  constructor(environment: TrialEnvironment, options: WorkerPoolOptions) {
    this.environment = environment;
    this.options = options;
    for (let i = 0; i < options.size; i++) {
      const cancel = new Int32Array(new SharedArrayBuffer(4));
      const slot: Slot = {
        worker: this.start(cancel),
        cancel,
        task: undefined,
        timer: undefined,
        silentDeaths: 0,
      };
      this.listen(slot);
      this.slots.push(slot);
    }
  }

  submit<K extends JobKind>(job: Extract<Job, { kind: K }>, options: SubmitOptions = {}): JobHandle<K> {
    const id = this.next++;
    const result = new Promise<JobResults[K]>((resolve, reject) => {
      if (this.closed) {
        reject(new CancelledError('WorkerPool: was closed.', { reason: 'closed' }));
        return;
      }
      this.waiting.push({
        id,
        job,
        priority: options.priority ?? 0,
        seconds: options.seconds ?? (() => Number.POSITIVE_INFINITY),
        onStart: options.onStart ?? (() => {}),
        resolve: resolve as (value: never) => void,
        reject,
      });
    });
    // The caller may look at the result later than it fails.
    result.catch(() => {});
    this.dispatch();
    return { result, cancel: (reason) => this.cancel(id, reason) };
  }

  /** Ends all workers; waiting and running jobs are rejected. */
  async close(): Promise<void> {
    this.closed = true;
    const error = new CancelledError('WorkerPool: was closed.', { reason: 'closed' });
    for (const task of this.waiting.splice(0)) task.reject(error);
    await Promise.all(
      this.slots.map(async (slot) => {
        clearTimeout(slot.timer);
        slot.task?.reject(error);
        slot.task = undefined;
        Atomics.store(slot.cancel, 0, 1);
        await slot.worker.terminate();
      }),
    );
  }

  private start(cancel: Int32Array): Worker {
    const setup: WorkerSetup = { environment: this.environment, cancel };
    return new Worker(distFile('tabular', 'automl', 'trial-worker.js'), {
      workerData: setup,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.options.heapMegabytes },
    });
  }

  private listen(slot: Slot): void {
    const { worker } = slot;
    worker.on('message', (answer: JobAnswer) => {
      if (slot.worker === worker) this.answered(slot, answer);
    });
    worker.on('error', (error) => {
      if (slot.worker === worker) this.died(slot, error instanceof Error ? error.message : String(error));
    });
    worker.on('exit', (code) => {
      if (slot.worker === worker && !this.closed) this.died(slot, `it exited with code ${code}`);
    });
  }

  private dispatch(): void {
    if (this.closed) return;
    for (const slot of this.slots) {
      if (slot.task !== undefined || this.waiting.length === 0) continue;
      const best = this.waiting.reduce((a, b) => (b.priority > a.priority ? b : a));
      this.waiting = this.waiting.filter((task) => task !== best);
      this.give(slot, best);
    }
  }

  private give(slot: Slot, task: Task): void {
    const seconds = task.seconds();
    if (seconds <= 0) {
      task.reject(
        new CancelledError('WorkerPool: a job ran out of time before it began.', { reason: 'timeout' }),
      );
      queueMicrotask(() => this.dispatch());
      return;
    }
    slot.task = task;
    Atomics.store(slot.cancel, 0, 0);
    task.onStart();
    const message: JobMessage = { id: task.id, job: task.job, seconds, sentAt: sharedClock() };
    slot.worker.postMessage(message);
    if (!Number.isFinite(seconds)) return;
    // The worker looks at the time itself; this is for work that does not, and for workers that still start.
    const patience = Math.min(2 ** 31 - 1, 1000 * (seconds + SLACK_SECONDS));
    slot.timer = setTimeout(() => this.cancel(task.id, 'timeout'), patience);
    slot.timer.unref();
  }

  private answered(slot: Slot, answer: JobAnswer): void {
    const { task } = slot;
    slot.silentDeaths = 0;
    if (task === undefined || task.id !== answer.id) return;
    clearTimeout(slot.timer);
    slot.task = undefined;
    if ('result' in answer) task.resolve(answer.result as never);
    else task.reject(revive(answer.error));
    this.dispatch();
  }

  private cancel(id: number, reason: string): void {
    const error = new CancelledError('WorkerPool: a job was cancelled.', { reason });
    const waiting = this.waiting.find((task) => task.id === id);
    if (waiting !== undefined) {
      this.waiting = this.waiting.filter((task) => task !== waiting);
      waiting.reject(error);
      return;
    }
    const slot = this.slots.find(({ task }) => task?.id === id);
    if (slot === undefined) return;
    slot.task?.reject(error);
    Atomics.store(slot.cancel, 0, 1);
    clearTimeout(slot.timer);
    slot.timer = setTimeout(() => this.replace(slot, reason), 1000 * GRACE_SECONDS);
    slot.timer.unref();
  }

  /** Ends a worker that does not listen, and starts another one in its place. */
  private replace(slot: Slot, reason: string): void {
    if (this.closed) return;
    const { worker, task } = slot;
    this.renew(slot);
    void worker.terminate();
    task?.reject(new CancelledError('WorkerPool: a job did not stop in time and was ended.', { reason }));
    this.dispatch();
  }

  private died(slot: Slot, why: string): void {
    // An error is followed by an exit: a slot that was given up has told its end already.
    if (!this.slots.includes(slot)) return;
    const { task } = slot;
    this.options.logger.log('warn', `a worker died: ${why}`);
    slot.silentDeaths++;
    if (slot.silentDeaths < MAX_SILENT_DEATHS) this.renew(slot);
    else this.retire(slot, why);
    task?.reject(
      new RuntimeFailure(
        `trial: a worker must survive its job, but ${why}. Use less data or block this learner.`,
      ),
    );
    this.dispatch();
  }

  private renew(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.task = undefined;
    slot.worker = this.start(slot.cancel);
    this.listen(slot);
  }

  /** Gives a slot up whose workers die again and again. */
  private retire(slot: Slot, why: string): void {
    clearTimeout(slot.timer);
    this.slots.splice(this.slots.indexOf(slot), 1);
    if (this.slots.length > 0) return;
    const error = new RuntimeFailure(
      `automl: workers must run, but each of them died: ${why}. Check that the package is built (dist/).`,
    );
    for (const task of this.waiting.splice(0)) task.reject(error);
    this.closed = true;
  }
}

function revive({ code, message, reason }: { code: string; message: string; reason?: string }): Error {
  if (code === 'CANCELLED') return new CancelledError(message, { reason: reason ?? 'signal' });
  return code === 'UNKNOWN' ? new RuntimeFailure(message) : new TrainyardError(code, message);
}
