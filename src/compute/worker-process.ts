import { type ChildProcess, fork } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { distFile, now } from '#core';
import type { JobSpec } from './compute-target.ts';
import { isGroupAlive, signalGroup } from './process-group.ts';
import type { StartMessage, WorkerMessage } from './worker-messages.ts';

/** A process that has not said for so long that it lives is taken for lost. */
const SILENT_SECONDS = 30;
const CHECK_MS = 1000;
/** How long what a process left behind may hold its output open after its end. */
const LEFTOVER_MS = 1000;

export interface WorkerListener {
  onMessage(message: WorkerMessage): void;
  onLog(stream: 'stdout' | 'stderr', text: string): void;
  /** Its output is complete and its process group gone. */
  onEnd(reason: string): void;
}

/** A process, with a group of its own, that does one job. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private listener: WorkerListener | undefined;
  private readonly watch: NodeJS.Timeout;
  private lastBeat = now();
  private lastOutput = now();
  private isPaused = false;
  private isReady = false;
  private isEnded = false;
  private endReason: string | undefined;
  private start: StartMessage | undefined;
  /** Resolves when the process and its output are at their end. */
  readonly ended: Promise<void>;

  constructor() {
    this.child = fork(distFile('compute/worker-entry.js'), {
      detached: true,
      // Standard input, output and errors, messages, heartbeats.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      serialization: 'advanced',
      execArgv: [],
    });
    this.child.on('message', (message: WorkerMessage) => this.onMessage(message));
    (this.child.stdio[4] as Readable).on('data', () => {
      this.lastBeat = now();
    });
    this.forward('stdout', this.child.stdout!);
    this.forward('stderr', this.child.stderr!);
    this.watch = setInterval(() => this.checkBeat(), CHECK_MS);
    this.watch.unref();
    this.ended = new Promise((resolve) => {
      const finish = () => {
        if (this.isEnded) return;
        this.isEnded = true;
        clearInterval(this.watch);
        resolve();
        this.listener?.onEnd(this.endReason ?? 'it could not be started');
      };
      this.child.once('error', finish);
      this.child.once('exit', (code, signal) => {
        this.endReason ??= signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`;
        // What it started and left behind goes with it, and with it the other ends of the pipes.
        signalGroup(this.child.pid!, 'SIGKILL');
        this.closeOutput(finish);
      });
      this.child.once('close', finish);
    });
    this.hold(false);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get isAlive(): boolean {
    return !this.isEnded && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Gives it the job. */
  run(job: JobSpec, attempt: number, listener: WorkerListener): void {
    this.listener = listener;
    this.hold(true);
    this.start = { type: 'start', job, attempt };
    if (this.isEnded) listener.onEnd(this.endReason ?? 'it ended before it had a job');
    else if (this.isReady) this.sendStart();
  }

  /** Stops or goes on reading its output; a process whose output nobody reads waits. */
  pauseOutput(isPaused: boolean): void {
    this.isPaused = isPaused;
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      if (isPaused) stream.pause();
      else stream.resume();
    }
  }

  /** SIGTERM to the group, SIGKILL after the grace period. Resolves when it is gone. */
  async terminate(graceSeconds: number): Promise<void> {
    if (this.isEnded) return;
    signalGroup(this.pid, 'SIGTERM');
    const timer = setTimeout(() => this.kill(), graceSeconds * 1000);
    await this.ended;
    clearTimeout(timer);
  }

  /** SIGKILL to the group, at once. */
  kill(reason?: string): void {
    this.endReason ??= reason;
    // Who waits for its end must see it.
    this.hold(true);
    this.pauseOutput(false);
    signalGroup(this.pid, 'SIGKILL');
  }

  /** Ends the reading of output that a process outside the group holds open, once all there is was read. */
  private closeOutput(finish: () => void): void {
    setTimeout(() => {
      if (this.isEnded) return;
      const isFlowing = this.isPaused || now() - this.lastOutput < LEFTOVER_MS / 1000;
      if (isFlowing) this.closeOutput(finish);
      else finish();
    }, LEFTOVER_MS);
  }

  /** Whether it keeps this process from ending. */
  private hold(isHeld: boolean): void {
    const handles = [this.child, this.child.channel, ...this.child.stdio] as ({
      ref?: () => void;
      unref?: () => void;
    } | null)[];
    for (const handle of handles) {
      if (isHeld) handle?.ref?.();
      else handle?.unref?.();
    }
  }

  private sendStart(): void {
    this.child.send(this.start!, (error) => {
      if (error !== null) this.kill('it does not take a job');
    });
  }

  private onMessage(message: WorkerMessage): void {
    if (message.type !== 'ready') this.listener?.onMessage(message);
    else {
      this.isReady = true;
      if (this.start !== undefined) this.sendStart();
    }
  }

  private forward(name: 'stdout' | 'stderr', stream: Readable): void {
    const decoder = new StringDecoder('utf8');
    stream.on('data', (chunk: Buffer) => {
      this.lastOutput = now();
      const text = decoder.write(chunk);
      if (text !== '') this.listener?.onLog(name, text);
    });
    stream.once('end', () => {
      const rest = decoder.end();
      if (rest !== '') this.listener?.onLog(name, rest);
    });
  }

  private checkBeat(): void {
    if (!this.isReady || now() - this.lastBeat < SILENT_SECONDS) return;
    if (isGroupAlive(this.pid)) this.kill(`it was silent for ${SILENT_SECONDS} s`);
  }
}
