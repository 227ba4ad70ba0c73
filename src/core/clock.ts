import { CancelledError } from './errors.ts';

/** Monotonic seconds since an arbitrary origin. */
export function now(): number {
  return performance.now() / 1000;
}

/** The wall-clock time in ISO 8601, UTC. */
export function timestamp(): string {
  return new Date().toISOString();
}

/**
 * What long work looks at between units of work: has the caller cancelled, is the time over?
 * `Deadline.none` never ends.
 */
export class Deadline {
  static readonly none = new Deadline(Number.POSITIVE_INFINITY);

  private readonly end: number;
  private readonly signal: AbortSignal | undefined;

  /**
   * @param seconds time from now on, `Infinity` for no limit
   * @param signal ends the work as well when aborted
   */
  constructor(seconds: number, signal?: AbortSignal) {
    this.end = now() + seconds;
    this.signal = signal;
  }

  /** Seconds left; at least 0, possibly `Infinity`. */
  get remainingSeconds(): number {
    return this.expired ? 0 : this.end - now();
  }

  get expired(): boolean {
    return this.signal?.aborted === true || now() >= this.end;
  }

  /** @throws CancelledError when the time is over or the signal was aborted */
  check(where: string): void {
    if (this.signal?.aborted) throw new CancelledError(`${where}: was cancelled.`, { reason: 'signal' });
    if (now() >= this.end) throw new CancelledError(`${where}: ran out of time.`, { reason: 'timeout' });
  }
}

/** Lets the event loop run, so that signals and messages arrive during long synchronous work. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
