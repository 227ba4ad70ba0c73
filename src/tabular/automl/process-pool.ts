import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { CancelledError, distFile } from '#core';
import { outputsOf } from '../ensemble/out-of-fold.ts';
import { type Job, type JobKind, type JobResults, sharedClock, type TrialEnvironment } from './trial-job.ts';
import type { TrialPool, TrialWorkers } from './trial-pool.ts';
import type { ProcessAnswer, ProcessJob } from './trial-process.ts';
import type { JobHandle, SubmitOptions } from './worker-pool.ts';

/** How long a cancelled job may take to notice before its process is ended. */
const GRACE_SECONDS = 2;
/** How long after its time a job is waited for. */
const SLACK_SECONDS = 0.1;
/** How often a job starts again whose process was killed. */
const RETRIES = 2;

interface Task {
  readonly id: number;
  readonly job: Job;
  readonly priority: number;
  readonly seconds: () => number;
  readonly onStart: () => void;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  stop?: (reason: string) => Promise<void>;
}

/**
 * Does each job in a process of its own, so that what crashes or grows there harms nothing else; a job whose process
 * is killed starts again and comes to the same result. The environment goes there as a file that is written once.
 */
export class ProcessPool implements TrialPool {
  private readonly environment: TrialEnvironment;
  private readonly workers: TrialWorkers;
  private readonly size: number;
  private readonly folder: string;
  private waiting: Task[] = [];
  private readonly running = new Map<Task, Promise<void>>();
  private next = 0;
  private isClosed = false;

  /** @param size jobs at once */
  constructor(environment: TrialEnvironment, workers: TrialWorkers, size: number) {
    this.environment = environment;
    this.workers = workers;
    this.size = size;
    this.folder = mkdtempSync(join(tmpdir(), 'trainyard-trials-'));
    writeFileSync(join(this.folder, 'environment'), serialize(environment));
  }

  submit<K extends JobKind>(job: Extract<Job, { kind: K }>, options: SubmitOptions = {}): JobHandle<K> {
    const id = this.next++;
    const result = new Promise<JobResults[K]>((resolve, reject) => {
      if (this.isClosed) {
        reject(new CancelledError('ProcessPool: was closed.', { reason: 'closed' }));
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

  async close(): Promise<void> {
    this.isClosed = true;
    const error = new CancelledError('ProcessPool: was closed.', { reason: 'closed' });
    for (const task of this.waiting.splice(0)) task.reject(error);
    for (const task of this.running.keys()) {
      task.reject(error);
      void task.stop?.('closed');
    }
    await Promise.all(this.running.values());
    rmSync(this.folder, { recursive: true, force: true });
  }

  private dispatch(): void {
    while (!this.isClosed && this.running.size < this.size && this.waiting.length > 0) {
      const best = this.waiting.reduce((a, b) => (b.priority > a.priority ? b : a));
      this.waiting = this.waiting.filter((task) => task !== best);
      const done = this.perform(best)
        .catch((error: Error) => best.reject(error))
        .finally(() => {
          this.running.delete(best);
          this.dispatch();
        });
      this.running.set(best, done);
    }
  }

  private async perform(task: Task): Promise<void> {
    const { job } = task;
    const seconds = task.seconds();
    if (seconds <= 0) {
      throw new CancelledError('ProcessPool: a job ran out of time before it began.', { reason: 'timeout' });
    }
    task.onStart();
    const input = join(this.folder, `${task.id}.job`);
    const output = join(this.folder, `${task.id}.result`);
    const given: ProcessJob = {
      job: job.kind === 'fold' ? { ...job, predictions: new Float64Array() } : job,
      seconds,
      sentAt: sharedClock(),
    };
    writeFileSync(input, serialize(given));
    const handle = this.workers.submit({
      name: `trial ${job.kind}`,
      module: distFile('tabular', 'automl', 'trial-process.js'),
      export: 'runTrialJob',
      input: { environment: join(this.folder, 'environment'), input, output },
      retries: RETRIES,
      graceSeconds: GRACE_SECONDS,
    });
    task.stop = (reason) => handle.cancel(reason);
    // The process looks at the time itself; this is for work that does not.
    const timer = Number.isFinite(seconds)
      ? setTimeout(
          () => this.cancel(task.id, 'timeout'),
          Math.min(2 ** 31 - 1, 1000 * (seconds + SLACK_SECONDS)),
        )
      : undefined;
    try {
      await handle.result;
      const { result, predictions }: ProcessAnswer = deserialize(readFileSync(output));
      if (job.kind === 'fold' && predictions !== undefined) {
        const { layout } = this.environment;
        job.predictions.set(predictions, layout.fold.indexOf(job.fold) * outputsOf(layout));
      }
      task.resolve(result as never);
    } finally {
      clearTimeout(timer);
      rmSync(input, { force: true });
      rmSync(output, { force: true });
    }
  }

  private cancel(id: number, reason: string): void {
    const error = new CancelledError('ProcessPool: a job was cancelled.', { reason });
    const waiting = this.waiting.find((task) => task.id === id);
    if (waiting !== undefined) {
      this.waiting = this.waiting.filter((task) => task !== waiting);
      waiting.reject(error);
      return;
    }
    const task = [...this.running.keys()].find((each) => each.id === id);
    task?.reject(error);
    void task?.stop?.(reason);
  }
}
