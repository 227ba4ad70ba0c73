import { type Deadline, now, yieldToEventLoop } from '#core';

const YIELD_SECONDS = 0.05;

/**
 * Keeps a long fit polite: looks at the deadline and lets the event loop run about every 50 ms.
 *
 * @example
 * const pacer = new Pacer('Ridge', deadline);
 * for (const step of steps) {
 *   work(step);
 *   if (pacer.due()) await pacer.pause();
 * }
 */
export class Pacer {
  private readonly where: string;
  private readonly deadline: Deadline;
  private last = now();

  constructor(where: string, deadline: Deadline) {
    this.where = where;
    this.deadline = deadline;
    deadline.check(where);
  }

  /**
   * Is it time to pause?
   * @throws CancelledError when the deadline is over
   */
  due(): boolean {
    this.deadline.check(this.where);
    return now() - this.last >= YIELD_SECONDS;
  }

  async pause(): Promise<void> {
    await yieldToEventLoop();
    this.last = now();
    this.deadline.check(this.where);
  }
}
