import { now } from '#core';
import type { Terminal } from './terminal.ts';

const REDRAW_SECONDS = 0.1;
const BAR_WIDTH = 24;

/** One line of progress, rewritten where the terminal can; otherwise a note at each tenth of long work. */
export class AudioProgress {
  private readonly terminal: Terminal;
  private readonly unit: string;
  private readonly started = now();
  private lastDraw = Number.NEGATIVE_INFINITY;
  private lineShown = false;
  private tenth = 0;

  /** @param unit what is counted, in the plural */
  constructor(terminal: Terminal, unit: string) {
    this.terminal = terminal;
    this.unit = unit;
  }

  show(done: number, total: number, note = ''): void {
    if (!this.terminal.interactive) {
      const tenth = Math.floor((10 * done) / total);
      if (total >= 20 && tenth > this.tenth) this.terminal.note(`${done}/${total} ${this.unit}`);
      this.tenth = tenth;
      return;
    }
    const time = now();
    if (done < total && time - this.lastDraw < REDRAW_SECONDS) return;
    this.lastDraw = time;
    const filled = Math.round((done / total) * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    const left = Math.ceil(((time - this.started) / done) * (total - done));
    this.close();
    process.stderr.write(
      `${bar} ${done}/${total} ${this.unit}  ${left} s left  ${note}`.slice(0, this.terminal.width - 1),
    );
    this.lineShown = true;
  }

  /** Takes the line away. */
  close(): void {
    if (this.lineShown) process.stderr.write('\r\x1b[K');
    this.lineShown = false;
  }
}
