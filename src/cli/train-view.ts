import type { BatchProgress, Callbacks, EpochResult } from '#train';
import { formatTimeLeft, ProgressLine } from './progress-line.ts';
import { styled, type Terminal } from './terminal.ts';

/** Batches between two of the lecture's log lines. */
const LOG_EVERY = 300;

interface TrainDocument {
  readonly testAccuracy: number | null;
  readonly totalSeconds: number;
  readonly modelPath: string;
  readonly stopped: string;
}

/** Shows training as it goes: the lecture's log lines, and one line of progress where the terminal can rewrite it. */
export class TrainView {
  private readonly terminal: Terminal;
  private readonly quiet: boolean;
  private runningLoss = 0;
  private batches = 0;
  private readonly progress: ProgressLine;

  /** @param options quiet: the log lines go where progress goes, for a document on standard output */
  constructor(terminal: Terminal, { quiet }: { quiet: boolean }) {
    this.terminal = terminal;
    this.progress = new ProgressLine(terminal);
    this.quiet = quiet;
  }

  callbacks(): Callbacks {
    return {
      onEpochStart: () => {
        this.runningLoss = 0;
        this.batches = 0;
      },
      onBatchEnd: (progress) => this.showBatch(progress),
      onEpochEnd: (result) => this.showEpoch(result),
    };
  }

  private showBatch(progress: BatchProgress): void {
    let at = progress.batch - progress.losses.length;
    for (const loss of progress.losses) {
      at++;
      this.runningLoss += loss;
      this.batches++;
      if (at % LOG_EVERY !== 0) continue;
      const mean = (this.runningLoss / this.batches).toFixed(3);
      this.line(`[${progress.epoch}, ${String(at).padStart(5)}] loss: ${mean}`);
      this.runningLoss = 0;
      this.batches = 0;
    }
    this.draw(progress);
  }

  private showEpoch({ metrics, seconds, samplesPerSecond }: EpochResult): void {
    const percent = ((metrics['accuracy'] ?? 0) * 100).toFixed(2);
    const rate = Math.round(samplesPerSecond).toLocaleString('en-US');
    this.line(
      `Accuracy on test set: ${percent} %   ${styled(this.terminal, 'dim', `${seconds.toFixed(1)} s, ${rate} images/s`)}`,
    );
  }

  private draw({ epoch, batch, batches, meanLoss, samplesPerSecond, secondsLeft }: BatchProgress): void {
    const rate = Math.round(samplesPerSecond).toLocaleString('en-US');
    this.progress.draw(
      `epoch ${epoch}`,
      batch / batches,
      `${batch}/${batches}  loss ${meanLoss.toFixed(3)}  ${rate} images/s  ${formatTimeLeft(secondsLeft)} left`,
    );
  }

  private line(text: string): void {
    this.progress.clear();
    if (this.quiet) this.terminal.note(text);
    else this.terminal.out(text);
  }

  summary({ testAccuracy, totalSeconds, modelPath, stopped }: TrainDocument, bytes: number): string {
    const end = stopped === 'cancelled' ? 'stopped' : 'trained';
    const score =
      testAccuracy === null ? 'no epoch was finished' : `test accuracy ${(testAccuracy * 100).toFixed(2)} %`;
    return `\n${end} in ${totalSeconds.toFixed(1)} s: ${score}\n${modelPath} (${(bytes / 1e6).toFixed(1)} MB): uint8 pixels [N, 28, 28] in, logits, probabilities and label out`;
  }

  close(): void {
    this.progress.clear();
  }
}
