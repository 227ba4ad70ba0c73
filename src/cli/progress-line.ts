import { now } from '#core';
import type { Terminal } from './terminal.ts';

const REDRAW_SECONDS = 0.1;
const BAR_WIDTH = 24;

/** One line of progress on standard error, rewritten where the terminal can and not shown elsewhere. */
export class ProgressLine {
  private readonly terminal: Terminal;
  private lastDraw = Number.NEGATIVE_INFINITY;
  private isShown = false;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  /** @param share done, in [0, 1] */
  draw(before: string, share: number, after: string): void {
    const time = now();
    if (!this.terminal.interactive || (time - this.lastDraw < REDRAW_SECONDS && share < 1)) return;
    this.lastDraw = time;
    const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    this.clear();
    process.stderr.write(`${before} ${bar} ${after}`.trimStart().slice(0, this.terminal.width - 1));
    this.isShown = true;
  }

  /** Takes the line away. */
  clear(): void {
    if (this.isShown) process.stderr.write('\r\x1b[K');
    this.isShown = false;
  }
}

/** `40 s`, `12 min`, `1.5 h`. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
