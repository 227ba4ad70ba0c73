import { availableParallelism } from 'node:os';
import { now, RuntimeFailure } from '#core';
import { checkJob, checkSettings } from './check-job.ts';
import type { ComputeSettings, ComputeStatus, ComputeTarget, JobHandle, JobSpec } from './compute-target.ts';
import { LocalJob } from './local-job.ts';
import { WorkerProcess } from './worker-process.ts';

const DEFAULT_IDLE_SECONDS = 120;

/** A process that waits for a job. */
interface Spare {
  readonly worker: WorkerProcess;
  readonly since: number;
}

/**
 * Runs jobs on this machine: each in a fresh process with a group of its own, so that nothing of one job is left for
 * the next. Processes are started ahead, `minNodes` always and one more while there was work in the last `idleSeconds`,
 * so that a job does not wait for its process.
 */
export class LocalCompute implements ComputeTarget {
  readonly name: string;
  readonly type = 'local';
  readonly settings: Readonly<Required<ComputeSettings>>;
  private readonly queue: LocalJob[] = [];
  private readonly running = new Set<LocalJob>();
  private spares: Spare[] = [];
  private reaper: NodeJS.Timeout | undefined;
  private isClosed = false;

  /** @throws ConfigError for settings that cannot be */
  constructor(name = 'local', settings: ComputeSettings = {}) {
    this.name = name;
    this.settings = {
      minNodes: settings.minNodes ?? 0,
      maxNodes: settings.maxNodes ?? Math.max(availableParallelism(), settings.minNodes ?? 0),
      idleSeconds: settings.idleSeconds ?? DEFAULT_IDLE_SECONDS,
    };
    checkSettings(this.settings);
    this.prepare(this.settings.minNodes);
  }

  submit(spec: JobSpec): JobHandle {
    checkJob(spec);
    if (this.isClosed) {
      throw new RuntimeFailure(
        `compute target ${this.name}: jobs must come before close(), but got ${spec.name} after it. Make another target.`,
        { name: spec.name },
      );
    }
    const job = new LocalJob(spec, () => this.advance());
    this.queue.push(job);
    this.advance();
    return job;
  }

  status(): ComputeStatus {
    const busy = this.running.size;
    return { nodes: busy + this.spares.length, busy, queued: this.queue.length };
  }

  async waitForCompletion({
    showOutput = false,
    timeoutSeconds = 60,
  }: {
    showOutput?: boolean;
    timeoutSeconds?: number;
  } = {}): Promise<void> {
    const end = now() + timeoutSeconds;
    while (this.status().nodes < this.settings.minNodes) {
      if (now() > end) {
        throw new RuntimeFailure(
          `compute target ${this.name}: ${this.settings.minNodes} workers must be ready within ${timeoutSeconds} s, but ${this.status().nodes} are. Lower minNodes.`,
          { name: this.name, ...this.status() },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (showOutput) {
      process.stdout.write(
        'Succeeded\nCompute target wait for completion finished\n\nMinimum number of nodes requested have been provisioned\n',
      );
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.reaper);
    const jobs = [...this.queue.splice(0), ...this.running];
    const spares = this.spares.splice(0);
    for (const { worker } of spares) worker.kill();
    await Promise.all([
      ...jobs.map((job) => job.cancel('the compute target was closed')),
      ...spares.map(({ worker }) => worker.ended),
    ]);
  }

  /** Starts what can start. */
  private advance(): void {
    for (let i = this.queue.length - 1; i >= 0; i--) if (this.queue[i].isOver) this.queue.splice(i, 1);
    while (!this.isClosed && this.running.size < this.settings.maxNodes) {
      const job = this.queue.shift();
      if (job === undefined) break;
      this.running.add(job);
      void this.drive(job);
    }
  }

  private async drive(job: LocalJob): Promise<void> {
    let outcome: 'done' | 'again';
    // Who hears that a worker was lost may cancel the job before it starts again.
    do outcome = job.isOver ? 'done' : await job.run(this.takeWorker());
    while (outcome === 'again' && !this.isClosed);
    if (outcome === 'again') await job.cancel('the compute target was closed');
    this.running.delete(job);
    this.advance();
  }

  private takeWorker(): WorkerProcess {
    this.spares = this.spares.filter(({ worker }) => worker.isAlive);
    const worker = this.spares.shift()?.worker ?? new WorkerProcess();
    const { minNodes, maxNodes } = this.settings;
    // The next job finds a process waiting.
    this.prepare(Math.min(Math.max(minNodes, 1), Math.max(minNodes, maxNodes)));
    return worker;
  }

  /** Starts processes until `count` wait. */
  private prepare(count: number): void {
    while (!this.isClosed && this.spares.length < count)
      this.spares.push({ worker: new WorkerProcess(), since: now() });
    if (this.spares.length > 0 && this.reaper === undefined) {
      this.reaper = setInterval(() => this.reap(), 1000);
      this.reaper.unref();
    }
  }

  /** Ends what has waited too long, and replaces what has died while waiting. */
  private reap(): void {
    const { minNodes, idleSeconds } = this.settings;
    this.spares = this.spares.filter(({ worker }) => worker.isAlive);
    while (this.spares.length > minNodes && now() - this.spares[0].since > idleSeconds)
      this.spares.shift()!.worker.kill();
    this.prepare(minNodes);
  }
}
