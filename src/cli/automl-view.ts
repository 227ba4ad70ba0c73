import { metricInfo } from '#metrics';
import type { AutoMLEvent, AutoMLResult, Guardrail } from '#tabular';
import { summarize } from './automl-summary.ts';
import { styled, type Terminal } from './terminal.ts';

type TrialEvent = Extract<AutoMLEvent, { type: 'trial' }>;
type StartedEvent = Extract<AutoMLEvent, { type: 'started' }>;

const PIPELINE_WIDTH = 46;
/** Number, seconds, score and mark of a line. */
const SCORE_WIDTH = 36;
/** Columns named under a finding; the JSON document has all of them. */
const SHOWN_COLUMNS = 4;

/** Shows a run as it goes: what was found in the data, a growing leaderboard, and one line of progress. */
export class AutoMLView {
  private readonly terminal: Terminal;
  private readonly running = new Map<number, string>();
  private metric = '';
  private best: { score: number; algorithm: string } | undefined;
  private phase = 'starting';
  private finished = 0;
  private startedAt: number | undefined;
  private lineShown = false;
  private headed = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
    if (terminal.interactive) {
      this.timer = setInterval(() => this.redraw(), 250);
      this.timer.unref();
    }
  }

  show(event: AutoMLEvent): void {
    this.clearLine();
    switch (event.type) {
      case 'started':
        this.showStart(event);
        break;
      case 'guardrail':
        this.showGuardrail(event.guardrail);
        break;
      case 'trial-started':
        this.running.set(event.iteration, `${event.algorithm} #${event.iteration}`);
        break;
      case 'trial':
        this.showTrial(event);
        break;
      case 'improved':
        this.best = { score: event.score, algorithm: `${event.algorithm} #${event.iteration}` };
        break;
      case 'ensemble':
        this.note(this.row('', event.ensemble.kind, '', event.score, this.isBetter(event.score)));
        break;
      case 'phase':
        this.phase = event.phase;
        break;
      case 'warning':
        this.note(`${styled(this.terminal, 'yellow', 'warning:')} ${event.message}`);
        break;
      case 'finished':
        this.close();
        break;
    }
    this.redraw();
  }

  /** The result as text for standard output. */
  summary(result: AutoMLResult): string {
    return summarize(result, this.terminal);
  }

  close(): void {
    this.clearLine();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private showStart(event: StartedEvent): void {
    this.metric = event.primaryMetric;
    this.startedAt = performance.now();
    const { rows, columns, validation } = event;
    this.note(styled(this.terminal, 'bold', `${event.task} of ${rows} rows × ${columns} columns`));
    this.note(`  task: ${event.taskReason}`);
    const splits = `${validation.kind}, ${validation.folds} ${validation.folds === 1 ? 'split' : 'splits'}`;
    this.note(`  validation: ${splits} (${validation.reason})`);
    this.note(`  metric: ${event.primaryMetric}, ${event.concurrency} trials at a time`);
    if (event.resumedTrials > 0) this.note(`  resumed: ${event.resumedTrials} trials taken over`);
  }

  private showGuardrail({ status, name, message, action, columns }: Guardrail): void {
    const advice = status === 'Alerted' ? ` ${action}` : '';
    this.note(`  ${this.statusMark(status)} ${name}: ${message}${advice}`);
    if (columns.length === 0) return;
    const shown = columns.slice(0, SHOWN_COLUMNS).map(({ column, detail }) => `${column} (${detail})`);
    const rest = columns.length - shown.length;
    this.note(
      styled(this.terminal, 'dim', `      ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`),
    );
  }

  private showHeading(): void {
    if (this.headed) return;
    this.headed = true;
    const heading = `${'#'.padStart(4)}  ${'PIPELINE'.padEnd(PIPELINE_WIDTH)} ${'SECONDS'.padStart(8)}  ${this.metric}`;
    this.note(`\n${styled(this.terminal, 'dim', heading)}`);
  }

  private showTrial({ child, score, best }: TrialEvent): void {
    this.showHeading();
    // A resumed search begins with a best score.
    if (this.best === undefined && best !== null && best !== score) {
      this.best = { score: best, algorithm: 'an earlier trial' };
    }
    this.running.delete(child.iteration);
    this.finished++;
    const name = `${child.algorithm} (${child.preprocessing})`;
    if (score === null) {
      const reason = child.reason === undefined ? child.status : `${child.status}: ${child.reason}`;
      this.note(
        `${String(child.iteration).padStart(4)}  ${fit(name, PIPELINE_WIDTH)} ${styled(this.terminal, 'dim', reason)}`,
      );
      return;
    }
    const line = this.row(
      String(child.iteration),
      name,
      child.fitSeconds.toFixed(1),
      score,
      this.isBetter(score),
    );
    this.note(`${line}${this.settings(child.hyperparameters)}`);
  }

  /** What tells trials of one learner apart, as far as the line has room. */
  private settings(parameters: TrialEvent['child']['hyperparameters']): string {
    const room = this.terminal.width - PIPELINE_WIDTH - SCORE_WIDTH;
    const text = Object.entries(parameters)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');
    return text === '' || room < 20 ? '' : `  ${styled(this.terminal, 'dim', fit(text, room).trimEnd())}`;
  }

  private row(number: string, name: string, seconds: string, score: number, improved: boolean): string {
    const mark = improved ? styled(this.terminal, 'green', ' ← best') : '';
    const line = `${number.padStart(4)}  ${fit(name, PIPELINE_WIDTH)} ${seconds.padStart(8)}  ${score.toFixed(6)}`;
    return `${improved ? styled(this.terminal, 'bold', line) : line}${mark}`;
  }

  private isBetter(score: number): boolean {
    if (Number.isNaN(score)) return false;
    if (this.best === undefined) return true;
    const { direction } = metricInfo(this.metric);
    return direction === 'maximize' ? score > this.best.score : score < this.best.score;
  }

  private statusMark(status: 'Passed' | 'Done' | 'Alerted'): string {
    const style = status === 'Alerted' ? 'yellow' : 'green';
    return styled(this.terminal, style, status === 'Alerted' ? '!' : '✓');
  }

  private note(text: string): void {
    this.terminal.note(text);
  }

  private redraw(): void {
    if (!this.terminal.interactive || this.timer === undefined || this.startedAt === undefined) return;
    const seconds = Math.floor((performance.now() - this.startedAt) / 1000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const doing = this.phase === 'searching' ? [...this.running.values()].join(', ') : this.phase;
    const best =
      this.best === undefined ? '' : ` · best ${this.best.score.toFixed(4)} ${this.best.algorithm}`;
    const text = `${clock} · ${this.finished} trials${best} · ${doing} · Ctrl-C keeps the best`;
    this.clearLine();
    process.stderr.write(styled(this.terminal, 'cyan', fit(text, this.terminal.width - 1).trimEnd()));
    this.lineShown = true;
  }

  private clearLine(): void {
    if (!this.lineShown) return;
    process.stderr.write('\r\x1b[2K');
    this.lineShown = false;
  }
}

/** `text` cut or filled to `width` characters. */
function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
