import { now } from '#core';
import { formatTimeLeft, ProgressLine } from './progress-line.ts';
import type { Terminal } from './terminal.ts';

/** Progress of counted work: one line where the terminal can rewrite it, otherwise a note at each tenth of long work. */
export class CountProgress {
  private readonly terminal: Terminal;
  private readonly unit: string;
  private readonly line: ProgressLine;
  private readonly started = now();
  private tenth = 0;

  /** @param unit what is counted, in the plural */
  constructor(terminal: Terminal, unit: string) {
    this.terminal = terminal;
    this.unit = unit;
    this.line = new ProgressLine(terminal);
  }

  show(done: number, total: number, note = ''): void {
    if (!this.terminal.interactive) {
      const tenth = Math.floor((10 * done) / total);
      if (total >= 20 && tenth > this.tenth) this.terminal.note(`${done}/${total} ${this.unit}`);
      this.tenth = tenth;
      return;
    }
    const left = done === 0 ? '' : `${formatTimeLeft(((now() - this.started) / done) * (total - done))} left`;
    this.line.draw('', done / total, `${done}/${total} ${this.unit}  ${left}  ${note}`);
  }

  /** Takes the line away. */
  close(): void {
    this.line.clear();
  }
}
