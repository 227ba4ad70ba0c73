import { type BatchProgress, type Callbacks, type EpochResult, formatWeightReport } from '#train';
import { formatJudgement, type TrainedClassifier, type TrainingFacts, type WorkStage } from '#vision';
import { CountProgress } from '../count-progress.ts';
import { formatTimeLeft, ProgressLine } from '../progress-line.ts';
import { styled, type Terminal } from '../terminal.ts';

/** Broken files that are shown. */
const SHOWN_BROKEN = 5;

/** Shows a training: what it works with, a line per epoch, progress where the terminal can rewrite its last line. */
export class ClassifyTrainView {
  private readonly terminal: Terminal;
  private readonly progress: ProgressLine;
  private readonly watched: string;
  private counting: { readonly stage: WorkStage; readonly line: CountProgress } | undefined;
  private best = Number.NaN;
  private isHeadShown = false;

  /** @param watched the quantity that decides which epoch is best */
  constructor(terminal: Terminal, watched: string) {
    this.terminal = terminal;
    this.progress = new ProgressLine(terminal);
    this.watched = watched;
  }

  showStage(stage: WorkStage, done: number, total: number): void {
    if (this.counting?.stage !== stage) {
      this.counting?.line.close();
      this.counting = {
        stage,
        line: new CountProgress(this.terminal, stage === 'drawing spectrograms' ? 'sounds' : 'pictures'),
      };
    }
    this.counting.line.show(done, total, stage);
    if (done >= total) {
      this.counting.line.close();
      this.counting = undefined;
    }
  }

  showFacts(facts: TrainingFacts, arch: string): void {
    const { classes, images, trainRows, validationRows, augment, imageSize, parameters, weights, broken } =
      facts;
    const note = (text: string) => this.terminal.note(text);
    note(styled(this.terminal, 'bold', `${images} pictures of ${classes.length} classes`));
    note(
      `  ${trainRows} to learn from after resampling, ${validationRows} to validate on (${facts.folds} folds)`,
    );
    note(
      `  ${arch}, ${(parameters / 1e6).toFixed(1)} M parameters, ${imageSize.join(' × ')} pixels, augmentation ${augment}`,
    );
    if (weights !== undefined) {
      const head = weights.headLoaded ? 'head included' : 'with a new head';
      note(`  weights of ${weights.file} (names of ${weights.source}), ${head}`);
      for (const line of formatWeightReport(weights).split('\n')) note(`    ${line}`);
    }
    for (const { path, reason } of broken.slice(0, SHOWN_BROKEN)) note(`  left out ${path}: ${reason}`);
    if (broken.length > SHOWN_BROKEN) note(`  and ${broken.length - SHOWN_BROKEN} more broken files`);
  }

  callbacks(): Callbacks {
    return {
      onBatchEnd: (progress) => this.showBatch(progress),
      onEpochEnd: (result) => this.showEpoch(result),
    };
  }

  private showBatch({ epoch, batch, batches, meanLoss, samplesPerSecond, secondsLeft }: BatchProgress): void {
    const rate = samplesPerSecond.toFixed(samplesPerSecond < 100 ? 1 : 0);
    this.progress.draw(
      `epoch ${epoch}`,
      batch / batches,
      `${batch}/${batches}  loss ${meanLoss.toFixed(3)}  ${rate} images/s  ${formatTimeLeft(secondsLeft)} left`,
    );
  }

  private showEpoch({
    epoch,
    trainLoss,
    validationLoss = Number.NaN,
    metrics,
    seconds,
    samplesPerSecond,
  }: EpochResult): void {
    this.progress.clear();
    if (!this.isHeadShown) {
      const head = 'EPOCH  TRAIN LOSS  VALID LOSS  ACCURACY    RECALL      cmAP  IMAGES/S      TIME';
      this.terminal.note(`\n${styled(this.terminal, 'dim', head)}`);
      this.isHeadShown = true;
    }
    const value = this.watched === 'validationLoss' ? -validationLoss : (metrics[this.watched] ?? Number.NaN);
    const isBest = !(value < this.best);
    if (isBest) this.best = value;
    const cells = [
      [String(epoch), 5],
      [trainLoss.toFixed(4), 12],
      [validationLoss.toFixed(4), 12],
      ...['accuracy', 'meanRecall', 'cmAP'].map(
        (name) => [(metrics[name] ?? Number.NaN).toFixed(4), 10] as const,
      ),
      [samplesPerSecond.toFixed(0), 10],
      [formatTimeLeft(seconds), 10],
    ] as const;
    const mark = isBest ? styled(this.terminal, 'green', ' ← best') : '';
    this.terminal.note(`${cells.map(([text, width]) => text.padStart(width)).join('')}${mark}`);
  }

  /** The result as text for standard output. */
  summary(trained: TrainedClassifier): string {
    const { judgement, bestEpoch, stopped, totalSeconds, model, report, weights, viewMetrics, run } = trained;
    const time = formatTimeLeft(totalSeconds);
    if (judgement === null) {
      return `Stopped after ${time}, before the first epoch was done. The same command with --resume goes on (${run}).`;
    }
    const how = { completed: 'Trained', 'early-stopping': 'Ended early', cancelled: 'Stopped' }[stopped];
    const views =
      viewMetrics === null
        ? ''
        : `\nwith augmented views: cmAP ${viewMetrics.cmAP.toFixed(4)}, accuracy ${viewMetrics.accuracy.toFixed(4)}\n`;
    const resume = stopped === 'cancelled' ? '\nThe same command with --resume goes on.' : '';
    return `\n${how} in ${time}; best epoch ${bestEpoch} by ${this.watched}. The ONNX file on the validation pictures:\n${formatJudgement(judgement, trained.classes)}${views}\n${model}: uint8 pictures [N, height, width, 3] of any size in, logits, probabilities and label out\n${report}\n${weights}: to start other trainings from${resume}`;
  }

  close(): void {
    this.progress.clear();
    this.counting?.line.close();
  }
}
