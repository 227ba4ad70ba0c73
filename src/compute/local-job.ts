import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { CancelledError, RuntimeFailure } from '#core';
import type { Json } from '#tracking';
import type { JobEvent, JobHandle, JobSpec } from './compute-target.ts';
import { EventQueue } from './event-queue.ts';
import { groupMemory } from './process-group.ts';
import { fromWire, type WorkerMessage } from './worker-messages.ts';
import type { WorkerProcess } from './worker-process.ts';

const DEFAULT_RETRIES = 1;
const DEFAULT_GRACE_SECONDS = 10;
const MEMORY_CHECK_MS = 250;

/** A job of `LocalCompute` with its attempts. */
export class LocalJob implements JobHandle {
  readonly id = randomUUID();
  readonly spec: JobSpec;
  readonly result: Promise<Json | undefined>;
  private readonly events: EventQueue<JobEvent>;
  private readonly onSettled: () => void;
  private resolve!: (output: Json | undefined) => void;
  private reject!: (error: Error) => void;
  private worker: WorkerProcess | undefined;
  private attempt = 0;
  private answer: WorkerMessage | undefined;
  /** Why the target itself ends it; it does not start again. */
  private fault: Error | undefined;
  private isSettled = false;
  private timers: NodeJS.Timeout[] = [];

  constructor(spec: JobSpec, onSettled: () => void) {
    this.spec = spec;
    this.onSettled = onSettled;
    this.events = new EventQueue(
      (event) => (event.type === 'log' ? event.text.length : 0),
      () => this.worker?.pauseOutput(false),
    );
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Who reads the events alone sees the failure there.
    this.result.catch(() => {});
    this.events.push({ type: 'queued' });
  }

  get isOver(): boolean {
    return this.isSettled;
  }

  [Symbol.asyncIterator](): AsyncIterator<JobEvent> {
    return this.events[Symbol.asyncIterator]();
  }

  /** Runs on a worker; resolves when the job is over or wants another worker. */
  run(worker: WorkerProcess): Promise<'done' | 'again'> {
    this.worker = worker;
    this.attempt++;
    this.answer = undefined;
    this.events.push({ type: 'started', attempt: this.attempt, pid: worker.pid, node: hostname() });
    this.watchLimits(worker);
    return new Promise((resolve) => {
      worker.run(this.spec, this.attempt, {
        onMessage: (message) => {
          if (message.type === 'message') this.events.push(message);
          else this.answer = message;
        },
        onLog: (stream, text) => {
          this.events.push({ type: 'log', stream, text });
          if (this.events.isFull) worker.pauseOutput(true);
        },
        onEnd: (reason) => {
          for (const timer of this.timers.splice(0)) clearInterval(timer);
          resolve(this.conclude(reason));
        },
      });
    });
  }

  async cancel(reason: string): Promise<void> {
    if (this.isSettled) return;
    this.fault ??= new CancelledError(`job ${this.spec.name}: was cancelled: ${reason}.`, { reason });
    if (this.worker === undefined) this.conclude(reason);
    else await this.end(this.worker);
  }

  private end(worker: WorkerProcess): Promise<void> {
    worker.pauseOutput(false);
    return worker.terminate(this.spec.graceSeconds ?? DEFAULT_GRACE_SECONDS);
  }

  private watchLimits(worker: WorkerProcess): void {
    const { name, timeoutSeconds, memoryLimitMB } = this.spec;
    const fail = (message: string, details: Record<string, unknown>) => {
      this.fault ??= new RuntimeFailure(`job ${name}: ${message}`, details);
      void this.end(worker);
    };
    if (timeoutSeconds !== undefined) {
      const timer = setTimeout(
        () =>
          fail(`must end within ${timeoutSeconds} s, but did not. Give it more time.`, { timeoutSeconds }),
        timeoutSeconds * 1000,
      );
      this.timers.push(timer);
    }
    if (memoryLimitMB !== undefined) {
      const timer = setInterval(() => {
        const used = groupMemory(worker.pid);
        if (used !== undefined && used > memoryLimitMB) {
          fail(
            `must stay below ${memoryLimitMB} MB, but got ${Math.round(used)} MB. Raise memoryLimitMB or use less.`,
            { memoryLimitMB, used },
          );
        }
      }, MEMORY_CHECK_MS);
      this.timers.push(timer);
    }
  }

  /** What the end of a worker means for the job. */
  private conclude(reason: string): 'done' | 'again' {
    this.worker = undefined;
    const { fault, answer } = this;
    if (fault !== undefined) {
      const event: JobEvent =
        fault instanceof CancelledError
          ? { type: 'canceled', reason: String(fault.details['reason']) }
          : { type: 'failed', error: fault.message };
      return this.settle(event, () => this.reject(fault));
    }
    if (answer?.type === 'completed') {
      const { output } = answer;
      return this.settle({ type: 'completed', output }, () => this.resolve(output));
    }
    if (answer?.type === 'failed') {
      const error = fromWire(answer.error);
      return this.settle({ type: 'failed', error: error.message }, () => this.reject(error));
    }
    const willRetry = this.attempt <= (this.spec.retries ?? DEFAULT_RETRIES);
    this.events.push({ type: 'lost', attempt: this.attempt, reason, willRetry });
    if (willRetry) return 'again';
    const error = new RuntimeFailure(
      `job ${this.spec.name}: a worker must finish it, but ${this.attempt} were lost, the last because ${reason}. Look at its log; it may need more memory.`,
      { attempts: this.attempt, reason },
    );
    return this.settle({ type: 'failed', error: error.message }, () => this.reject(error));
  }

  private settle(event: JobEvent, tell: () => void): 'done' {
    this.isSettled = true;
    this.events.push(event);
    this.events.end();
    tell();
    this.onSettled();
    return 'done';
  }
}
